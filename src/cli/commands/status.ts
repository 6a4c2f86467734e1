import { flag, type OptionTable } from '../../base/optionTable.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { Command } from '../command.ts';
import { type ExitCode, exitCodes } from '../exitCodes.ts';
import { headline } from '../render/stateWords.ts';
import { renderStatus } from '../render/statusView.ts';
import { openSession, runFolderRemark, settledSurvey, withRegistries } from '../session/openSession.ts';
import { jsonText, viewWidth } from '../terminal.ts';

const options = { check: flag('exit with 1 when a finding counts') } as const satisfies OptionTable;

export const statusCommand: Command<typeof options> = {
  name: 'status',
  summary: 'what runs, what is configured, and what is wrong',
  arguments: '',
  positionals: { min: 0, max: 0 },
  options,
  details: [
    'Prints every MCP server, grouped by the client that started it, with its state, PID, version, memory and age; then what could not be read. A line that starts with "!" needs attention.',
    '--json prints one snapshot (schema/snapshot.schema.json). Without a terminal, lines are not wrapped; COLUMNS sets a width.',
  ],
  exits: [
    [exitCodes.ok, 'success; with --check also: no finding counts'],
    [exitCodes.findings, 'with --check: something is stale, uninstalled, duplicated, orphaned, unresponsive or in conflict'],
    [exitCodes.error, 'usage error, or the machine could not be scanned'],
    [exitCodes.incomplete, 'with --check: no finding counts, but some inputs could not be read (they are listed)'],
  ],
  async run(context) {
    const { shell, values, color } = context;
    // A newer version never counts: a script that only checks does not wait for registries.
    const session = await openSession(context, { asks: !values.check });
    try {
      const scanned = await settledSurvey(session.surveyor, shell.ended);
      const snapshot = await withRegistries(session.surveyor, scanned, shell.ended);
      if (values.json) {
        shell.stdout.write(jsonText(snapshot, 2));
      } else {
        const remark = runFolderRemark(session.runFolder);
        shell.stdout.write(renderStatus(snapshot, { width: viewWidth(shell), color, now: shell.now(), ...(remark ? { remark } : {}) }));
      }
      return values.check ? checked(snapshot) : exitCodes.ok;
    } finally {
      session.surveyor.dispose();
    }
  },
};

/** A finding counts more than an input that could not be read. */
function checked(snapshot: Snapshot): ExitCode {
  if (headline(snapshot).alarms > 0) {
    return exitCodes.findings;
  }
  return snapshot.problems.length > 0 ? exitCodes.incomplete : exitCodes.ok;
}
