import { lstatSync, mkdirSync, readFileSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
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
 * directories (no links) of this user, in which no other user may write; see `parentRefusal` for what is above them.
 * @throws FolderRefused when one of them is not; the system's error when it cannot be created
 */
export function privateFolder(runDir: string, ...parts: readonly string[]): string {
  const above = parentRefusal(runDir);
  if (above !== undefined) {
    throw new FolderRefused(above);
  }
  let folder = runDir;
  for (const part of ['', 'shepherd', ...parts]) {
    folder = join(folder, part);
    mkdirPrivate(folder);
    const refused = checkPrivate(folder, ownUser(), false, writePermission);
    if (refused !== undefined) {
      throw new FolderRefused(refused);
    }
  }
  const since = parentRefusal(runDir, ownUser(), 'now');
  if (since !== undefined) {
    throw new FolderRefused(since);
  }
  return folder;
}

/** Why the state below a run folder is not used; undefined when it is private or does not exist. Creates nothing, never throws. */
export function stateRefusal(runDir: string, ...parts: readonly string[]): string | undefined {
  const above = parentRefusal(runDir);
  if (above !== undefined) {
    return above;
  }
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
  return parentRefusal(runDir, ownUser(), 'now');
}

/**
 * The user id that the kernel shows for users without an id in this user namespace: in a sandbox, `/` and `/home` have this owner. In the initial namespace every user
 * has an id, and this one is the ordinary user `nobody`, which is not trusted (user_namespaces(7)).
 */
const unmappedUser = 65_534;
const knowsAllUsers = /^\s*0\s+0\s+4294967295\s*$/;
const [othersWrite, sticky] = [0o002, 0o1000];

/**
 * Why another user could rename the run folder away and put one of their own, with a launcher of their own, in its place: a folder above it belongs to that user, or
 * all users may write there without the sticky bit (rename(2), EPERM). The group of such a folder is trusted: in many systems it is the user's own.
 * @param missing `later`: missing folders are accepted, because the caller makes them afterwards. `now`: they are refused, because the run folder existed a moment ago. Call
 * it with `now` after the run folder was made or read: another user could have made a folder that was missing at the first call
 * @returns undefined when no user but this one and root could; also where a folder cannot be read. Never throws
 */
export function parentRefusal(runDir: string, uid: number | undefined = ownUser(), missing: 'later' | 'now' = 'later'): string | undefined {
  return folderOfOthers(runDir, uid, ', or use another run folder (--run-dir, MCP_RUN_DIR)', missing);
}

/**
 * Why another user could put something else in the place of a path: see `parentRefusal` for the rule.
 * @param other what the user can do instead @returns with what to do; undefined when no folder above is open, and on Windows. Never throws
 */
export function folderOfOthers(
  path: string,
  uid: number | undefined,
  other: string,
  missing: 'later' | 'now' = 'later',
): string | undefined {
  if (uid === undefined) {
    return undefined;
  }
  const trusted = [uid, 0, ...(isUnmappedShown() ? [unmappedUser] : [])];
  for (const folder of foldersAbove(path)) {
    const info = statOrNothing(folder);
    const link = linkAt(folder);
    if (!info && missing === 'now') {
      return `${folder}, above ${path}, was removed during this check: find out which user can write above it${other}`;
    }
    if (link && !trusted.includes(link.uid)) {
      return `${folder}, above ${path}, is a link of user ${link.uid}, who could lead it elsewhere: remove it${other}`;
    }
    if (info && !trusted.includes(info.uid)) {
      return `${folder}, above ${path}, belongs to user ${info.uid}, who could replace it: give it back with chown${other}`;
    }
    if (info && (info.mode & othersWrite) !== 0 && (info.mode & sticky) === 0) {
      return `${folder}, above ${path}, can be written by all users, who could replace it: chmod o-w ${folder}${other}`;
    }
  }
  return undefined;
}

/** Whether this process is in a namespace that leaves users out; never where the system has none. */
function isUnmappedShown(): boolean {
  try {
    return !knowsAllUsers.test(readFileSync('/proc/self/uid_map', 'latin1'));
  } catch {
    return false;
  }
}

/** By the names in the path, by those that its links lead to, and by the real ones. */
function foldersAbove(path: string): Set<string> {
  const above = new Set<string>();
  const starts = [dirname(path), realOrSame(dirname(path))];
  for (const start of starts) {
    for (let folder = start; !above.has(folder); folder = dirname(folder)) {
      above.add(folder);
      const link = linkAt(folder);
      if (link) {
        starts.push(resolve(dirname(folder), link.to));
      }
    }
  }
  return above;
}

/** Owner and target of a link; undefined for everything else. */
function linkAt(path: string): { readonly uid: number; readonly to: string } | undefined {
  try {
    return { to: readlinkSync(path), uid: lstatSync(path).uid };
  } catch {
    return undefined;
  }
}

function realOrSame(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}

function statOrNothing(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
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
