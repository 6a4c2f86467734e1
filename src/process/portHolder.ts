import type { ProcessRow } from '../model/process.ts';
import type { Listener } from './listenerTable.ts';
import { isNamespaceInit } from './tree/namespaceInit.ts';
import type { ProcessTree } from './tree/processTree.ts';

/** The addresses of this machine that the host of a URL may mean; undefined for hosts elsewhere. @param host as `URL.hostname` has it */
export function loopbackAddresses(host: string): readonly string[] | undefined {
  const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (name === 'localhost' || name.endsWith('.localhost')) {
    return ['127.0.0.1', '::1'];
  }
  // The address of all, as the target of a connection, is this machine.
  if (name === '0.0.0.0' || name === '::') {
    return ['127.0.0.1', '::1'];
  }
  if (name === '::1') {
    return ['::1'];
  }
  return /^127\.\d+\.\d+\.\d+$/.test(name) ? [name] : undefined;
}

/** Whether somebody who listens at `address` is reached at one of these: by its own address, or that of all. */
export function isReached(addresses: readonly string[], address: string): boolean {
  return address === '0.0.0.0' || address === '::' || addresses.includes(address);
}

/**
 * Of several processes with one socket the one that passed it on: a master and its workers, a reloader and what it reloads. A service manager that
 * opened the socket for the server does not count beside the server.
 */
export function topmostHolder({ pids }: Pick<Listener, 'pids'>, tree: ProcessTree): ProcessRow | undefined {
  const rows = tree.rows.filter((row) => pids.includes(row.pid));
  const own = rows.filter((row) => !isNamespaceInit(row));
  const among = own.length > 0 ? own : rows;
  return among.find((row) => !tree.ancestorsOf(row).some((above) => among.includes(above))) ?? among[0];
}
