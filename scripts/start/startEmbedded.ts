import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { current } from '../editor/editorVersion.ts';
import { installEditor } from '../editor/installEditor.ts';
import { stageExtension } from '../editor/stageExtension.ts';
import { startEditor } from '../editor/startEditor.ts';
import { openAddress } from '../system/openAddress.ts';
import { printProgress, timed } from '../system/progress.ts';
import { cacheRoot } from '../system/projectPaths.ts';
import { firstSettings, installViewOpener } from './openingView.ts';
import { findServers, startText } from './startText.ts';
import { userEnvironment } from './userEnvironment.ts';

/**
 * Opens the extension in the browser, in the VS Code server from npm, and keeps it running until it ends or `end` resolves. It works on the user's real
 * home, but keeps its own data (settings, layout) in the project's cache folder.
 */
export async function startEmbedded(folder: string, end: Promise<void>): Promise<void> {
  const editor = await installEditor(current);
  const dataDir = join(cacheRoot, 'start');
  const extensionsDir = join(dataDir, 'extensions');
  rmSync(extensionsDir, { recursive: true, force: true }); // an older build of ours
  stageExtension(extensionsDir);
  installViewOpener(extensionsDir);
  const firstTime = !existsSync(join(dataDir, 'data', 'User', 'settings.json'));
  const env = userEnvironment();
  const found = findServers(folder, env);
  const running = await timed('Starting VS Code', printProgress, () =>
    startEditor({
      editor,
      workspace: folder,
      dataDir,
      extensionsDir,
      env,
      ...(firstTime ? { settings: firstSettings } : {}),
    }),
  );
  try {
    console.log(startText(folder, running.url(), await found));
    openAddress(running.url());
    await Promise.race([end, running.ended]);
    printProgress('Ending VS Code …');
  } finally {
    await running.dispose();
  }
}
