// `npm start [-- FOLDER] [-- --embedded]`: builds the extension and opens it on the user's real servers.
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { desktopEditor, startDesktop } from './start/startDesktop.ts';
import { startEmbedded } from './start/startEmbedded.ts';
import { findServers, startText } from './start/startText.ts';
import { userEnvironment } from './start/userEnvironment.ts';
import { buildBundles } from './system/buildBundles.ts';
import { interruption } from './system/interruption.ts';
import { printProgress, timed } from './system/progress.ts';
import { runScript } from './system/runScript.ts';

const words = process.argv.slice(2);
// npm changes into the project's folder; INIT_CWD is the folder where the user called it.
const calledFrom = process.env.INIT_CWD ?? process.cwd();
const folder = resolve(calledFrom, words.find((word) => !word.startsWith('--')) ?? '.');
if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
  console.error(`${folder} is not a folder.`);
  process.exit(2);
}

const interrupted = interruption();
const code = words.includes('--embedded') ? undefined : desktopEditor();
await runScript(async () => {
  await timed('Building', printProgress, buildBundles);
  if (code) {
    console.log(startText(folder, `in ${code}`, await findServers(folder, userEnvironment())));
    await startDesktop(code, folder, interrupted);
  } else {
    await startEmbedded(folder, interrupted);
  }
});
