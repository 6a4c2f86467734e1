import { lstatSync, mkdirSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode } from '../base/errors.ts';
import { runDirOf } from '../storage/runFolder.ts';

/** Where the protocol's files are, all below one folder that is this user's alone. */
export interface LockDirectory {
  /** `<run folder>/v1`. */
  readonly base: string;
  readonly locks: string;
  readonly instances: string;
  readonly intents: string;
  /** Who must own everything in it; undefined where the system has no such number (Windows). */
  readonly uid: number | undefined;
}

export type LockDirectoryResult = { readonly directory: LockDirectory } | { readonly refused: string };

/**
 * The folder of the protocol below the run folder (`~/.mcp-run`, or what replaces it). On Linux, where the home is on a network or user-space file
 * system, whose locks cannot be trusted, it is `/var/tmp/.mcp-run-<uid>` instead: every process of this user on this machine comes to the same answer.
 * @param explicit the run folder was named by `--run-dir` or `MCP_RUN_DIR`: then it is taken as it is
 */
export function protocolBase(runDir: string, explicit: boolean, look: FileSystemFacts = systemLook): string {
  const uid = look.uid();
  if (explicit || uid === undefined || !look.isRemote(dirname(runDir))) {
    return join(runDir, 'v1');
  }
  return join(`/var/tmp/.mcp-run-${uid}`, 'v1');
}

/** What `protocolBase` asks the system. */
export interface FileSystemFacts {
  uid(): number | undefined;
  isRemote(path: string): boolean;
}

/** `f_type` of statfs(2) on Linux: NFS, SMB/CIFS, SMB2, 9p, FUSE (virtiofs too), Ceph, Lustre, GPFS, AFS, Coda. */
const remoteTypes: ReadonlySet<number> = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x65735546, 0x00c36400, 0x0bd00bd0, 0x47504653, 0x5346414f, 0x73757245,
]);

const systemLook: FileSystemFacts = {
  uid: () => process.geteuid?.(),
  isRemote(path) {
    try {
      return process.platform === 'linux' && remoteTypes.has(statfsSync(path).type >>> 0);
    } catch {
      return false;
    }
  },
};

/**
 * Makes the folders, for this user only, and refuses what another user could write to or put there: a link, a foreign owner, rights for others.
 * Never throws; the reason names the path and what to do.
 */
export function openLockDirectory(base: string): LockDirectoryResult {
  return checkedDirectory(base, true);
}

function checkedDirectory(base: string, make: boolean): LockDirectoryResult {
  const uid = process.platform === 'win32' ? undefined : process.geteuid?.();
  const directory: LockDirectory = {
    base,
    locks: join(base, 'locks'),
    instances: join(base, 'instances'),
    intents: join(base, 'intents'),
    uid,
  };
  const own = [dirname(base), base, directory.instances];
  for (const folder of make ? [...own, directory.locks, directory.intents] : own) {
    const refused = checkPrivate(folder, uid, make);
    if (refused !== undefined) {
      return { refused };
    }
  }
  return { directory };
}

/** The same for readers: makes nothing. Undefined when there is no such folder yet; nobody has published anything then. */
export function findLockDirectory(base: string): LockDirectoryResult | undefined {
  try {
    lstatSync(join(base, 'instances'));
  } catch (error) {
    const code = errorCode(error) ?? 'error';
    return code === 'ENOENT' || code === 'ENOTDIR' ? undefined : { refused: `${base} cannot be read (${code})` };
  }
  return checkedDirectory(base, false);
}

/**
 * Why a folder is not this user's alone; undefined when it is. Links are not followed. Never throws.
 * @param make makes it when missing
 */
export function checkPrivate(folder: string, uid: number | undefined, make: boolean): string | undefined {
  try {
    // The parents of the run folder are not the protocol's: `recursive` makes what is missing above it.
    if (make) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
    const info = lstatSync(folder);
    if (!info.isDirectory()) {
      return `${folder} is no directory: remove it`;
    }
    if (uid !== undefined && info.uid !== uid) {
      return `${folder} belongs to user ${info.uid} and not to user ${uid}: give it back with chown, or remove it`;
    }
    if (uid !== undefined && (info.mode & 0o077) !== 0) {
      return `${folder} is open to other users (mode ${(info.mode & 0o777).toString(8)}): chmod 700 it`;
    }
    return undefined;
  } catch (error) {
    const code = errorCode(error) ?? String(error);
    return code === 'EEXIST' ? `${folder} is no directory: remove it` : `${folder} cannot be made or read (${code})`;
  }
}

/** `<run folder>/v1` of the lock protocol, or where it is instead when the home is on a network file system. @param runDir what `runDirFor` said */
export function protocolFolder(runDir: string): string {
  return protocolBase(runDir, runDir !== runDirOf({}).path);
}
