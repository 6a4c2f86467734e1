import { because } from '../../base/language/because.ts';
import type { OtherView, ProcessDetail, ProcessRow } from '../../model/process.ts';
import { attempt, orNothing, type ProcFailure, type ProcFs } from './procFs.ts';
import type { NetworkSockets, OwnView, ProcSnapshot } from './procSnapshot.ts';
import { socketInode, unixPeer } from './procSockets.ts';

type StdinState = ProcessDetail['stdin'];

/** File type bits of a mode (inode(7)). */
const typeMask = 0o170_000;
const fifo = 0o010_000;
const character = 0o020_000;
const regular = 0o100_000;
/** /dev/null is character device 1:3 (Documentation/admin-guide/devices.txt of the kernel). */
const nullDevice = (1 << 8) | 3;

/**
 * The state of standard input, from the link and the metadata of descriptor 0. Opens nothing.
 * @param fd0 path of the descriptor
 * @param link text of that link
 */
function classifyStdin(fs: ProcFs, fd0: string, link: string, row: ProcessRow, snapshot: ProcSnapshot): StdinState {
  const socket = socketInode(link);
  if (socket !== undefined) {
    return socketPeer(snapshot.ownNetwork(), socket) ?? socketPeer(snapshot.networkOf(row.pid), socket) ?? 'unknown';
  }
  const node = orNothing(() => fs.node(fd0));
  if (node === undefined) {
    return 'unknown';
  }
  switch (node.mode & typeMask) {
    case regular:
      return 'file';
    case character:
      return node.device === nullDevice ? 'null-device' : isTerminal(node.device) ? 'terminal' : 'unknown';
    case fifo:
      return pipeState(link, row, snapshot);
    default:
      return 'unknown';
  }
}

/** The state of a socket. TCP is read only when the UNIX table shows no peer: a forged line in it (see `parseUnixSockets`) must not make a server an orphan. */
function socketPeer(network: NetworkSockets, inode: string): StdinState | undefined {
  if (unixPeer(network.unix, inode) === 'connected') {
    return 'connected';
  }
  const tcp = network.tcp().get(inode);
  if (tcp === 'established') {
    return 'connected';
  }
  return tcp === 'ended' ? 'none' : unixPeer(network.unix, inode);
}

/** Major numbers: 4 for consoles and serial lines, 5 for /dev/tty and /dev/console, 136 to 143 for pseudo-terminals. */
function isTerminal(device: number): boolean {
  const major = (device >> 8) & 0xfff;
  return major === 4 || major === 5 || (major >= 136 && major <= 143);
}

function pipeState(link: string, row: ProcessRow, snapshot: ProcSnapshot): StdinState {
  const writer = snapshot.writerOf(link, row);
  if (writer === 'seen') {
    return 'connected';
  }
  // Any process can open a named FIFO again.
  return writer === 'none' && link.startsWith('pipe:[') ? 'none' : 'unknown';
}

/** Bytes of the environment that are read. The system's limit is larger; the variables that we need fit. */
const environmentLimit = 2 * 1024 * 1024;

const reasons: Readonly<Record<ProcFailure, string>> = { denied: 'permission denied', gone: 'not there', failed: 'cannot be read' };

/**
 * Reads what only the owner of a process may read, except for its mapped code (`MappedCode`). A part that is refused or gone is named in `missing`
 * (`exe: permission denied`), and the others are returned. The caller checks afterwards that the process is still the same.
 */
export function readProcDetail(fs: ProcFs, root: string, row: ProcessRow, snapshot: ProcSnapshot): ProcessDetail {
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
  const text = part('environment', () => fs.read(`${home}/environ`, environmentLimit, 'at once'));
  if (text?.cut) {
    missing.push('environment: larger than 2 MB, the rest was not read');
  }
  const stdinLink = part('stdin', () => fs.link(`${home}/fd/0`));
  const stdin: StdinState = stdinLink === undefined ? 'unknown' : classifyStdin(fs, `${home}/fd/0`, stdinLink, row, snapshot);
  // Other systems do not have the following parts, so they are not named in `missing`.
  const program = orNothing(() => fs.file(`${home}/exe`));
  const elsewhere = otherView(fs, home, snapshot.ownView());
  const fds = part('open files', () => fs.names(`${home}/fd`));
  return {
    ...(exe === undefined ? {} : { exe }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(text === undefined ? {} : { environment: parseEnvironment(text.text, text.cut) }),
    stdin,
    listens: fds === undefined ? 'unknown' : listens(fs, home, fds, () => snapshot.networkOf(row.pid), stdin === 'none'),
    missing,
    ...(program === undefined ? {} : { program }),
    ...(elsewhere === undefined ? {} : { elsewhere }),
  };
}

/** Undefined when the paths of a process mean the same files for us: the same mounts and the same root directory. */
function otherView(fs: ProcFs, home: string, own: OwnView): OtherView | undefined {
  const its = attempt(() => fs.link(`${home}/ns/mnt`));
  if (own.mounts === undefined || ('failure' in its && its.failure !== 'denied')) {
    return undefined;
  }
  if ('failure' in its) {
    return { reason: because`its mount namespace may not be read (permission denied), so its paths may mean other files` };
  }
  if (its.value !== own.mounts) {
    return {
      reason: because`it runs in another mount namespace (a container or sandbox), where its paths mean other files`,
      root: `${home}/root`,
    };
  }
  const top = orNothing(() => fs.link(`${home}/root`));
  return top === undefined || top === own.top
    ? undefined
    : { reason: because`it runs below another root directory, where its paths mean other files`, root: `${home}/root` };
}

/**
 * Parses `/proc/PID/environ`: `NAME=value`, each ended by a NUL, as at the program's start. Of two entries with the same name the first counts, as in getenv(3).
 * @param cut whether the end is missing; then the last entry is incomplete and left out
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

/**
 * Whether one of the descriptors accepts connections.
 * @param orphaned standard input has no other end: then this decides whether the process is an orphan, so TCP is read also for sockets in the UNIX table
 */
function listens(fs: ProcFs, home: string, fds: readonly string[], network: () => NetworkSockets, orphaned: boolean): boolean {
  for (const fd of fds) {
    const link = attempt(() => fs.link(`${home}/fd/${fd}`));
    const inode = 'value' in link ? socketInode(link.value) : undefined;
    if (inode !== undefined) {
      const { unix, tcp } = network();
      const local = unix.byInode.get(inode);
      const isLocal = local !== undefined && local !== 'ambiguous';
      if (isLocal && local.listening) {
        return true;
      }
      if ((!isLocal || orphaned) && tcp().get(inode) === 'listening') {
        return true;
      }
    }
  }
  return false;
}
