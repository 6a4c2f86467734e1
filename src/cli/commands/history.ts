import { readHistoryFiles } from '../../action/execute/actionHistory.ts';
import { flag, type OptionTable, option, wholeNumber } from '../../base/optionTable.ts';
import type { Command } from '../command.ts';
import { exitCodes, UsageError } from '../exitCodes.ts';
import { renderHistory } from '../render/historyView.ts';
import { terminalText } from '../render/text.ts';
import { runFolderOf } from '../session/openSession.ts';
import { jsonText, viewWidth } from '../terminal.ts';

const options = {
  limit: option('N', wholeNumber(1, 1_000_000, 20), 'print the last N entries'),
  verbose: flag('with who asked, the whole message and each step', 'v'),
} as const satisfies OptionTable;

export const historyCommand: Command<typeof options> = {
  name: 'history',
  summary: 'what was restarted or stopped, and by whom',
  arguments: '[NAME|PID]',
  positionals: { min: 0, max: 1 },
  options,
  details: [
    'Every restart and stop on this machine, from any window or terminal: one line each, in local time: which server, the result, who asked. -v adds the steps. Refused and failed actions are listed too. The newest is printed last.',
  ],
  exits: [
    [exitCodes.ok, 'success; there may be no entries'],
    [exitCodes.error, 'usage error, or a history file cannot be read'],
  ],
  run: async (context) => {
    const { shell, values, color, positionals } = context;
    const [asked] = positionals;
    const { entries: all, unread } = readHistoryFiles(runFolderOf(context).path);
    const entries = all
      .filter(({ target }) => asked === undefined || target.name === asked || String(target.pid) === asked)
      .slice(-values.limit);
    if (values.json) {
      shell.stdout.write(jsonText({ schema: 1, entries, ...(unread.length > 0 ? { unread } : {}) }, 2));
    } else if (entries.length === 0 && all.length > 0) {
      shell.stdout.write(`No history for "${terminalText(asked ?? '')}". Other servers have some: mcp-shepherd history\n`);
    } else if (entries.length > 0 || unread.length === 0) {
      shell.stdout.write(renderHistory(entries, { width: viewWidth(shell), color, now: shell.now(), details: values.verbose }));
    }
    if (unread.length > 0) {
      const files = unread.map(({ file, reason }) => `${terminalText(file)} cannot be read: ${reason}`).join('; ');
      throw new UsageError(`history: ${files}`, [...new Set(unread.map(({ hint }) => hint))].join('\n'));
    }
    return exitCodes.ok;
  },
};
