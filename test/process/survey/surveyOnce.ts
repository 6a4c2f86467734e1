// Run by tests as a program of its own, under another user: one settled survey, printed as JSON. Arguments: home, run folder.
import { createSurveyor } from '../../../src/survey/surveyor.ts';
import { silentLog } from '../../../src/types/log.ts';
import { settled } from './world.ts';

const [home = '', runDir = ''] = process.argv.slice(2);
const surveyor = await createSurveyor({
  home,
  platform: process.platform,
  env: { HOME: home },
  runDir,
  folders: [],
  vscodeUserDirs: [],
  log: silentLog,
});
console.log(JSON.stringify(await settled(surveyor)));
surveyor.dispose();
