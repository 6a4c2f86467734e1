import { choice, flag, type OptionTable, type OptionValues, option } from '../../base/optionTable.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { Command } from '../command.ts';
import { type ExitCode, exitCodes, UsageError } from '../exitCodes.ts';
import { billGroups, renderBill } from '../render/billView.ts';
import { headline, renderStatusLine } from '../render/stateWords.ts';
import { renderStatus } from '../render/statusView.ts';
import { openSession, runFolderRemark, settledSurvey, withRegistries } from '../session/openSession.ts';
import { jsonText, viewWidth } from '../terminal.ts';

const options = {
  check: flag('exit with 1 when something needs attention'),
  all: flag('a row for each entry from which nothing runs, instead of one line of names'),
  by: option('WHAT', choice(billGroups, undefined), 'instead of the table, what servers cost, by'),
  line: flag('one short line, for a status line'),
  verbose: flag('with NAME: everything known, with the evidence', 'v'),
} as const satisfies OptionTable;

export const statusCommand: Command<typeof options> = {
  name: 'status',
  summary: 'what runs, what is configured, and what is wrong',
  arguments: '[NAME|PID]',
  positionals: { min: 0, max: 1 },
  options,
  details: [
    'Prints the totals, then every server that needs attention, worst first ("!"), then the other servers by the client that started them; then the names of what does not run, and what could not be read.',
    'CURRENT is the version that runs, INSTALLED the one on disk, LATEST the newest in its registry. "status NAME" is "explain NAME".',
    '--line prints one line, such as "MCP: 2 stale, 1 orphan", asks no registry, and scans once. Findings do not change its exit code. Claude Code shows it with "statusLine": { "type": "command", "command": "mcp-shepherd status --line" } in its settings.',
    '--by client, --by server and --by package add up servers, copies (servers beside one of their entry under the same client process), memory, and how much of it belongs to servers that did nothing for an hour, as far as they were watched. Memory that servers share is counted for each.',
    '--json prints one snapshot (schema/snapshot.schema.json). Without a terminal, lines are not wrapped; COLUMNS sets a width.',
  ],
  exits: [
    [exitCodes.ok, 'success; with --check also: nothing needs attention'],
    [exitCodes.findings, 'with --check: at least one server or entry needs attention'],
    [exitCodes.error, 'usage error, or the machine could not be scanned'],
    [exitCodes.incomplete, 'with --check: nothing needs attention, but some inputs could not be read (they are listed)'],
  ],
  async run(context) {
    const { shell, values, color, positionals } = context;
    const refused = contradiction(values, positionals);
    if (refused !== undefined) {
      throw new UsageError(refused, 'See "mcp-shepherd status --help".', 'contradiction');
    }
    if (positionals.length > 0) {
      const { explainCommand } = await import('./explain.ts');
      return explainCommand.run(context);
    }
    // A newer version never counts: a script that only checks does not wait for registries.
    const session = await openSession(context, { asks: !values.check && !values.line && values.by === undefined });
    try {
      const { surveyor } = session;
      const scanned = await (values.line ? surveyor.survey() : settledSurvey(surveyor, shell.ended));
      const snapshot = await withRegistries(surveyor, scanned, shell.ended);
      if (values.json) {
        shell.stdout.write(jsonText(snapshot, 2));
      } else if (values.by !== undefined) {
        shell.stdout.write(renderBill(snapshot, values.by, { width: viewWidth(shell), color }));
      } else if (values.line) {
        shell.stdout.write(renderStatusLine(snapshot));
      } else {
        const remark = runFolderRemark(session.runFolder);
        const view = { width: viewWidth(shell), color, now: shell.now(), all: values.all, ...(remark ? { remark } : {}) };
        shell.stdout.write(renderStatus(snapshot, view));
      }
      return values.check ? checked(snapshot) : exitCodes.ok;
    } finally {
      session.surveyor.dispose();
    }
  },
};

/** Why these options and words do not go together. */
function contradiction(
  { line, json, check, all, by }: OptionValues<typeof options> & { json: boolean },
  names: readonly string[],
): string | undefined {
  const [first] = [...(line ? ['--line'] : []), ...(check ? ['--check'] : []), ...(all ? ['--all'] : []), ...(by ? ['--by'] : [])];
  return names.length > 0 && first !== undefined
    ? `status NAME takes no ${first}`
    : line && (json || check || all || by)
      ? `--line cannot be combined with --json, --check, --all or --by`
      : by && (json || all)
        ? '--by cannot be combined with --json or --all'
        : undefined;
}

/** A finding counts more than an input that could not be read. */
function checked(snapshot: Snapshot): ExitCode {
  if (headline(snapshot).alarms > 0) {
    return exitCodes.findings;
  }
  return snapshot.problems.length > 0 ? exitCodes.incomplete : exitCodes.ok;
}
