import { isLoopbackAddress } from '../base/loopback.ts';
import type { Listener, ProcessRow } from '../model/process.ts';
import { isNamespaceInit, type ProcessTree } from './tree/processTree.ts';

/** The loopback addresses that the host of a URL may mean; undefined for other hosts. @param host from `URL.hostname` */
export function loopbackAddresses(host: string): readonly string[] | undefined {
  const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (name === 'localhost' || name.endsWith('.localhost')) {
    return ['127.0.0.1', '::1'];
  }
  // As the target of a connection, the unspecified address means this machine.
  if (name === '0.0.0.0' || name === '::') {
    return ['127.0.0.1', '::1'];
  }
  return isLoopbackAddress(name) ? [name] : undefined;
}

/** Whether a listener at `address` is reached at one of `addresses`: it has one of them, or listens on all addresses. */
export function isReached(addresses: readonly string[], address: string): boolean {
  return address === '0.0.0.0' || address === '::' || addresses.includes(address);
}

/**
 * The topmost of several processes with one socket: the master and not its workers, the reloader and not the process that it restarts. A service manager that
 * opened the socket for the server counts only when it is the only holder.
 */
export function topmostHolder({ pids }: Pick<Listener, 'pids'>, tree: ProcessTree): ProcessRow | undefined {
  const rows = tree.rows.filter((row) => pids.includes(row.pid));
  const own = rows.filter((row) => !isNamespaceInit(row));
  const among = own.length > 0 ? own : rows;
  return among.find((row) => !tree.ancestorsOf(row).some((above) => among.includes(above))) ?? among[0];
}
