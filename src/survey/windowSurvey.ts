import type { Log } from '../base/log.ts';
import { stateRefusal } from '../storage/privateFolder.ts';
import { stateFolder } from '../storage/stateFolder.ts';
import type { ThisWindow } from './facts/thisWindow.ts';
import { type LiveSurvey, startLiveSurvey } from './liveSurvey.ts';
import { startSharedSurvey } from './sharedSurvey.ts';
import type { Surveyor } from './surveyor.ts';

/**
 * The survey of one editor window: shared with all windows of this user, unless another user could write to the state folder.
 * @param version of the extension @throws when the state folder cannot be made
 */
export async function startWindowSurvey(
  surveyor: Surveyor,
  { own, table }: ThisWindow,
  runDir: string,
  version: string,
  log: Log,
): Promise<LiveSurvey> {
  // Without an identity of its own, a window cannot publish.
  return own && stateRefusal(runDir, 'scanner') === undefined
    ? startSharedSurvey({ folder: stateFolder(runDir, 'scanner'), surveyor, own, table, version, log })
    : startLiveSurvey(surveyor, log);
}
