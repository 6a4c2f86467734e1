import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findOnPath } from '../editor/findBrowser.ts';
import { endTree } from '../system/processTree.ts';
import { cacheRoot, projectRoot } from '../system/projectPaths.ts';
import { firstSettings, installViewOpener } from './openingView.ts';
import { userEnvironment } from './userEnvironment.ts';

/** The `code` command, if there is one and a desktop to open its window on. */
export function desktopEditor(): string | undefined {
  const desktop = process.platform !== 'linux' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  return desktop ? findOnPath(['code']) : undefined;
}

/**
 * Opens an Extension Development Host of the user's own VS Code and waits until its window is closed or `end` resolves; then ends its remaining processes.
 * It has its own data folder, so that it is a separate program that can be ended.
 */
export async function startDesktop(code: string, folder: string, end: Promise<void>): Promise<void> {
  const dataDir = join(cacheRoot, 'start-desktop');
  const settings = join(dataDir, 'User', 'settings.json');
  if (!existsSync(settings)) {
    mkdirSync(dirname(settings), { recursive: true });
    writeFileSync(settings, `${JSON.stringify(firstSettings, undefined, 2)}\n`);
  }
  const extensions = [projectRoot, installViewOpener(join(dataDir, 'opener'))].map((path) => `--extensionDevelopmentPath=${path}`);
  const child = spawn(code, ['--new-window', '--wait', '--user-data-dir', dataDir, ...extensions, folder], {
    env: userEnvironment(),
    stdio: 'inherit',
    shell: process.platform === 'win32', // code.cmd
  });
  const closed = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => resolve());
  });
  try {
    await Promise.race([closed, end]);
  } finally {
    if (child.pid !== undefined) {
      await endTree(child.pid);
    }
    await Promise.all(leftBehind(dataDir).map((pid) => endTree(pid)));
  }
}

/** Processes of this editor that are not below the command that started it; they are recognised by the data folder. */
function leftBehind(dataDir: string): number[] {
  if (process.platform !== 'linux') {
    return [];
  }
  return readdirSync('/proc').flatMap((name) => {
    try {
      const words = /^\d+$/.test(name) ? readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0') : [];
      const ours = words.some(
        (word, index) => word === `--user-data-dir=${dataDir}` || (word === '--user-data-dir' && words[index + 1] === dataDir),
      );
      return ours ? [Number(name)] : [];
    } catch {
      return []; // ended since it was listed
    }
  });
}
