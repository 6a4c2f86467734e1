// Node and programs for children of another user. Our own may be out of their reach: in a container everything is below /root, which only root can enter.
import { spawnSync } from 'node:child_process';
import { chmodSync, constants, copyFileSync, linkSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { buildSync } from 'esbuild';

/** The user and group "nobody", for `spawn`. The working directory is one that every user may enter. */
export const otherUser = { uid: 65_534, gid: 65_534, cwd: '/' } as const;

interface OpenFolder {
  readonly path: string;
  readonly node: string;
}

/** By the Node that runs in it. */
const folders = new Map<string, OpenFolder>();

/** The same Node, at a path where every user may execute it. @throws when there is no such place */
export function openNode(node: string = process.execPath): string {
  return openFolder(node).node;
}

/**
 * A TypeScript program of the tests as one file that every user may read.
 * @returns the words that run it
 */
export function openProgram(file: string): [node: string, ...args: string[]] {
  const { path, node } = openFolder(process.execPath);
  const outfile = join(path, `${basename(file, '.ts')}.mjs`);
  // For libraries that are CommonJS.
  const banner = { js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);" };
  const mainFields = ['module', 'main'];
  buildSync({ entryPoints: [file], outfile, banner, mainFields, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' });
  chmodSync(outfile, 0o644);
  return [node, outfile];
}

function openFolder(node: string): OpenFolder {
  const known = folders.get(node);
  if (known) {
    return known;
  }
  for (const parent of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    const path = mkdtempSync(join(parent, 'other-user-'));
    process.once('exit', () => rmSync(path, { recursive: true, force: true }));
    chmodSync(path, 0o755);
    const probe = join(path, 'probe.mjs');
    writeFileSync(probe, '', { mode: 0o644 });
    const runs = (binary: string): boolean => spawnSync(binary, [probe], otherUser).status === 0;
    const copy = join(path, 'node');
    if (!runs(node)) {
      linkOrCopy(node, copy);
    }
    const open = [node, copy].find(runs);
    if (open !== undefined) {
      const folder = { path, node: open };
      folders.set(node, folder);
      return folder;
    }
  }
  throw new Error('there is no folder where another user can run a program');
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    // Another file system.
    copyFileSync(from, to, constants.COPYFILE_FICLONE);
    chmodSync(to, 0o755);
  }
}
