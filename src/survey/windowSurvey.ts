import { createProcessTable } from '../process/table.ts';
import type { Log } from '../types/log.ts';
import { type LiveSurvey, startLiveSurvey } from './live.ts';
import { startSharedSurvey } from './sharedSurvey.ts';
import { stateFolder } from './stateFolder.ts';
import type { Surveyor } from './surveyor.ts';

/**
 * The survey of one editor window: shared with all windows of this user.
 * @param version of the extension @throws when the state folder cannot be made, or the system has no process list
 */
export async function startWindowSurvey(surveyor: Surveyor, runDir: string, version: string, log: Log): Promise<LiveSurvey> {
  const table = await createProcessTable();
  const own = (await table.list()).find((row) => row.pid === process.pid)?.identity;
  // A process that its own list does not show cannot tell the others who it is.
  return own
    ? startSharedSurvey({ folder: stateFolder(runDir, 'scanner'), surveyor, own, table, version, log })
    : startLiveSurvey(surveyor, log);
}
