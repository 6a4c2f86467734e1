import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';

const buffer = Buffer.allocUnsafe(1024 * 1024);

/** What one read gives; the kernel gives the whole stat line and all arguments at once. */
function readOnce(path: string): number {
  const fd = openSync(path, 'r');
  const length = readSync(fd, buffer);
  closeSync(fd);
  return length;
}

/** `maps` comes in pieces of a page. */
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
 * The measure for every look at the machine: the synchronous walk over `/proc` that was the cheapest way to know all that a scan must know. Every PID, its stat and
 * its arguments; of the servers also the program, the directory and what they have mapped. Nothing is parsed, and nothing is made of it. What our reader
 * reads beyond it (whose process it is, that a file has come to its end, environment and open files of servers) is its own cost.
 *
 * @param servers PIDs of those who are looked at closely @returns bytes read, so that no work is left out as useless
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
        // It ended meanwhile.
      }
    }
  }
  return bytes;
}
