import type { OtherView, ProcessDetail, ProcessRow } from '../types/process.ts';
import { attempt, orNothing, type ProcFailure, type ProcFs } from './procFs.ts';
import type { NetworkSockets, ProcLook } from './procLook.ts';
import { deletedCode, mapsLimit } from './procMaps.ts';
import { classifyStdin, type StdinState } from './procStdin.ts';

/** An environment may be as large as the system's limit for arguments; nothing that we look for needs more. */
export const environmentLimit = 2 * 1024 * 1024;

const reasons: Readonly<Record<ProcFailure, string>> = { denied: 'permission denied', gone: 'not there', failed: 'cannot be read' };

/**
 * Reads what only the owner may read. Every part is read for itself: what is refused or gone is named in `missing`
 * (`exe: permission denied`), and the rest is given. The caller checks before and after that it is still the same process.
 */
export function readProcDetail(fs: ProcFs, root: string, row: ProcessRow, look: ProcLook): ProcessDetail {
  const home = `${root}/${row.pid}`;
  const missing: string[] = [];
  const part = <T>(what: string, read: () => T): T | undefined => {
    const result = attempt(read);
    if ('value' in result) {
      return result.value;
    }
    missing.push(`${what}: ${reasons[result.failure]}`);
    return undefined;
  };
  const exe = part('exe', () => fs.link(`${home}/exe`));
  const cwd = part('cwd', () => fs.link(`${home}/cwd`));
  const text = part('environment', () => fs.read(`${home}/environ`, environmentLimit));
  if (text?.cut) {
    missing.push('environment: larger than 2 MB, the rest was not read');
  }
  const stdinLink = part('stdin', () => fs.link(`${home}/fd/0`));
  const stdin: StdinState = stdinLink === undefined ? 'unknown' : classifyStdin(fs, `${home}/fd/0`, stdinLink, row, look);
  // What follows is asked of no other system: that it cannot be told is not missed.
  const program = orNothing(() => fs.file(`${home}/exe`));
  const maps = orNothing(() => fs.read(`${home}/maps`, mapsLimit).text);
  const deleted = maps === undefined ? [] : deletedCode(maps);
  const elsewhere = otherView(fs, root, home);
  const fds = part('open files', () => fs.names(`${home}/fd`));
  return {
    ...(exe === undefined ? {} : { exe }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(text === undefined ? {} : { environment: parseEnvironment(text.text, text.cut) }),
    stdin,
    listens: fds === undefined ? 'unknown' : listens(fs, home, fds, () => look.networkOf(row.pid)),
    missing,
    ...(program === undefined ? {} : { program }),
    ...(elsewhere === undefined ? {} : { elsewhere }),
    ...(deleted.length === 0 ? {} : { deletedCode: deleted }),
  };
}

/** Whether the paths of a process mean the files that we see: the same mounts and the same root directory. */
function otherView(fs: ProcFs, root: string, home: string): OtherView | undefined {
  const own = orNothing(() => fs.link(`${root}/self/ns/mnt`));
  const its = attempt(() => fs.link(`${home}/ns/mnt`));
  if (own === undefined || ('failure' in its && its.failure !== 'denied')) {
    return undefined;
  }
  if ('failure' in its) {
    return { reason: 'whether its paths mean the files that are seen here may not be read (permission denied)' };
  }
  if (its.value !== own) {
    return {
      reason: 'it runs in another mount namespace (a container or sandbox), where its paths mean other files',
      root: `${home}/root`,
    };
  }
  const top = orNothing(() => fs.link(`${home}/root`));
  const ours = orNothing(() => fs.link(`${root}/self/root`));
  return top === undefined || top === ours
    ? undefined
    : { reason: 'it runs below another root directory, where its paths mean other files', root: `${home}/root` };
}

/**
 * Parses `/proc/PID/environ`: `NAME=value`, each ended by a NUL, as they were when the program started. The first of two equal names is
 * the one that getenv(3) gives.
 * @param cut the end is missing: then the last entry is not whole
 */
export function parseEnvironment(text: string, cut = false): ReadonlyMap<string, string> {
  const environment = new Map<string, string>();
  const entries = text.split('\0');
  for (const entry of cut ? entries.slice(0, -1) : entries) {
    const equals = entry.indexOf('=');
    const name = entry.slice(0, equals);
    if (equals > 0 && !environment.has(name)) {
      environment.set(name, entry.slice(equals + 1));
    }
  }
  return environment;
}

function listens(fs: ProcFs, home: string, fds: readonly string[], network: () => NetworkSockets): boolean {
  for (const fd of fds) {
    const link = attempt(() => fs.link(`${home}/fd/${fd}`));
    const inode = 'value' in link ? /^socket:\[(\d+)\]$/.exec(link.value)?.[1] : undefined;
    if (inode !== undefined) {
      const { tcp, unix } = network();
      const local = unix.byInode.get(inode);
      if (tcp.get(inode) === 'listening' || (local !== undefined && local !== 'ambiguous' && local.listening)) {
        return true;
      }
    }
  }
  return false;
}
