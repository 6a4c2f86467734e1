import { lstatSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode } from '../base/errors.ts';
import { checkPrivate, ownUser, parentRefusal } from '../storage/privateFolder.ts';
import { runDirOf } from '../storage/runFolder.ts';

/** The folders of the protocol, which only this user may enter. */
export interface LockDirectory {
  /** `<run folder>/v1`. */
  readonly base: string;
  readonly locks: string;
  readonly instances: string;
  readonly intents: string;
  /** The user who must own everything in it; undefined on Windows. */
  readonly uid: number | undefined;
}

type LockDirectoryResult = { readonly directory: LockDirectory } | { readonly refused: string };

/**
 * The folder of the protocol in the run folder (`~/.mcp-run`, or what replaces it). On Linux, when the home folder is on a network or user-space file
 * system, whose locks are not reliable, it is in `/var/tmp/.mcp-run-<uid>`: every process of this user on this machine gets the same answer.
 * @param explicit the run folder was set by `--run-dir` or `MCP_RUN_DIR`; it is then used in any case
 */
export function protocolBase(runDir: string, explicit: boolean, system: FileSystemFacts = fileSystem): string {
  const uid = system.uid();
  if (explicit || uid === undefined || !system.isRemote(dirname(runDir))) {
    return join(runDir, 'v1');
  }
  return join(`/var/tmp/.mcp-run-${uid}`, 'v1');
}

/** The facts of the system that `protocolBase` needs. */
interface FileSystemFacts {
  uid(): number | undefined;
  isRemote(path: string): boolean;
}

/** `f_type` of statfs(2) on Linux: NFS, SMB/CIFS, SMB2, 9p, FUSE (virtiofs too), Ceph, Lustre, GPFS, AFS, Coda. */
const remoteTypes: ReadonlySet<number> = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x65735546, 0x00c36400, 0x0bd00bd0, 0x47504653, 0x5346414f, 0x73757245,
]);

const fileSystem: FileSystemFacts = {
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
 * Creates the folders for this user only. Refuses a link, another owner, and permissions for others, because another user could write there.
 * Never throws; the reason names the path and what to do.
 */
export function openLockDirectory(base: string): LockDirectoryResult {
  return checkDirectory(base, true);
}

function checkDirectory(base: string, create: boolean): LockDirectoryResult {
  const uid = ownUser();
  const directory: LockDirectory = {
    base,
    locks: join(base, 'locks'),
    instances: join(base, 'instances'),
    intents: join(base, 'intents'),
    uid,
  };
  const above = parentRefusal(dirname(base), uid);
  if (above !== undefined) {
    return { refused: above };
  }
  const own = [dirname(base), base, directory.instances];
  for (const folder of create ? [...own, directory.locks, directory.intents] : own) {
    const refused = checkPrivate(folder, uid, create);
    if (refused !== undefined) {
      return { refused };
    }
  }
  const since = parentRefusal(dirname(base), uid, 'now');
  return since === undefined ? { directory } : { refused: since };
}

/** The same for readers: creates nothing. Undefined when the folder does not exist; no record is published then. */
export function findLockDirectory(base: string): LockDirectoryResult | undefined {
  try {
    lstatSync(join(base, 'instances'));
  } catch (error) {
    const code = errorCode(error) ?? 'error';
    return code === 'ENOENT' || code === 'ENOTDIR' ? undefined : { refused: `${base} cannot be read (${code})` };
  }
  return checkDirectory(base, false);
}

/** The protocol's folder for a run folder, see `protocolBase`. @param runDir from `runDirFor` */
export function protocolFolder(runDir: string): string {
  return protocolBase(runDir, runDir !== runDirOf({}).path);
}
