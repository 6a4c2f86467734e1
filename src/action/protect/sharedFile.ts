import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Whether a file is one that others get too: it lies in a git work tree that does not ignore it. Asks git, without what a repository's own
 * configuration could make it run; where git cannot say, a work tree counts as shared.
 * @param realPath with all links resolved
 * @returns the work tree's folder, or undefined when the file is nobody else's
 */
export async function sharedThrough(realPath: string, env: Readonly<Record<string, string | undefined>>): Promise<string | undefined> {
  const root = workTreeOf(realPath);
  if (root === undefined) {
    return undefined;
  }
  return (await isIgnored(realPath, env)) ? undefined : root;
}

function workTreeOf(path: string): string | undefined {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    // A file in linked work trees and submodules.
    if (existsSync(join(folder, '.git'))) {
      return folder;
    }
    if (folder === dirname(folder)) {
      return undefined;
    }
  }
}

/** A repository on a network drive may hang. */
const timeoutMs = 5_000;

function isIgnored(path: string, env: Readonly<Record<string, string | undefined>>): Promise<boolean> {
  // GIT_DIR and the like would make it answer for another repository.
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !/^GIT_/i.test(name)));
  const args = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', 'check-ignore', '--quiet', '--', path];
  return new Promise((resolve) => {
    execFile(
      'git',
      args,
      { cwd: dirname(path), env: { ...own, GIT_OPTIONAL_LOCKS: '0' }, timeout: timeoutMs, windowsHide: true },
      (error) =>
        // 0: ignored and not tracked. 1: not ignored. Anything else: no git, no trust in the folder's owner, a broken repository.
        resolve(error === null),
    );
  });
}
