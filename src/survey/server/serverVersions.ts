import { dirname, normalize } from 'node:path';
import { t } from '../../base/language/translate.ts';
import { type Baseline, isDoubtful, loadMs } from '../../diagnosis/stale/baseline.ts';
import { judgeVersions, type VersionVerdict } from '../../diagnosis/stale/packages.ts';
import type { Finding } from '../../model/finding.ts';
import type { ClosureReading, InstalledPackage, PackageChange, PackageRef } from '../../model/package.ts';
import type { ProcessRow } from '../../model/process.ts';
import type { RunningPackage } from '../../model/snapshot.ts';
import { type ClosureDifference, diffReadings, isProvenRemoved } from '../../package/closureDiff.ts';
import { isOutside, isOwnSource } from '../../package/code/ownSource.ts';
import { yarnArchive } from '../../package/npm/yarnArchive.ts';
import { isEditable } from '../../package/python/pythonOwner.ts';
import { clientBundle } from '../../package/resolve/clientHeld.ts';
import { commandName, isPython } from '../../process/commandline/commandName.ts';
import { memoByCommandLine } from '../../process/commandline/memoByCommandLine.ts';
import { statPath } from '../../storage/boundedFile.ts';
import { changeDirection } from '../../version/compareVersions.ts';
import { normalizePythonName } from '../../version/pythonSpec.ts';
import type { BootClock } from '../facts/bootClock.ts';
import type { FactStore } from '../facts/factStore.ts';
import { takeBaseline } from '../facts/takeBaseline.ts';
import { runnerPath } from '../match/runnerPath.ts';
import type { LoadedPackage } from './closures.ts';
import { isAbout, isAssumed, type RecordedVersions, withRecorded } from './recordedVersions.ts';
import { runningServer, type ServerContext } from './serverContext.ts';

type Reading = Extract<ClosureReading, { status: 'ok' }>;

type Packages = Pick<Reading, 'packages' | 'ownOnly'>;

/** Comparisons of what was recorded with readings; both sides are immutable. */
const compared = new WeakMap<Packages, WeakMap<Reading, ClosureDifference>>();

/** The changes in a closure since it was recorded. A dependency counts as removed only when its directory is gone. */
export function closureChange(baseline: Baseline, reading: Reading): ClosureDifference {
  const { dependencies, ...own } = packageChange(baseline, reading);
  return {
    ...own,
    dependencies: dependencies.filter((change) =>
      change.direction === 'removed'
        ? isProvenRemoved(change, baseline.packages, (root) => statPath(root).status === 'absent')
        : change.direction === 'content' || !isLinkedSource(change, baseline, reading),
    ),
  };
}

/** Whether a dependency is source that a link leads to, in the same place as before: its content is compared instead of its version. */
function isLinkedSource({ name, installed }: PackageChange, baseline: Baseline, reading: Reading): boolean {
  const now = reading.packages.find((item) => item.name === name && item.version === installed);
  if (now?.ecosystem === 'python') {
    return isEditable(now.root);
  }
  return now !== undefined && isOutside(now.root) && baseline.packages.some(({ root }) => root === now.root);
}

/** The differences between recorded packages and a reading. Each pair is compared once. */
export function packageChange(recorded: Packages, reading: Reading): ClosureDifference {
  const known = compared.get(recorded) ?? new WeakMap<Reading, ClosureDifference>();
  const difference = known.get(reading) ?? diffReadings(recorded, reading);
  compared.set(recorded, known.set(reading, difference));
  return difference;
}

interface VersionContext {
  readonly facts: FactStore;
  readonly bootClock: BootClock;
  /** How certain it is that its source, which it uses in place, changed; undefined where that is not known. Of the user's own source it says more than metadata. */
  readonly sourceChanged?: Finding['confidence'] | undefined;
}

interface ServerVersions {
  readonly package: RunningPackage | null;
  readonly verdict: VersionVerdict;
}

