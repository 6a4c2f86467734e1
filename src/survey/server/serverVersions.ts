import { type Baseline, baselineTrust, installedAfterStart, loadMs, quietMs, settleMs } from '../../diagnosis/stale/baseline.ts';
import { judgeVersions, type VersionVerdict } from '../../diagnosis/stale/packages.ts';
import type { FindingAction } from '../../model/finding.ts';
import type { ClosureReading } from '../../model/package.ts';
import type { ProcessRow } from '../../model/process.ts';
import type { RunningPackage } from '../../model/snapshot.ts';
import { type ClosureDifference, diffReadings, isProvenRemoved } from '../../package/closureDiff.ts';
import { lockedBefore } from '../../package/npm/lockedBefore.ts';
import { isEditable } from '../../package/python/pythonOwner.ts';
import { statPath } from '../../storage/boundedFile.ts';
import type { BootClock } from '../facts/bootClock.ts';
import type { FactStore } from '../facts/factStore.ts';
import type { LoadedPackage } from './closures.ts';
import { isAbout, type RecordedVersions, withRecorded } from './recordedVersions.ts';

type Reading = Extract<ClosureReading, { status: 'ok' }>;

/** The last comparison of each baseline: both sides are plain data that nobody changes. */
const compared = new WeakMap<Baseline, { readonly reading: Reading; readonly difference: ClosureDifference }>();

/** What changed in a closure since it was recorded. A dependency counts as removed only when nothing is left in its place now. */
export function closureChange(baseline: Baseline, reading: Reading): ClosureDifference {
  const { dependencies, ...own } = difference(baseline, reading);
  return {
    ...own,
    dependencies: dependencies.filter(
      (change) =>
        change.direction !== 'removed' || isProvenRemoved(change, baseline.packages, (root) => statPath(root).status === 'absent'),
    ),
  };
}

function difference(baseline: Baseline, reading: Reading): ClosureDifference {
  const known = compared.get(baseline);
  if (known?.reading === reading) {
    return known.difference;
  }
  const fresh = diffReadings(baseline, reading);
  compared.set(baseline, { reading, difference: fresh });
  return fresh;
}

export interface VersionContext {
  readonly facts: FactStore;
  readonly bootClock: BootClock;
  /** Epoch milliseconds. */
  readonly now: number;
  /** What the process, or its guard, wrote down. */
  readonly recorded?: RecordedVersions | undefined;
}

export interface ServerVersions {
  readonly package: RunningPackage | null;
  readonly verdict: VersionVerdict;
}

/** Joins what is on disk with what was recorded of this process, records it where nothing was, and asks for the verdict. */
export function serverVersions(
  row: ProcessRow,
  sight: LoadedPackage,
  startedBy: string | undefined,
  cure: readonly FindingAction[],
  context: VersionContext,
): ServerVersions {
  const { recorded } = context;
  if ('unknown' in sight) {
    // Nothing on disk to compare with; what it says of itself is all there is.
    return {
      package: recorded ? recordedPackage(recorded) : null,
      verdict: { running: null, installed: null, changedDependencies: [], findings: [], unknown: sight.unknown },
    };
  }
  const { ref, reading } = sight;
  const stored = context.facts.baseline(row.identity) ?? takeBaseline(row, sight, context);
  const own = recorded && isAbout(recorded, ref) ? recorded : undefined;
  const baseline = stored && own ? withRecorded(stored, own, row.startedAt) : stored;
  const difference = baseline && reading.status === 'ok' ? closureChange(baseline, reading) : { own: undefined, dependencies: [] };
  const verdict = judgeVersions({
    now: context.now,
    pid: row.pid,
    startedAt: row.startedAt,
    ...(startedBy === undefined ? {} : { startedBy }),
    packageName: ref.name,
    editable: ref.editable === true,
    reading,
    baseline,
    own: usesSource(sight) ? undefined : difference.own,
    dependencies: difference.dependencies,
    ...(sight.goneSince === undefined ? {} : { goneSince: sight.goneSince }),
    cure,
  });
  const running: RunningPackage = {
    ecosystem: ref.ecosystem,
    name: ref.name,
    root: ref.environment,
    running: verdict.running ?? own?.version ?? null,
    installed: verdict.installed,
    // Said where the record agrees with what is shown: where it does not, it was not believed.
    ...(own && (verdict.running ?? own.version) === own.version ? { origin: 'recorded' } : {}),
  };
  // Young processes get their baseline at the next look.
  const young = stored === undefined && reading.status === 'ok' ? Math.max(loadMs - (context.now - row.startedAt), 100) : undefined;
  const askAgainIn = Math.min(verdict.askAgainIn ?? Number.POSITIVE_INFINITY, young ?? Number.POSITIVE_INFINITY);
  return { package: running, verdict: Number.isFinite(askAgainIn) ? { ...verdict, askAgainIn } : verdict };
}

function recordedPackage({ ecosystem, name, version, root }: RecordedVersions): RunningPackage {
  return { ecosystem, name, root: root ?? '', running: version, installed: null, origin: 'recorded' };
}

/**
 * A package whose source is used in place says nothing by its version: metadata keep the old one when the source changes, and a new one changes no code. What is
 * installed over it (no longer editable) does.
 */
function usesSource(sight: Exclude<LoadedPackage, { unknown: string }>): boolean {
  const { ref, reading } = sight;
  const own = reading.status === 'ok' ? reading.packages[0] : undefined;
  return ref.editable === true && own !== undefined && (ref.ecosystem === 'npm' || isEditable(own.root));
}

function takeBaseline(row: ProcessRow, sight: LoadedPackage, context: VersionContext): Baseline | undefined {
  if ('unknown' in sight || sight.reading.status !== 'ok') {
    return undefined;
  }
  const { reading } = sight;
  const byTimes = baselineTrust(reading.packages, row.startedAt, context.bootClock.timesComparable(row.startedAt));
  // Where everything was installed well before the start, nothing has to settle but the process itself.
  const settled = context.now - row.startedAt >= (byTimes === 'before-start' ? loadMs : settleMs);
  if (!settled || context.now - reading.changedAt < quietMs) {
    return undefined;
  }
  // Parses whole lock files: done only once for each process.
  const again = byTimes === 'after-start' && lockedBefore(installedAfterStart(reading.packages, row.startedAt), row.startedAt);
  const trust = again ? 'around-start' : byTimes;
  return context.facts.recordBaseline(row.identity, {
    takenAt: context.now,
    trust,
    ref: sight.ref,
    packages: reading.packages,
    ...(reading.ownOnly === undefined ? {} : { ownOnly: reading.ownOnly }),
  });
}
