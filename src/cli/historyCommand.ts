import { readHistory } from '../action/history.ts';
import type { Command } from './command.ts';
import { exitCodes, UsageError } from './exitCodes.ts';
import { jsonText } from './json.ts';
import { renderHistory } from './render/historyView.ts';
import { runFolderOf } from './session.ts';
import { viewWidth } from './terminal.ts';

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
    [exitCodes.error, 'wrong usage'],
  ],
  run: async (context) => {
    const { shell, values, color, positionals } = context;
    const limit = Number(values.text('limit') ?? defaultLimit);
    if (!Number.isInteger(limit) || limit < 1) {
      throw new UsageError(`--limit needs a number from 1 on, and is "${values.text('limit')}"`);
    }
    const [asked] = positionals;
    const entries = readHistory(runFolderOf(context).path)
      .filter(({ target }) => asked === undefined || target.name === asked || String(target.pid) === asked)
      .slice(-limit);
    shell.stdout.write(
      values.flag('json')
        ? jsonText({ schema: 1, entries }, 2)
        : renderHistory(entries, { width: viewWidth(shell), color, now: shell.now() }),
    );
    return exitCodes.ok;
  },
};
