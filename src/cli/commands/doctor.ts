import type { Command } from '../command.ts';
import { exitCodes } from '../exitCodes.ts';
import { renderDoctor } from '../render/doctorView.ts';
import { doctorReport } from '../session/doctorReport.ts';
import { openSession, settledSurvey } from '../session/openSession.ts';
import { jsonText, viewWidth } from '../terminal.ts';
import { version } from '../version.ts';

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'where servers were searched for, and what could not be read',
  arguments: '',
  positionals: { min: 0, max: 0 },
  options: {},
  details: [
    'Shows where MCP Shepherd searched for servers and what it could not read: every configuration file of every known client (found, broken or absent), the project folders, the source of the process list, Node.js, and the folders in use.',
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
      shell.stdout.write(values.json ? jsonText(report, 2) : renderDoctor(report, { width: viewWidth(shell), color, now: shell.now() }));
      return exitCodes.ok;
    } finally {
      session.surveyor.dispose();
    }
  },
};
