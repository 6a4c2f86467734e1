import { endsKey, type KeptLog, keptLogs, keyBegin, mostLogBytes as mostBytes, readLog } from '../../action/ensure/keptLogs.ts';
import { flag, type OptionTable, option, wholeNumber } from '../../base/optionTable.ts';
import type { Command } from '../command.ts';
import { exitCodes, UsageError } from '../exitCodes.ts';
import { terminalText } from '../render/text.ts';
import { hideSecrets } from '../session/hiddenOutput.ts';
import { runFolderOf } from '../session/openSession.ts';
import { jsonText, type Shell } from '../terminal.ts';

const options = {
  follow: flag('go on with what is written, until Ctrl-C', 'f'),
  lines: option('N', wholeNumber(1, 10_000, 100), 'begin with the last N lines'),
} as const satisfies OptionTable;

/** Time between two looks at a log that is followed, ms. */
const lookMs = 250;

export const logsCommand: Command<typeof options> = {
  name: 'logs',
  summary: 'the output of a server that "ensure" has started',
  arguments: 'NAME',
  positionals: { min: 1, max: 1 },
  options,
  details: [
    'Prints the end of what a server that "mcp-shepherd ensure" has started wrote to standard output and standard error, since its last start. At most the last 64 kB are read. Texts that look like secrets are hidden.',
    'The output of every other server belongs to its client: VS Code shows it with "MCP: List Servers", the server, "Show Output"; Claude Code with "claude --debug". The guard passes it on and keeps none.',
  ],
  exits: [
    [exitCodes.ok, 'success; with -f: ended by Ctrl-C, by a signal, or because the reader of its output is gone'],
    [exitCodes.error, 'usage error, or nothing is kept for this name'],
  ],
  async run(context) {
    const { shell, values, positionals } = context;
    const name = positionals[0] ?? '';
    if (values.follow && values.json) {
      throw new UsageError('--follow cannot be combined with --json', 'See "mcp-shepherd logs --help".', 'contradiction');
    }
    const logs = keptLogs(runFolderOf(context).path, name);
    if (logs.length === 0) {
      throw new UsageError(
        `no output of "${name}" is kept: only "mcp-shepherd ensure" writes the output of a server to a file`,
        'The client of a server shows its output: "mcp-shepherd logs --help" names where.',
      );
    }
    const parts = logs.map((log) => ({ ...log, ...lastLines(log, values, hideSecrets(shell.env)) }));
    if (values.json) {
      shell.stdout.write(jsonText({ schema: 1, logs: parts.map(({ file, port, lines }) => ({ file, port, lines })) }, 2));
      return exitCodes.ok;
    }
    for (const { file, lines } of parts) {
      shell.stdout.write(renderLogLines(lines, logs.length > 1 ? file : undefined));
    }
    if (values.follow) {
      shell.endOnSignals();
      await Promise.all(parts.map((part) => follow(part, shell)));
    }
    return exitCodes.ok;
  },
};

/** What was read of a log, and what is known for the lines that follow. */
interface ReadPart {
  readonly file: string;
  /** Redacted. */
  readonly lines: readonly string[];
  /** Where the next read begins, bytes. */
  readonly end: number;
  /** A last line without an end, which is not shown yet when the log is followed. */
  readonly rest: string;
  readonly hide: (text: string) => string;
}

/** The last lines of a log. */
function lastLines({ file }: KeptLog, { lines: count, follow }: { lines: number; follow: boolean }, hide: ReadPart['hide']): ReadPart {
  const { text, start, end } = readLog(file, mostBytes) ?? { text: '', start: 0, end: 0 };
  // The value of "password=" may come with the next read.
  const whole = follow ? text.slice(0, text.lastIndexOf('\n') + 1) : text;
  const lines = hide(start > 0 && endsKey.test(text) ? `${keyBegin}${whole}` : whole).split(/\r?\n/);
  // The first one is incomplete where the log was not read from its beginning.
  const shown = lines.slice(start > 0 ? 1 : 0, lines.at(-1) === '' ? -1 : undefined);
  return { file, lines: shown.slice(-count), end, rest: text.slice(whole.length), hide };
}

/** Lines of a server's log, each made harmless for a terminal. @param file its path, as a heading */
function renderLogLines(lines: readonly string[], file: string | undefined): string {
  return [...(file === undefined ? [] : [`==> ${file} <==`]), ...lines].map((line) => `${terminalText(line)}\n`).join('');
}

/** Prints each line that is added, until the command is ended. A line that does not end is printed at 64 kB. */
async function follow({ file, end, rest: begun, hide }: ReadPart, shell: Shell): Promise<void> {
  let at = end;
  let rest = begun;
  while (!shell.ended.aborted) {
    const read = readLog(file, mostBytes, at);
    rest = read && read.start < at ? read.text : rest + (read?.text ?? '');
    at = read?.end ?? at;
    const ends = rest.length > mostBytes ? rest.length : rest.lastIndexOf('\n') + 1;
    if (ends > 0) {
      shell.stdout.write(renderLogLines(hide(rest.slice(0, ends)).trimEnd().split(/\r?\n/), undefined));
      rest = rest.slice(ends);
    }
    await new Promise((done) => setTimeout(done, lookMs));
  }
}
