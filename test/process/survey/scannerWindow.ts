// A window that a test kills: looks for all, and prints a line when it has seen something.
// Arguments: folder of the scanner, home, run folder, version.
import { ProcTable } from '../../../src/process/procTable.ts';
import { startSharedSurvey } from '../../../src/survey/sharedSurvey.ts';
import { createSurveyor } from '../../../src/survey/surveyor.ts';
import { silentLog } from '../../../src/types/log.ts';

const [folder = '', home = '', runDir = '', version = ''] = process.argv.slice(2);
const table = new ProcTable();
const own = (await table.list()).find(({ pid }) => pid === process.pid)?.identity;
if (own) {
  const surveyor = await createSurveyor({
    home,
    platform: process.platform,
    env: { HOME: home },
    runDir,
    folders: [],
    vscodeUserDirs: [],
    log: silentLog,
  });
  const survey = await startSharedSurvey({ folder, surveyor, own, table, version, log: silentLog });
  survey.onSnapshot(() => console.log('seen'));
}
