import type { InstalledPackage, PackageRef } from '../../model/package.ts';

/**
 * The loaded versions, concluded from the packages on disk when the process is first seen:
 * `before-start`: every package is older than the start, so what is installed is what runs;
 * `around-start`: something was installed within two seconds of the start (npx, uvx and scripts that install and then start), or the times cannot be compared:
 *   the installed packages are assumed to be what runs, and any later change still shows;
 * `after-start`: something was installed after the start and before the first scan: what runs is older and unknown;
 * `concluded`: a link leads to a package that was installed after the start: these are the packages in the folders beside it, which are older.
 */
type BaselineTrust = 'before-start' | 'around-start' | 'after-start' | 'concluded';

/** The packages of one process as first seen; stored per process identity and never changed. */
export interface Baseline {
  /** Epoch ms. */
  readonly takenAt: number;
  readonly trust: BaselineTrust;
  /** Where the code was loaded from, so that a later observer knows it even when the files are gone. */
  readonly ref?: PackageRef;
  /** The record of the process, or of its guard, names the version of its own package; `packages` follows it. Never stored. */
  readonly recorded?: boolean;
  /** The record differs from what was seen on disk, and nothing else decides between the two. */
  readonly doubtful?: boolean;
  /** Own package first. */
  readonly packages: readonly InstalledPackage[];
  /** Set when only the own package could be read, with the reason. */
  readonly ownOnly?: string;
  /** A file of one of the packages that was written after the start and before this record. The process may or may not run its content. */
  readonly written?: { readonly name: string; readonly path: string; readonly at: number };
}

/**
 * An installation and a start closer than this cannot be ordered by their times: the start is known to 20 ms, file times to a clock tick, and scripts
 * install and start within a second.
 */
export const startToleranceMs = 2_000;

/** An environment that changed less than this ago may be half installed: no verdict. */
export const quietMs = 500;

/** A process younger than this may not have loaded its files yet: no baseline. */
export const loadMs = 1_000;

/** Where something was installed around the start, the installation may still be running: no baseline before this age. */
export const settleMs = 2_000;

/** Packages installed after the process started, by the one time that touch, chmod and hard links do not change. @param startedAt epoch ms */
export function installedAfterStart(packages: readonly InstalledPackage[], startedAt: number): InstalledPackage[] {
  return packages.filter((item) => item.installedAt !== undefined && item.installedAt > startedAt + startToleranceMs);
}

/**
 * How far the packages seen now can be trusted to be the ones that the process loaded.
 * @param startedAt epoch ms
 * @param timesComparable false when the clock was set since the start: then times prove nothing
 */
export function baselineTrust(packages: readonly InstalledPackage[], startedAt: number, timesComparable: boolean): BaselineTrust {
  if (!timesComparable) {
    return 'around-start';
  }
  if (installedAfterStart(packages, startedAt).length > 0) {
    return 'after-start';
  }
  const newest = Math.max(0, ...packages.map((item) => item.installedAt ?? startedAt));
  return newest <= startedAt - startToleranceMs ? 'before-start' : 'around-start';
}

/** Whether the packages of a process rest on a conclusion, or on a record that the files contradict: a difference is likely, not proven. */
export function isDoubtful(baseline: Baseline | undefined): boolean {
  return baseline?.doubtful === true || baseline?.trust === 'concluded';
}
