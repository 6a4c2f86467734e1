import { resolve } from 'node:path';
import {
  type Baseline,
  baselineTrust,
  installedAfterStart,
  loadMs,
  quietMs,
  settleMs,
  startToleranceMs,
} from '../../diagnosis/stale/baseline.ts';
import type { ClosureParts, PackageRef } from '../../model/package.ts';
import { BirthTimes } from '../../package/birthTimes.ts';
import { diffReadings, isOtherVersion } from '../../package/closureDiff.ts';
import { lockedBefore } from '../../package/npm/lockedBefore.ts';
import { readClosure } from '../../package/readClosure.ts';
import { releasesBeside } from '../../package/resolve/releasesBeside.ts';
import { writtenAfter } from '../../package/writtenAfter.ts';
import { statPath } from '../../storage/boundedFile.ts';
import type { ServerContext } from '../server/serverContext.ts';
import type { BootClock } from './bootClock.ts';
import type { FactStore } from './factStore.ts';

interface BaselineContext {
  readonly facts: FactStore;
  readonly bootClock: BootClock;
}

/** Records the packages of a process that is seen for the first time. Undefined while it, or its files, are too young, and where they cannot be read. */
export function takeBaseline({ row, detail, loaded, now }: ServerContext, { facts, bootClock }: BaselineContext): Baseline | undefined {
  if ('unknown' in loaded || loaded.reading.status !== 'ok') {
    return undefined;
  }
  const { ref, reading } = loaded;
  const timesComparable = bootClock.timesComparable(row.startedAt);
  const byTimes = baselineTrust(reading.packages, row.startedAt, timesComparable);
  // Where everything was installed well before the start, only the process itself needs time to load.
  const settled = now - row.startedAt >= (byTimes === 'before-start' ? loadMs : settleMs);
  if (!settled || now - reading.changedAt < quietMs) {
    return undefined;
  }
  const after = row.startedAt + startToleranceMs;
  // Parses whole lock files, so it is done once for each process.
  const reinstalled = byTimes === 'after-start' && lockedBefore(installedAfterStart(reading.packages, row.startedAt), row.startedAt);
  const before =
    timesComparable && !reinstalled
      ? beforeTheLink(ref, reading, { program: resolve(detail.cwd ?? '/', row.argv[0] ?? ''), after, now })
      : undefined;
  // Directories that are older than the process do not show that a file in them was written in place. Stats each package, so it is done once, too.
  const written = before === undefined && timesComparable && byTimes !== 'after-start' ? writtenAfter(ref, reading, after) : undefined;
  return facts.recordBaseline(row.identity, {
    takenAt: now,
    trust: reinstalled || written ? 'around-start' : byTimes,
    ref,
    packages: reading.packages,
    ...(reading.ownOnly === undefined ? {} : { ownOnly: reading.ownOnly }),
    ...(written ? { written } : {}),
    ...before,
  });
}

/**
 * What is known of the start where a link leads to a package that was installed after it: the process ran one of the releases beside that package. Where all of them that are left
 * have the same versions, these are taken for what runs. Undefined where the link or the package is older, and where a release may have been changed since.
 */
function beforeTheLink(
  ref: PackageRef,
  reading: ClosureParts,
  { program, after, now }: { readonly program: string; readonly after: number; readonly now: number },
): Pick<Baseline, 'trust' | 'packages' | 'ownOnly' | 'written'> | undefined {
  const [own] = reading.packages;
  if (own === undefined || !isYounger(own, after)) {
    return undefined;
  }
  const { link, refs } = releasesBeside(ref, program, after) ?? { refs: [] };
  const releases = refs.flatMap((other) => {
    const read = readClosure(other, undefined, now);
    const [first] = read.status === 'ok' ? read.packages : [];
    return read.status === 'ok' && first?.version !== undefined && first.root !== own.root && isYounger(first, after) !== true
      ? [{ ref: other, read, first }]
      : [];
  });
  const [only] = releases;
  const uncertain = releases.some(
    ({ ref: other, read, first }) =>
      isYounger(first, after) === undefined ||
      read.packages.some(({ installedAt = 0 }) => installedAt > after) ||
      writtenAfter(other, read, after) !== undefined,
  );
  if (link === undefined || only === undefined || uncertain) {
    return undefined;
  }
  const isEqual = (one: ClosureParts, other: ClosureParts): boolean => {
    const { own: change, dependencies } = diffReadings(one, other);
    return [...(change ? [change] : []), ...dependencies].every(
      (item) => item.direction !== 'removed' && !isOtherVersion(ref.ecosystem, item),
    );
  };
  if (releases.every(({ read }) => isEqual(only.read, read) && isEqual(read, only.read))) {
    // Their code is not compared: equal versions are equal, wherever they are.
    const packages = only.read.packages.map(({ content: _, code: __, ...item }) => item);
    return { trust: 'concluded', packages, ...(only.read.ownOnly === undefined ? {} : { ownOnly: only.read.ownOnly }) };
  }
  return releases.some(({ read }) => isEqual(read, reading))
    ? { trust: 'around-start', packages: reading.packages, written: { name: own.name, path: link.path, at: link.madeAt } }
    : // Whichever it was, it is another one. Source in place has no time of its installation.
      { trust: 'after-start', packages: [{ ...own, installedAt: own.installedAt ?? link.madeAt }, ...reading.packages.slice(1)] };
}

/** Whether a package came to its place after a moment; undefined where its file system does not tell. */
function isYounger({ root, installedAt }: ClosureParts['packages'][number], after: number): boolean | undefined {
  const seen = installedAt === undefined ? statPath(root) : undefined;
  const at = installedAt ?? (seen?.status === 'ok' ? new BirthTimes().of(root, seen.stat) : undefined);
  return at === undefined ? undefined : at > after;
}
