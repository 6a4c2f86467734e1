import type { Snapshot } from '../../model/snapshot.ts';
import type { Command } from '../command.ts';
import { type ExitCode, exitCodes } from '../exitCodes.ts';
import { jsonText } from '../jsonOutput.ts';
import { headline } from '../render/headline.ts';
import { renderStatus } from '../render/statusView.ts';
import { openSession, runFolderRemark, settledSurvey, withRegistries } from '../session/openSession.ts';
import { viewWidth } from '../terminal.ts';

export const statusCommand: Command = {
  name: 'status',
  summary: 'what runs, what is configured, and what is wrong',
  arguments: '',
  positionals: { min: 0, max: 0 },
  options: { check: { type: 'boolean', help: 'exit 1 when anything makes the headline' } },
  details: [
    'Prints every MCP server by the client that started it: its state in words, PID, version, memory and age; then what could not be read. A line that starts with "!" needs you.',
    'With --json exactly one snapshot is printed (schema/snapshot.schema.json). Where the output is no terminal, lines are not wrapped; COLUMNS sets a width.',
  ],
  exits: [
    [exitCodes.ok, 'it was looked; with --check also: nothing makes the headline'],
    [exitCodes.findings, 'with --check: something is stale, gone, a duplicate, an orphan, does not answer or conflicts'],
    [exitCodes.error, 'wrong usage, or the machine could not be looked at'],
    [exitCodes.notAllSeen, 'with --check: nothing makes the headline, but not everything could be read: the problems are listed'],
  ],
  async run(context) {
    const { shell, values, color } = context;
    // Newer versions never make the headline: a script that only checks does not wait for them.
    const session = await openSession(context, { asks: !values.flag('check') });
    try {
      const looked = await settledSurvey(session.surveyor, shell.ended);
      const snapshot = await withRegistries(session.surveyor, looked, shell.ended);
      if (values.flag('json')) {
        shell.stdout.write(jsonText(snapshot, 2));
      } else {
        const remark = runFolderRemark(session.runFolder);
        shell.stdout.write(renderStatus(snapshot, { width: viewWidth(shell), color, now: shell.now(), ...(remark ? { remark } : {}) }));
      }
      return values.flag('check') ? checked(snapshot) : exitCodes.ok;
    } finally {
      session.surveyor.dispose();
    }
  },
};

/** What was found counts more than what could not be seen. */
function checked(snapshot: Snapshot): ExitCode {
  if (headline(snapshot).alarms > 0) {
    return exitCodes.findings;
  }
  return snapshot.problems.length > 0 ? exitCodes.notAllSeen : exitCodes.ok;
}
