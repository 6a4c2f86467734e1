import { flag, type OptionTable } from '../../base/optionTable.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exitCodes.ts';
import { renderDoctor } from '../render/doctorView.ts';
import { doctorReport } from '../session/doctorReport.ts';
import { openSession, settledSurvey } from '../session/openSession.ts';
import { jsonText, viewWidth } from '../terminal.ts';
import { version } from '../version.ts';

const options = { verbose: flag('also files that do not exist, and clients that are not here', 'v') } as const satisfies OptionTable;

export const doctorCommand: Command<typeof options> = {
  name: 'doctor',
  summary: 'where servers were searched for, and what could not be read',
  arguments: '',
  positionals: { min: 0, max: 0 },
  options,
  details: [
    'Shows where MCP Shepherd searched for servers and what it could not read: the configuration files of every known client (with -v also those that do not exist), the project folders, the source of the process list, Node.js, and the folders in use.',
  ],
  exits: [
    [exitCodes.ok, 'success'],
    [exitCodes.error, 'usage error, or the machine could not be scanned'],
  ],
  async run(context) {
    const { shell, values, color } = context;
    const session = await openSession(context);
    try {
      const snapshot = await settledSurvey(session.surveyor, shell.ended);
      const report = doctorReport(snapshot, session.surveyor.report(), {
        version,
        node: { version: process.version, path: process.execPath },
        platform: `${shell.platform} ${process.arch}`,
        home: shell.home,
        folders: session.folders,
        runFolder: session.runFolder,
      });
      const view = { width: viewWidth(shell), color, now: shell.now(), everything: values.verbose };
      shell.stdout.write(values.json ? jsonText(report, 2) : renderDoctor(report, view));
      return exitCodes.ok;
    } finally {
      session.surveyor.dispose();
    }
  },
};
