// A window that a test kills: looks for all, and prints a line when it has seen something.
// Arguments: folder of the scanner, home, run folder, version.

import { silentLog } from '../../../src/base/log.ts';
import { ProcTable } from '../../../src/process/linux/procTable.ts';
import { startSharedSurvey } from '../../../src/survey/sharedSurvey.ts';
import { makeSurveyor } from './world.ts';

const [folder = '', home = '', runDir = '', version = ''] = process.argv.slice(2);
const table = new ProcTable();
const own = (await table.list()).find(({ pid }) => pid === process.pid)?.identity;
if (own) {
  const surveyor = await makeSurveyor(home, runDir);
  const survey = await startSharedSurvey({ folder, surveyor, own, table, version, log: silentLog });
  survey.onSnapshot(() => console.log('seen'));
}
