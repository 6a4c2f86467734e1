import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';

const buffer = Buffer.allocUnsafe(1024 * 1024);

/** One read: the kernel returns the whole stat line, or all arguments, at once. */
function readOnce(path: string): number {
  const fd = openSync(path, 'r');
  const length = readSync(fd, buffer);
  closeSync(fd);
  return length;
}

/** The kernel returns `maps` page by page. */
function readAll(path: string): number {
  const fd = openSync(path, 'r');
  let length = 0;
  for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer)) {
    length += count;
  }
  closeSync(fd);
  return length;
}

/**
 * The measure for every scan: the cheapest synchronous walk over `/proc` that reads what a scan needs. For every PID its stat file and its arguments; for servers also
 * the program, the directory and the mapped files. Nothing is parsed. What our reader reads in addition (owners, the end of each file, environment and
 * open files of servers) counts as its own cost.
 *
 * @param servers PIDs of the servers @returns bytes read, so that the compiler cannot remove the reads
 */
export function bareWalk(servers: ReadonlySet<string> = new Set()): number {
  let bytes = 0;
  for (const name of readdirSync('/proc')) {
    if (name >= '0' && name <= '9:') {
      try {
        bytes += readOnce(`/proc/${name}/stat`) + readOnce(`/proc/${name}/cmdline`);
        if (servers.has(name)) {
          bytes += readlinkSync(`/proc/${name}/exe`).length + readlinkSync(`/proc/${name}/cwd`).length + readAll(`/proc/${name}/maps`);
        }
      } catch {
        // The process has ended.
      }
    }
  }
  return bytes;
}
