import { readHistoryFiles } from '../../action/execute/actionHistory.ts';
import type { Command } from '../command.ts';
import { exitCodes, UsageError } from '../exitCodes.ts';
import { jsonText } from '../jsonOutput.ts';
import { renderHistory } from '../render/historyView.ts';
import { terminalText } from '../render/text.ts';
import { runFolderOf } from '../session/openSession.ts';
import { viewWidth } from '../terminal.ts';

const defaultLimit = 20;

export const historyCommand: Command = {
  name: 'history',
  summary: 'what was restarted, stopped or ended, and by whom',
  arguments: '[NAME|PID]',
  positionals: { min: 0, max: 1 },
  options: { limit: { type: 'string', value: 'N', help: `so many of the last entries (default: ${defaultLimit})` } },
  details: [
    'Every restart, stop and end on this machine, from any window or terminal: when, who asked, which process, what was done, what became of it (also what was refused, failed, or done by another). The newest is printed last.',
  ],
  exits: [
    [exitCodes.ok, 'it was printed, or there is none'],
    [exitCodes.error, 'wrong usage, or it cannot be read, or not all of it'],
  ],
  run: async (context) => {
    const { shell, values, color, positionals } = context;
    const limit = Number(values.text('limit') ?? defaultLimit);
    if (!Number.isInteger(limit) || limit < 1) {
      throw new UsageError(`--limit needs a number from 1 on, and is "${values.text('limit')}"`);
    }
    const [asked] = positionals;
    const { entries: all, unread } = readHistoryFiles(runFolderOf(context).path);
    const entries = all.filter(({ target }) => asked === undefined || target.name === asked || String(target.pid) === asked).slice(-limit);
    if (values.flag('json')) {
      shell.stdout.write(jsonText({ schema: 1, entries, ...(unread.length > 0 ? { unread } : {}) }, 2));
    } else if (entries.length === 0 && all.length > 0) {
      shell.stdout.write(`Nothing was done to "${terminalText(asked ?? '')}" yet, but to others: see mcp-shepherd history.\n`);
    } else if (entries.length > 0 || unread.length === 0) {
      shell.stdout.write(renderHistory(entries, { width: viewWidth(shell), color, now: shell.now() }));
    }
    if (unread.length > 0) {
      const files = unread.map(({ file, reason }) => `${terminalText(file)} cannot be read: ${reason}`).join('; ');
      throw new UsageError(`the history in ${files}`, [...new Set(unread.map(({ cure }) => cure))].join('\n'));
    }
    return exitCodes.ok;
  },
};
