import { statSync } from 'node:fs';

/** Numbers kept of each path: device, inode, size, modification and change time. */
const width = 5;

/**
 * What changed this recently may change again without a trace: file systems keep times in steps (FAT: 2 s; Linux before 6.13: up to 10 ms), and an inode
 * number is given again at once. So what moved within this time is not trusted to have stood still.
 */
const unsettledMs = 2_000;

/** How a set of paths looked at one moment: by stat alone, nothing is opened. */
export class Fingerprint {
  readonly #paths: readonly string[];
  readonly #values: Float64Array;
  readonly #settled: boolean;

  /** Looks at the paths now. Never throws. @param now epoch ms */
  constructor(paths: readonly string[], now: number) {
    this.#paths = paths;
    this.#values = new Float64Array(paths.length * width);
    let settled = true;
    for (let index = 0; index < paths.length; index += 1) {
      const changedAt = look(paths[index] ?? '', this.#values, index * width);
      settled &&= Math.abs(now - changedAt) > unsettledMs;
    }
    this.#settled = settled;
  }

  /**
   * Whether nothing moved since. A look at every path; about 2 µs for each. What had moved a moment before the fingerprint was taken counts as moving.
   * Never throws.
   */
  stands(): boolean {
    if (!this.#settled) {
      return false;
    }
    const now = new Float64Array(width);
    for (let index = 0; index < this.#paths.length; index += 1) {
      look(this.#paths[index] ?? '', now, 0);
      const base = index * width;
      for (let part = 0; part < width; part += 1) {
        if (now[part] !== this.#values[base + part]) {
          return false;
        }
      }
    }
    return true;
  }
}

/** Writes what stat says of a path; what is not there, and what may not be looked at, have marks of their own. @returns its change time, epoch ms */
function look(path: string, into: Float64Array, at: number): number {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat) {
      into.fill(-1, at, at + width);
      return Number.NEGATIVE_INFINITY;
    }
    into[at] = stat.dev;
    into[at + 1] = stat.ino;
    into[at + 2] = stat.size;
    into[at + 3] = stat.mtimeMs;
    into[at + 4] = stat.ctimeMs;
    return stat.ctimeMs;
  } catch {
    into.fill(-2, at, at + width);
    return Number.NEGATIVE_INFINITY;
  }
}
