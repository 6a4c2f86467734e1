import { statSync } from 'node:fs';
import { kernelProcFs, orNothing, type ProcFs } from '../process/linux/procFs.ts';

export interface Holder {
  readonly pid: number;
  /** Kernel's short name; may be cut to 15 characters. */
  readonly name: string;
}

/**
 * Who holds the kernel lock on a file, asked of the kernel without touching the lock (Linux only: `lock:` lines of `/proc/PID/fdinfo/N`, proc_pid_fdinfo(5)).
 * `/proc/locks` would name the helper that is long gone. Several processes hold one lock when they inherited the open file.
 * @returns undefined where the system does not tell; an empty list when nobody that we may look at holds it (other users and outer PID namespaces stay unseen)
 */
export function lockHolders(path: string, fs: ProcFs = kernelProcFs, root = '/proc'): Holder[] | undefined {
  const file = orNothing(() => statSync(path, { bigint: true }));
  const pids = orNothing(() => fs.names(root));
  if (!file || !pids || process.platform !== 'linux') {
    return undefined;
  }
  const line = new RegExp(`^lock:.*\\b(?:FLOCK|POSIX|OFDLCK)\\b.*:${file.ino} `, 'm');
  const holders: Holder[] = [];
  for (const pid of pids.filter((name) => /^\d+$/.test(name))) {
    const holds = (orNothing(() => fs.names(`${root}/${pid}/fdinfo`)) ?? []).some((fd) => {
      const info = orNothing(() => fs.read(`${root}/${pid}/fdinfo/${fd}`, 65_536).text) ?? '';
      // The device in the line is not the one of stat(2) on every file system; the open file itself is.
      const held = line.test(info) ? orNothing(() => statSync(`${root}/${pid}/fd/${fd}`, { bigint: true })) : undefined;
      return held?.ino === file.ino && held.dev === file.dev;
    });
    if (holds) {
      holders.push({ pid: Number(pid), name: (orNothing(() => fs.read(`${root}/${pid}/comm`, 100).text) ?? '').trim() });
    }
  }
  return holders.sort((a, b) => a.pid - b.pid);
}