/** Compares what is on disk with the baseline of the process. Records the baseline where there is none. */
export function serverVersions(server: ServerContext, context: VersionContext): ServerVersions {
  const { row, loaded, now, recorded } = server;
  if ('unknown' in loaded) {
    // Nothing on disk to compare with: the record is all there is.
    return {
      package: recorded ? recordedPackage(recorded) : null,
      verdict: { running: null, installed: null, changedDependencies: [], findings: [], unknown: loaded.unknown },
    };
  }
  const { ref, reading } = loaded;
  const stored = context.facts.baseline(row.identity) ?? takeBaseline(server, context);
  const own = recorded && isAbout(recorded, ref) ? recorded : undefined;
  const baseline = stored && own ? withRecorded(stored, own, row.startedAt) : stored;
  const difference = baseline && reading.status === 'ok' ? closureChange(baseline, reading) : { own: undefined, dependencies: [] };
  const inPlace = usesSource(loaded);
  const unpacked = inPlace && isUnpacked(loaded, stored);
  const bySource = inPlace && !unpacked && (context.sourceChanged !== undefined || own?.byGuard !== true);
  const change = bySource ? undefined : difference.own;
  const named = namedCode(row);
  const version = reading.status === 'ok' ? reading.packages[0]?.version : undefined;
  const inPath = version !== undefined && row.argv.some((word) => namesVersion(word, version)) ? { named: version } : {};
  const verdict = judgeVersions({
    ...runningServer(server),
    packageName: ref.name,
    editable: ref.editable === true,
    ...(unpacked ? { unpacked: context.sourceChanged === 'proven' ? 'other-code' : 'version-alone' } : {}),
    reading,
    baseline,
    own: change,
    dependencies: difference.dependencies,
    ...(named && comparedName(named) === comparedName(ref) ? { named: named.version } : inPath),
    ...(loaded.goneSince === undefined ? {} : { goneSince: loaded.goneSince }),
  });
  const other = change === undefined && reading.status === 'ok' ? otherPackage(baseline?.packages[0], reading.packages[0]) : undefined;
  if (other) {
    const { ecosystem, name } = other.was;
    return {
      package: { ecosystem, name, root: other.was.root, running: verdict.running, installed: null },
      verdict: { ...verdict, installed: null, unknown: t('its path leads to another package now ({0})', other.now.name) },
    };
  }
  const running: RunningPackage = {
    ecosystem: ref.ecosystem,
    name: ref.name,
    root: ref.environment,
    running: verdict.running ?? own?.version ?? null,
    installed: verdict.installed,
    ...(change ? { direction: change.direction } : {}),
    // Only where the record agrees with the version shown: otherwise the record was not believed.
    ...(own && (verdict.running ?? own.version) === own.version ? { origin: 'recorded' } : {}),
  };
  // A young process gets its baseline in a later scan.
  const young = stored === undefined && reading.status === 'ok' ? Math.max(loadMs - (now - row.startedAt), 100) : undefined;
  const askAgainIn = Math.min(verdict.askAgainIn ?? Number.POSITIVE_INFINITY, young ?? Number.POSITIVE_INFINITY);
  return { package: running, verdict: Number.isFinite(askAgainIn) ? { ...verdict, askAgainIn } : verdict };
}

/** Another package, in another place than the one that was recorded: a link leads to it. Undefined for the same package. */
function otherPackage(
  was: InstalledPackage | undefined,
  now: InstalledPackage | undefined,
): { readonly was: InstalledPackage; readonly now: InstalledPackage } | undefined {
  const plain = ({ ecosystem, name }: InstalledPackage): string => (ecosystem === 'python' ? normalizePythonName(name) : name);
  return was !== undefined && now !== undefined && was.root !== now.root && plain(was) !== plain(now) ? { was, now } : undefined;
}

function recordedPackage({ ecosystem, name, version, root }: RecordedVersions): RunningPackage {
  return { ecosystem, name, root: root ?? '', running: version, installed: null, origin: 'recorded' };
}

/**
 * The version of a package whose source is used in place proves nothing: metadata keep the old version when the source changes, and a new version changes no
 * code. Only a guard, which read the version at the start, refuses calls for another one. A package that was installed over it (no longer editable) is compared.
 */
function usesSource({ ref, reading }: Exclude<LoadedPackage, { unknown: string }>): boolean {
  const own = reading.status === 'ok' ? reading.packages[0] : undefined;
  return ref.editable === true && own !== undefined && (ref.ecosystem === 'npm' || isEditable(own.root));
}

/** Whether its package is a release that was unpacked somewhere, and is still read from there: another version in its place is another release. */
function isUnpacked({ ref, reading }: Exclude<LoadedPackage, { unknown: string }>, baseline: Baseline | undefined): boolean {
  const own = reading.status === 'ok' ? reading.packages[0] : undefined;
  const was = baseline?.packages[0];
  return (
    ref.ecosystem === 'npm' &&
    own !== undefined &&
    own.root === was?.root &&
    own.version !== was.version &&
    !isOwnSource(ref.entry, own.root)
  );
}

/** The code of a server when it started. */
export interface RunningCode {
  readonly ecosystem: PackageRef['ecosystem'];
  readonly name: string;
  readonly version: string;
  readonly place: string;
  readonly by: 'recorded' | 'path' | 'concluded';
  readonly packages?: Packages;
}

/** The running code: by the baseline, by the record of the server or its guard, or by a path on its command line that names a version. */
export function runningCode(
  { row, loaded, recorded }: ServerContext,
  known: RunningPackage | null,
  facts: FactStore,
): RunningCode | undefined {
  const baseline = facts.baseline(row.identity);
  const own = baseline?.packages[0];
  const other = namedElsewhere(row, loaded);
  if (other) {
    return other;
  }
  const written = namedCode(row);
  const named =
    written !== undefined && known !== null && comparedName(written) === comparedName(known) && written.version === known.running;
  if (known?.running != null && (baseline !== undefined || named)) {
    const { ecosystem, name, running } = known;
    const isCertain = recorded?.certain === true && known.origin === 'recorded';
    return {
      ecosystem,
      name,
      version: running,
      place: own?.root ?? ('unknown' in loaded ? known.root : loaded.ref.environment),
      by: named ? 'path' : !isCertain && (isDoubtful(baseline) || isRecordAlone(baseline, running)) ? 'concluded' : 'recorded',
      ...(baseline && own?.version === running ? { packages: baseline } : {}),
    };
  }
  // The version that runs was removed before the first scan, and its path still names it.
  return written;
}

