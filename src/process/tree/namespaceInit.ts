import type { ProcessRow } from '../../model/process.ts';

/**
 * The first process of the system, of a container or of any other PID namespace. It takes up the orphans of its namespace, so that its being the parent
 * says nothing about who started a process: it is never taken for a launcher, an owner or a client.
 */
export function isNamespaceInit(row: ProcessRow): boolean {
  return row.pid === 1 || row.namespaceInit === true;
}

/**
 * Whether `/proc/PID/status` is that of the first process of its PID namespace. `NSpid` lists its PIDs from the reader's namespace inwards
 * (proc_pid_status(5), since Linux 4.1); without that line nothing is known.
 */
export function namesNamespaceInit(status: string): boolean {
  return /^NSpid:(?:\s+\d+)*\s+1\s*$/m.test(status);
}
