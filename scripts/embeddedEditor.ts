// `node scripts/embeddedEditor.ts [--floor]`: installs an editor and the browser that the tests need into the cache.
import { current, floor } from './editor/editorVersion.ts';
import { findBrowser } from './editor/findBrowser.ts';
import { installEditor } from './editor/installEditor.ts';
import { printProgress } from './system/progress.ts';

const version = process.argv.includes('--floor') ? floor : current;
const editor = await installEditor(version);
printProgress(`VS Code ${version.vscode}: ${editor.serverMain}`);
printProgress(`Browser: ${await findBrowser()}`);
