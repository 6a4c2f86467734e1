import type { ProcessRow } from '../../model/process.ts';

/**
 * Whether a process is the first of the system, of a container or of another PID namespace. It adopts the orphans of its namespace, so it need not have started
 * its children: it never counts as a launcher, an owner or a client.
 */
export function isNamespaceInit(row: ProcessRow): boolean {
  return row.pid === 1 || row.namespaceInit === true;
}

/**
 * Programs that adopt processes whose parent has exited. Such a parent did not start the server.
 * (Linux also gives children to the nearest "subreaper"; in practice that is `systemd --user`.)
 */
export function adoptsOrphans(row: ProcessRow): boolean {
  return isNamespaceInit(row) || (row.name === 'systemd' && row.argv.includes('--user'));
}

/**
 * Whether `/proc/PID/status` belongs to the first process of its PID namespace. `NSpid` lists its PIDs from the reader's namespace inwards (proc_pid_status(5),
 * since Linux 4.1). False without that line.
 */
export function namesNamespaceInit(status: string): boolean {
  return /^NSpid:(?:\s+\d+)*\s+1\s*$/m.test(status);
}
