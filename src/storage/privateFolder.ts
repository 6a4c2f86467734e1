import { lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, reasonOf } from '../base/errors.ts';

/** A folder that is neither read nor written, because another user could have written there. The message names the path and what to do. */
export class FolderRefused extends Error {
  override readonly name = 'FolderRefused';
}

/** The user who must own our folders and files; undefined on Windows, where the permissions of the user profile are sufficient. */
export function ownUser(): number | undefined {
  return process.platform === 'win32' ? undefined : process.geteuid?.();
}

/** Permissions of group and others; the lock protocol allows none of them. */
const anyPermission = 0o077;
const writePermission = 0o022;

/**
 * A folder of our own state, `<run folder>/shepherd/<parts>`, which is created with mode 0700 where it is missing. Run folder, `shepherd` and the folder itself are
 * directories (no links) of this user, in which no other user may write.
 * @throws FolderRefused when one of them is not; the system's error when it cannot be created
 */
export function privateFolder(runDir: string, ...parts: readonly string[]): string {
  let folder = runDir;
  for (const part of ['', 'shepherd', ...parts]) {
    folder = join(folder, part);
    mkdirPrivate(folder);
    const refused = checkPrivate(folder, ownUser(), false, writePermission);
    if (refused !== undefined) {
      throw new FolderRefused(refused);
    }
  }
  return folder;
}

/** Why the state below a run folder is not used; undefined when it is private or does not exist. Creates nothing, never throws. */
export function stateRefusal(runDir: string, ...parts: readonly string[]): string | undefined {
  let folder = runDir;
  for (const part of ['', 'shepherd', ...parts]) {
    folder = join(folder, part);
    if (!exists(folder)) {
      return undefined;
    }
    const refused = checkPrivate(folder, ownUser(), false, writePermission);
    if (refused !== undefined) {
      return refused;
    }
  }
  return undefined;
}

/**
 * Why other users may have access to a folder; undefined when they have none. Links are not followed. Never throws.
 * @param create creates the folder when it is missing @param forbidden permission bits of group and others
 */
export function checkPrivate(folder: string, uid: number | undefined, create: boolean, forbidden = anyPermission): string | undefined {
  try {
    // `recursive` also creates missing parents of the run folder.
    if (create) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
    const info = lstatSync(folder);
    if (!info.isDirectory()) {
      return `${folder} is not a directory: remove it`;
    }
    if (uid !== undefined && info.uid !== uid) {
      return `${folder} belongs to user ${info.uid} and not to user ${uid}: give it back with chown, or remove it`;
    }
    if (uid !== undefined && (info.mode & forbidden) !== 0) {
      return `${folder} is open to other users (mode ${(info.mode & 0o777).toString(8)}): chmod 700 it`;
    }
    return undefined;
  } catch (error) {
    const code = errorCode(error) ?? reasonOf(error);
    return code === 'EEXIST' ? `${folder} is not a directory: remove it` : `${folder} cannot be created or read (${code})`;
  }
}

/** A file or a dangling link at the path is left for `checkPrivate`, which names it. @throws the system's error */
function mkdirPrivate(folder: string): void {
  if (!exists(folder)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
}

/** Whether anything is at a path, links not followed; true where the system does not tell. */
function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    return errorCode(error) !== 'ENOTDIR';
  }
}
