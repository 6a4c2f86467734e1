import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { current } from '../editor/editorVersion.ts';
import { installEditor } from '../editor/installEditor.ts';
import { quietSettings } from '../editor/quietSettings.ts';
import { stageExtension } from '../editor/stageExtension.ts';
import { startEditor } from '../editor/startEditor.ts';
import { printProgress, timed } from '../system/progress.ts';
import { waitFor } from '../system/waitFor.ts';
import { staleServer } from './demoServers.ts';
import { prepareDemo } from './prepareDemo.ts';
import { installStarter, startedVariable } from './starterExtension.ts';

/**
 * Prepares the demo in a folder and shows it in an embedded VS Code, until it is told to end; then ends all it started.
 *
 * @param end resolves when the user has seen enough
 * @param show gets the address as soon as there is one
 */
export async function runDemo(folder: string, end: Promise<void>, show: (url: string) => void): Promise<void> {
  let over = false;
  void end.then(() => {
    over = true;
  });
  const demo = await prepareDemo(folder, printProgress);
  try {
    const extensionsDir = join(folder, 'extensions');
    mkdirSync(extensionsDir);
    installStarter(extensionsDir);
    stageExtension(extensionsDir);
    const started = join(folder, 'started');
    const editor = await timed('Starting VS Code', printProgress, async () =>
      startEditor({
        editor: await installEditor(current),
        workspace: demo.workspace,
        dataDir: join(folder, 'editor'),
        extensionsDir,
        env: { ...demo.env, [startedVariable]: started },
        settings: { ...quietSettings, 'window.autoDetectColorScheme': true },
      }),
    );
    try {
      if (!over) {
        show(editor.url());
        console.log(introduction(editor.url()));
        await Promise.race([end, editor.ended, upgradeLater(started, demo.upgrade, () => over)]);
        await Promise.race([end, editor.ended]);
        printProgress('Ending the demo …');
      }
    } finally {
      await editor.dispose();
    }
  } finally {
    await demo.dispose();
  }
}

/** Milliseconds in which the server is seen healthy. An upgrade in the moment of a start is one that nobody could date. */
const calm = 10_000;

/** Once VS Code runs the server, lets it be seen for a while and replaces it on disk. */
async function upgradeLater(started: string, upgrade: () => Promise<void>, over: () => boolean): Promise<void> {
  // A window may be opened at any time from now.
  await waitFor('a window to be opened', () => over() || existsSync(started), { limit: 24 * 3_600_000, every: 250 });
  printProgress(`VS Code runs everything ${staleServer.old}.`);
  await delay(calm);
  if (over()) {
    return;
  }
  await timed(`npm installs ${staleServer.new}`, printProgress, upgrade);
  printProgress(
    'everything is stale now: look at the status bar. Restart it from there or from the tree. (A reloaded window starts the new version: then it is current.) Ctrl-C ends the demo.',
  );
}

function introduction(url: string): string {
  return `
MCP Shepherd, in a home that will be thrown away: ${url}

What to look at in the view "MCP Servers" and in the status bar:
  everything  run by VS Code (this build of it calls itself code-server) from .vscode/mcp.json. It is upgraded on disk ${calm / 1000} s after it has started: stale.
  memory      run twice by one client: a duplicate (said after half a minute, when it is sure).
  thinking    its client was killed and it did not notice: an orphan.
  files       nothing is wrong with it.
The client is a stand-in that runs where Claude Code's program would be; servers, versions and upgrade are real.
Ctrl-C ends everything.
`;
}
