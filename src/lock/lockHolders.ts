import { statSync } from 'node:fs';
import { kernelProcFs, orNothing, type ProcFs } from '../process/linux/procFs.ts';

export interface Holder {
  readonly pid: number;
  /** The kernel's short name, at most 15 characters. */
  readonly name: string;
}

/**
 * Which processes hold the kernel lock on a file, read without touching the lock (Linux only: `lock:` lines of `/proc/PID/fdinfo/N`, proc_pid_fdinfo(5)).
 * `/proc/locks` names the helper, which has ended. Several processes hold one lock when they inherited the open file.
 *
 * The kernel keeps each open file for some microseconds while this reads about it, so a lock may outlive its `close` by that: ask for
 * files of the lock protocol, whose programs wait and try again, not for the lock of a program that tries once.
 * @returns undefined on other systems; only processes that this user may read (no other users, no outer PID namespaces)
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
      // On some file systems the device in the line differs from stat(2); the open file itself has the right one.
      const held = line.test(info) ? orNothing(() => statSync(`${root}/${pid}/fd/${fd}`, { bigint: true })) : undefined;
      return held?.ino === file.ino && held.dev === file.dev;
    });
    if (holds) {
      holders.push({ pid: Number(pid), name: (orNothing(() => fs.read(`${root}/${pid}/comm`, 100).text) ?? '').trim() });
    }
  }
  return holders.sort((a, b) => a.pid - b.pid);
}
