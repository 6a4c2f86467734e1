import type { ProcessDetail, ProcessRow } from '../types/process.ts';
import { orNothing, type ProcFs } from './procFs.ts';
import type { NetworkSockets, ProcLook } from './procLook.ts';
import { socketInode, unixPeer } from './procSockets.ts';

export type StdinState = ProcessDetail['stdin'];

/** File type bits of a mode (inode(7)). */
const typeMask = 0o170_000;
const fifo = 0o010_000;
const character = 0o020_000;
const regular = 0o100_000;
/** /dev/null is character device 1:3 (Documentation/admin-guide/devices.txt of the kernel). */
const nullDevice = (1 << 8) | 3;

/**
 * What is at the other end of standard input, from descriptor 0 alone: nothing is opened.
 * @param fd0 path of the descriptor
 * @param link the text of that link
 */
export function classifyStdin(fs: ProcFs, fd0: string, link: string, row: ProcessRow, look: ProcLook): StdinState {
  const socket = socketInode(link);
  if (socket !== undefined) {
    return socketPeer(look.ownNetwork(), socket) ?? socketPeer(look.networkOf(row.pid), socket) ?? 'unknown';
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
      return pipeState(link, row, look);
    default:
      return 'unknown';
  }
}

/** The other table is asked only when this one does not say that somebody is there: a forged line of it (its owner may write line breaks) makes nobody an orphan. */
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

/** Major numbers: 4 consoles and serial lines, 5 /dev/tty and /dev/console, 136–143 pseudo-terminals. */
function isTerminal(device: number): boolean {
  const major = (device >> 8) & 0xfff;
  return major === 4 || major === 5 || (major >= 136 && major <= 143);
}

function pipeState(link: string, row: ProcessRow, look: ProcLook): StdinState {
  const writer = look.writerOf(link, row);
  if (writer === 'seen') {
    return 'connected';
  }
  // A FIFO with a name can be opened again by anybody.
  return writer === 'nobody' && link.startsWith('pipe:[') ? 'none' : 'unknown';
}