/** Whether its own record names another version than the files did, and the times do not decide which is right. */
function isRecordAlone(baseline: Baseline | undefined, running: string): boolean {
  return baseline !== undefined && isAssumed(baseline) && baseline.packages[0]?.version !== running;
}

/** The code that runs, by a path on its command line. */
const namedCode = memoByCommandLine(({ argv: [program = '', ...args] }): RunningCode | undefined => {
  const [code] = args.flatMap((word) => codeInPath(word) ?? []);
  // A formula made with Python has an environment of its own; the formula of Python itself is no package.
  const keg = isPython(commandName(program)) ? codeInKeg(program) : undefined;
  return code ?? (keg === undefined || /^python(@|$)/.test(keg.name) ? undefined : { ...keg, ecosystem: 'python' });
});

/** The package version that a path names: in pnpm's store, in an archive of Yarn, in Homebrew's Cellar, in the folder of an extension or a plugin. */
function codeInPath(path: string): RunningCode | undefined {
  const code = { ecosystem: 'npm', by: 'path' } as const;
  const stored = /[\\/]\.pnpm[\\/]/.test(path) ? runnerPath(path) : yarnArchive(path);
  if (stored?.name !== undefined && stored.version !== undefined) {
    return { ...code, name: stored.name, version: stored.version, place: dirname(normalize(path)) };
  }
  const bundle = clientBundle(path);
  if (bundle) {
    const { name, version, place } = bundle;
    return { ...code, name, version, place };
  }
  return codeInKeg(path);
}

/** Whether a folder in a path has the name of a version, or ends with it: `releases/1.0.0`, `store/HASH-NAME-1.0.0`. */
export function namesVersion(path: string, version: string): boolean {
  const folders = dirname(path).split(/[\\/]/);
  return version.includes('.') && folders.some((one) => one.endsWith(version) && /^(|v|.*[-@_])$/.test(one.slice(0, -version.length)));
}

function codeInKeg(path: string): RunningCode | undefined {
  const [, place, name, version] = /^(.*\/Cellar\/([^/]+)\/([^/_]+)[^/]*)\/libexec\//.exec(path) ?? [];
  return place === undefined || name === undefined || version === undefined
    ? undefined
    : { ecosystem: 'npm', by: 'path', name, version, place };
}

/** The name of a package by which it is compared. */
export function comparedName({ ecosystem, name }: Pick<RunningCode, 'ecosystem' | 'name'>): string {
  return ecosystem === 'python' ? normalizePythonName(name) : name;
}

/**
 * Whether its package is read from another directory now than when it was recorded, or than its command line names: a link leads to another installation, and nothing was
 * replaced in place.
 */
export function isElsewhere({ row, loaded }: ServerContext, facts: FactStore): boolean {
  const before = facts.baseline(row.identity)?.packages[0];
  const now = 'unknown' in loaded || loaded.reading.status !== 'ok' ? undefined : loaded.reading.packages[0];
  if (namedElsewhere(row, loaded)) {
    return true;
  }
  return before !== undefined && now !== undefined && before.root !== now.root && !samePlace({ ...before, place: before.root }, now.root);
}

/** The version that its command line names, where its package is read from another place: the one that it names was removed, or a link to it leads elsewhere. */
function namedElsewhere(row: ProcessRow, loaded: LoadedPackage): RunningCode | undefined {
  const named = namedCode(row);
  const now = 'unknown' in loaded || loaded.reading.status !== 'ok' ? undefined : loaded.reading.packages[0];
  const isOther = now !== undefined && named !== undefined && comparedName(named) === comparedName(now) && named.version !== now.version;
  return isOther && !now.root.startsWith(`${named.place}/`) ? named : undefined;
}

/** Python's metadata directories have the version in their names: in one site directory, another name is an upgrade in place. */
export function samePlace({ ecosystem, place }: Pick<RunningCode, 'ecosystem' | 'place'>, other: string): boolean {
  return ecosystem === 'python' && dirname(place) === dirname(other);
}

/** The package of a server with another version that is installed now. */
export function installedPackage(running: RunningCode, installed: string, known: RunningPackage | null): RunningPackage {
  const { ecosystem, name, version, place } = running;
  const direction = changeDirection(ecosystem, version, installed);
  return {
    ...(known?.name === name ? known : { ecosystem, name, root: place }),
    running: version,
    installed,
    ...(direction === undefined ? {} : { direction }),
  };
}
