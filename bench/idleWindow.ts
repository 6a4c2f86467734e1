// One window as the extension runs it, without an editor: the survey of this machine, shared with the other windows. Arguments: `survey` or `control`, home, run folder.
// A control loads the same modules and waits.

import { silentLog } from '../src/base/log.ts';
import { findThisWindow, publishThisWindow } from '../src/survey/facts/thisWindow.ts';
import { createSurveyor } from '../src/survey/machineSurveyor.ts';
import { startWindowSurvey } from '../src/survey/sharedSurvey.ts';

const [kind = '', home = '', runDir = ''] = process.argv.slice(2);
if (kind === 'survey') {
  const here = await findThisWindow(process.platform);
  const surveyor = await createSurveyor({
    home,
    platform: process.platform,
    env: { HOME: home },
    runDir,
    folders: [],
    vscodeUserDirs: [],
    log: silentLog,
    table: here.table,
  });
  publishThisWindow(runDir, here, { folders: [], workspaceFiles: [], userDirs: [] });
  const survey = await startWindowSurvey(surveyor, here, runDir, 'bench', silentLog);
  let looks = 0;
  survey.onSnapshot((snapshot) => {
    looks += 1;
    process.send?.({ servers: snapshot.instances.length, looks });
  });
  await survey.refresh();
} else {
  setInterval(() => undefined, 1_000);
  process.send?.({ servers: 0, looks: 0 });
}
// The parent, which measures, has ended.
process.once('disconnect', () => process.exit());
