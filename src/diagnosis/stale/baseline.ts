import type { InstalledPackage, PackageRef } from '../../model/package.ts';

/**
 * What the packages on disk at first sight say about what the process had loaded at its start:
 * `before-start`: nothing is newer than the start, so what is installed is what runs;
 * `around-start`: something was installed within two seconds of the start (npx, uvx, install-then-start scripts), or times cannot be compared:
 *   taken as what runs, and any later change still shows;
 * `after-start`: something was installed again after the start, before anybody looked: what runs is older and unknown.
 */
export type BaselineTrust = 'before-start' | 'around-start' | 'after-start';

/** The packages of one process as first seen; kept per identity and never changed. */
export interface Baseline {
  /** Epoch milliseconds. */
  readonly takenAt: number;
  readonly trust: BaselineTrust;
  /** Where it was loaded from, so that an observer who comes when the files are gone knows it too. */
  readonly ref?: PackageRef;
  /** The process, or its guard, wrote down which version of the own package was loaded; `packages` follows it. Never stored. */
  readonly recorded?: boolean;
  /** What was written down differs from what was seen, and nothing else tells who is right. */
  readonly doubtful?: boolean;
  /** Own package first. */
  readonly packages: readonly InstalledPackage[];
  /** Set when only the own package could be read, with the reason. */
  readonly ownOnly?: string;
}

/** Installers and starts closer than this cannot be put in order by their times (research: start time right to 20 ms, file times to a tick, scripts that install and start at once). */
export const startToleranceMs = 2_000;

/** An environment that changed less than this ago is half installed: no verdict. */
export const quietMs = 500;

/** A process younger than this may not have loaded its files yet: no baseline. */
export const loadMs = 1_000;

/** Where something was installed around the start, installs may still be under way: no baseline before this age. */
export const settleMs = 2_000;

/** Packages whose installation is newer than the process, by the one time that touch, chmod and hard links do not move. */
export function installedAfterStart(packages: readonly InstalledPackage[], startedAt: number): InstalledPackage[] {
  return packages.filter((item) => item.installedAt !== undefined && item.installedAt > startedAt + startToleranceMs);
}

/**
 * How far the packages seen now can be trusted to be the ones that the process loaded.
 *
 * @param startedAt epoch milliseconds
 * @param timesComparable false when the clock was set since the start: then no time is believed
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
