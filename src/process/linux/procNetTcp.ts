import { endianness } from 'node:os';
import { orNothing, type ProcFs } from './procFs.ts';

/** `ended`: the other side has closed the connection or is gone. */
type TcpState = 'listening' | 'established' | 'ended' | 'other';

/** The addresses and ports of one line of `/proc/net/tcp` or `tcp6`. */
export interface TcpSocket {
  readonly state: TcpState;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** `0` once no process holds the socket. */
  readonly inode: string;
}

/** State of each TCP socket by inode. */
export type TcpSockets = ReadonlyMap<string, TcpState>;

/** The kernel's include/net/tcp_states.h. */
const states: Readonly<Record<string, TcpState>> = {
  '01': 'established',
  '07': 'ended',
  '08': 'ended',
  '09': 'ended',
  '0A': 'listening',
};

/** Bytes of a table that are read; later lines are ignored. */
const tableLimit = 32 * 1024 * 1024;

/**
 * The TCP sockets of the network namespace of a process. Never throws.
 * @param home `/proc/PID` or `/proc/self`
 * @returns undefined when neither table can be read
 */
export function readProcNetTcp(fs: ProcFs, home: string): TcpSocket[] | undefined {
  const texts = ['tcp', 'tcp6'].map((file) => orNothing(() => fs.read(`${home}/net/${file}`, tableLimit).text));
  return texts.every((text) => text === undefined)
    ? undefined
    : texts.flatMap((text) => parseProcNetTcp(text ?? '', endianness() === 'LE'));
}

/**
 * Parses `/proc/net/tcp` and `/proc/net/tcp6` (proc_pid_net(5)): `sl local_address rem_address st … uid timeout inode`. An address is written as
 * 32-bit words in the byte order of the processor, the port as a plain hexadecimal number.
 */
export function parseProcNetTcp(text: string, littleEndian = true): TcpSocket[] {
  const sockets: TcpSocket[] = [];
  for (const line of text.split('\n')) {
    const fields = line.trim().split(/\s+/);
    const [slot = '', local = '', remote = '', state = ''] = fields;
    const inode = fields[9] ?? '';
    const [localAddress, localPort] = endOf(local, littleEndian);
    const [remoteAddress, remotePort] = endOf(remote, littleEndian);
    if (/^\d+:$/.test(slot) && localAddress !== undefined && remoteAddress !== undefined && /^\d+$/.test(inode)) {
      sockets.push({ state: states[state] ?? 'other', localAddress, localPort, remoteAddress, remotePort, inode });
    }
  }
  return sockets;
}

/** Parses the same files for the state and the inode only (fields 4 and 10), which costs less than reading the addresses. */
export function parseTcpSockets(...texts: readonly string[]): TcpSockets {
  const sockets = new Map<string, TcpState>();
  for (const line of texts.flatMap((text) => text.split('\n'))) {
    const fields = line.trim().split(/\s+/);
    const [slot = '', , , state = ''] = fields;
    const inode = fields[9] ?? '';
    // Sockets that are closing have no inode (0) and no owner.
    if (/^\d+:$/.test(slot) && /^[1-9]\d*$/.test(inode)) {
      sockets.set(inode, states[state] ?? 'other');
    }
  }
  return sockets;
}

function endOf(text: string, littleEndian: boolean): readonly [string | undefined, number] {
  const [, address = '', port = ''] = /^((?:[\dA-F]{8}){1,4}):([\dA-F]{4})$/i.exec(text) ?? [];
  const words = address.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => {
    const four = (word.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
    return littleEndian ? four.reverse() : four;
  });
  const number = Number.parseInt(port, 16);
  if (bytes.length === 4) {
    return [bytes.join('.'), number];
  }
  return [bytes.length === 16 ? ipv6Text(bytes) : undefined, number];
}

/** `::1`, `::`, and `127.0.0.1` for an IPv4-mapped address; other addresses with all eight groups, which is enough to compare them. */
function ipv6Text(bytes: readonly number[]): string {
  if (bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff) {
    return bytes.slice(12).join('.');
  }
  if (bytes.slice(0, 15).every((byte) => byte === 0)) {
    return bytes[15] === 0 ? '::' : `::${(bytes[15] ?? 0).toString(16)}`;
  }
  const groups = Array.from({ length: 8 }, (_, index) => (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16));
  return groups.join(':');
}
