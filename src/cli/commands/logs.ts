import {
  endsKey,
  guardLogs,
  guardPids,
  type KeptLog,
  keptLogs,
  keyBegin,
  mostLogBytes as mostBytes,
  readLog,
  readLogEnd,
} from '../../action/ensure/keptLogs.ts';
import { hideSecrets } from '../../action/upgrade/hiddenOutput.ts';
import { flag, type OptionTable, option, wholeNumber } from '../../base/optionTable.ts';
import type { Instance } from '../../model/snapshot.ts';
import { findInstance } from '../../presentation/findInstance.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodes, UsageError } from '../exitCodes.ts';
import { terminalText } from '../render/text.ts';
import { openSession } from '../session/openSession.ts';
import { jsonText, type Shell } from '../terminal.ts';

const options = {
  follow: flag('go on with what is written, until Ctrl-C', 'f'),
  lines: option('N', wholeNumber(1, 10_000, 100), 'begin with the last N lines'),
} as const satisfies OptionTable;

/** Time between two looks at a log that is followed, ms. */
const lookMs = 250;

export const logsCommand: Command<typeof options> = {
  name: 'logs',
  summary: 'what a guarded server wrote to standard error, and the output of one that "ensure" has started',
  arguments: 'NAME|PID',
  positionals: { min: 1, max: 1 },
  options,
  details: [
    'Prints the end of what a guarded server wrote to standard error: of every guard that runs for this name, else of the last one that ran. A guard keeps the last 128 to 256 kB, without the values of its secret variables; they are removed 7 days after the last line, or when 100 newer guards have a log.',
    'Of a server that "mcp-shepherd ensure" has started: standard output and standard error since its last start.',
    'At most the last 64 kB of each are read. Texts that look like secrets are hidden. The output of every other server belongs to its client: VS Code shows it with "MCP: List Servers", the server, "Show Output"; Claude Code with "claude --debug".',
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
    const logs = await logsOf(name, context);
    const parts = logs.map((log) => ({ ...log, ...lastLines(log, values, hideSecrets(shell.env)) }));
    if (values.json) {
      shell.stdout.write(jsonText({ schema: 1, logs: parts.map(({ file, port, guard, lines }) => ({ file, port, guard, lines })) }, 2));
      return exitCodes.ok;
    }
    for (const { file, guard, lines } of parts) {
      shell.stdout.write(renderLogLines(lines, logs.length > 1 || guard !== undefined ? file : undefined));
    }
    if (values.follow) {
      shell.endOnSignals();
      await Promise.all(parts.map((part) => follow(part, shell)));
    }
    return exitCodes.ok;
  },
};

/** @throws UsageError when nothing is kept */
async function logsOf(name: string, context: CommandContext): Promise<readonly KeptLog[]> {
  const { surveyor, runFolder } = await openSession(context);
  try {
    const ensured = keptLogs(runFolder.path, name);
    if (ensured.length > 0) {
      return ensured;
    }
    const snapshot = await surveyor.survey();
    const found = findInstance(snapshot, name);
    const instances: readonly Instance[] = found.kind === 'found' ? [found.instance] : found.kind === 'ambiguous' ? found.instances : [];
    const guards = found.kind === 'not-started' ? found.guards.map(({ guardPid }) => guardPid) : instances.flatMap(guardPids);
    const ids = new Set(instances.flatMap(({ definitions }) => definitions));
    const entries = snapshot.definitions
      .filter((one) => one.name === name || ids.has(one.id))
      .flatMap(({ id }) => surveyor.definition(id) ?? []);
    const logs = guardLogs(runFolder.path, guards, entries);
    if (logs.length > 0) {
      return logs;
    }
    const isGuarded = instances.some(({ guarded }) => guarded) || found.kind === 'not-started';
    throw new UsageError(
      isGuarded
        ? `no output of "${name}" is kept: it has written nothing to standard error, or its guard is of an earlier version`
        : `no output of "${name}" is kept: only guards and "mcp-shepherd ensure" keep the output of a server`,
      'The client of a server shows its output: "mcp-shepherd logs --help" names where.',
    );
  } finally {
    surveyor.dispose();
  }
}

/** What was read of a log, and what is known for the lines that follow. */
interface ReadPart {
  readonly log: KeptLog;
  /** Redacted. */
  readonly lines: readonly string[];
  /** Where the next read begins, bytes. */
  readonly end: number;
  /** A last line without an end, which is not shown yet when the log is followed. */
  readonly rest: string;
  readonly hide: (text: string) => string;
}

/** The last lines of a log. */
function lastLines(log: KeptLog, { lines: count, follow }: { lines: number; follow: boolean }, hide: ReadPart['hide']): ReadPart {
  const { text, start, end } = readLogEnd(log) ?? { text: '', start: 0, end: 0 };
  // The value of "password=" may come with the next read.
  const whole = follow ? text.slice(0, text.lastIndexOf('\n') + 1) : text;
  const lines = hide(start > 0 && endsKey.test(text) ? `${keyBegin}${whole}` : whole).split(/\r?\n/);
  // The first one is incomplete where the log was not read from its beginning.
  const shown = lines.slice(start > 0 ? 1 : 0, lines.at(-1) === '' ? -1 : undefined);
  return { log, lines: shown.slice(-count), end, rest: text.slice(whole.length), hide };
}

/** Lines of a server's log, each made harmless for a terminal. @param file its path, as a heading */
function renderLogLines(lines: readonly string[], file: string | undefined): string {
  return [...(file === undefined ? [] : [`==> ${file} <==`]), ...lines].map((line) => `${terminalText(line)}\n`).join('');
}

/** Prints each line that is added, until the command is ended. A line that does not end is printed at 64 kB. */
async function follow({ log, end, rest: begun, hide }: ReadPart, shell: Shell): Promise<void> {
  const { file, before } = log;
  let at = end;
  let rest = begun;
  while (!shell.ended.aborted) {
    const read = readLog(file, mostBytes, at);
    if (read && read.start < at) {
      // A guard has begun a new file: the rest of the earlier one comes first. `ensure` has written its file anew.
      const earlier = before === undefined ? undefined : readLog(before, mostBytes, at);
      rest = earlier && earlier.start === at ? rest + earlier.text : '';
    }
    rest += read?.text ?? '';
    at = read?.end ?? at;
    const ends = rest.length > mostBytes ? rest.length : rest.lastIndexOf('\n') + 1;
    if (ends > 0) {
      shell.stdout.write(renderLogLines(hide(rest.slice(0, ends)).trimEnd().split(/\r?\n/), undefined));
      rest = rest.slice(ends);
    }
    await new Promise((done) => setTimeout(done, lookMs));
  }
}
