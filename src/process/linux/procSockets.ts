/** One line of `/proc/net/unix`. */
interface UnixSocket {
  readonly references: number;
  readonly listening: boolean;
  /** A connected stream or sequenced-packet socket, which has one peer. */
  readonly paired: boolean;
}

/** UNIX sockets by inode. `trusted` is false when the counts cannot be the reference counts of Linux. */
export interface UnixSockets {
  readonly byInode: ReadonlyMap<string, UnixSocket | 'ambiguous'>;
  readonly trusted: boolean;
}

const acceptsFlag = 0x0001_0000;
const connectedState = '03';

/**
 * Parses `/proc/net/unix` (proc_pid_net(5)): `Num RefCount Protocol Flags Type St Inode Path`.
 *
 * The reference count shows whether the peer of a stream exists: a socket has one reference from itself, one from the table, and one from its peer, which is
 * released when the peer's last descriptor is closed (unix_release_sock in net/unix/af_unix.c; the same since Linux 2.6). Measured on Linux 6.18 with socket
 * pairs as Node makes them: 12,000 reads with a living peer gave 3 each time, also while data flowed; 12,000 reads after the peer was closed or killed gave 2 each
 * time, also with unread data. The count includes descriptors of all processes, so it needs no rights over the client. A peer that only called shutdown(2) still
 * counts.
 *
 * `Path` is chosen by the socket's owner and may contain line breaks. So a line can be forged, but the real one cannot be removed: an inode on two lines is
 * `ambiguous`. Emulated kernels (gVisor) print counts below 2, which Linux never does: then no count is trusted.
 */
export function parseUnixSockets(text: string): UnixSockets {
  const byInode = new Map<string, UnixSocket | 'ambiguous'>();
  let trusted = true;
  for (const line of text.split('\n')) {
    const match = /^[0-9a-fA-F]+: ([0-9a-fA-F]+) [0-9a-fA-F]+ ([0-9a-fA-F]+) ([0-9a-fA-F]+) ([0-9a-fA-F]+)\s+(\d+)(?: |$)/.exec(line);
    if (!match) {
      continue;
    }
    const [, count = '', flags = '', type = '', state = '', inode = ''] = match;
    const references = Number.parseInt(count, 16);
    trusted &&= references >= 2;
    const listening = (Number.parseInt(flags, 16) & acceptsFlag) !== 0;
    const paired = (type === '0001' || type === '0005') && state === connectedState;
    byInode.set(inode, byInode.has(inode) ? 'ambiguous' : { references, listening, paired });
  }
  return { byInode, trusted };
}

/** Whether the peer of a socket exists; undefined when unknown. */
export function unixPeer(sockets: UnixSockets, inode: string): 'connected' | 'none' | undefined {
  const socket = sockets.byInode.get(inode);
  if (socket === undefined || socket === 'ambiguous' || !socket.paired) {
    return undefined;
  }
  if (socket.references > 2) {
    return 'connected';
  }
  return sockets.trusted && socket.references === 2 ? 'none' : undefined;
}

/** The inode in a descriptor's link to a socket (`socket:[123]`); undefined for other links. */
export function socketInode(link: string): string | undefined {
  return /^socket:\[(\d+)\]$/.exec(link)?.[1];
}
