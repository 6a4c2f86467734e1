import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { current } from '../editor/editorVersion.ts';
import { installEditor } from '../editor/installEditor.ts';
import { quietSettings } from '../editor/quietSettings.ts';
import { stageExtension } from '../editor/stageExtension.ts';
import { startEditor } from '../editor/startEditor.ts';
import { printProgress, timed } from '../system/progress.ts';
import { projectRoot } from '../system/projectPaths.ts';
import { waitFor } from '../system/waitFor.ts';
import { staleServer } from './demoServers.ts';
import { prepareDemo } from './prepareDemo.ts';
import { installStarter, startedVariable } from './starterExtension.ts';

/**
 * Prepares the demo in a folder, shows it in an embedded VS Code until `end` resolves, and then ends every process that it started.
 *
 * @param show is called with the address once the editor runs
 */
export async function runDemo(folder: string, end: Promise<void>, show: (url: string) => void): Promise<void> {
  let over = false;
  void end.then(() => {
    over = true;
  });
  const demo = await prepareDemo(folder, printProgress, { cli: join(projectRoot, 'dist', 'cli.cjs') });
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

/** Milliseconds between the start and the upgrade. An upgrade within 2 s of the start could not be dated. */
const healthyMs = 10_000;

/** Waits until VS Code runs the server, shows it as healthy for a while, and replaces it on disk. */
async function upgradeLater(started: string, upgrade: () => Promise<void>, over: () => boolean): Promise<void> {
  await waitFor('a window to be opened', () => over() || existsSync(started), { limit: 24 * 3_600_000, every: 250 });
  printProgress(`VS Code runs everything ${staleServer.old}.`);
  await delay(healthyMs);
  if (over()) {
    return;
  }
  await timed(`npm installs ${staleServer.new}`, printProgress, upgrade);
  printProgress(
    'everything is stale now: see the status bar. Restart it from there or from the tree. (After a reload of the window it runs the new version.) Ctrl-C ends the demo.',
  );
}

function introduction(url: string): string {
  return `
MCP Shepherd in a temporary home: ${url}

See the view "MCP Servers" and the status bar:
  everything  started by VS Code (which calls itself code-server here); becomes stale ${healthyMs / 1000} s after you open the page
  memory      started twice by one client: a duplicate, reported after half a minute
  thinking    still running although its client was killed: an orphan
  files       not started: its guard answers for it until the first call
The client is a stand-in at the path of Claude Code's program. Servers, versions and the upgrade are real.
Ctrl-C ends everything.
`;
}
