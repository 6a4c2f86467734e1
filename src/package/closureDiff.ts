import type { ClosureReading, Ecosystem, InstalledPackage, PackageChange } from '../model/package.ts';
import { changeDirection, compareVersions, isSameVersion } from '../version/compareVersions.ts';
import { normalizePythonName } from '../version/pythonSpec.ts';

/** The changes between two readings of one closure. */
export interface ClosureDifference {
  /** The server's own package (the first of `before`). */
  readonly own?: PackageChange;
  readonly dependencies: readonly PackageChange[];
}

/** A reading, or a stored one. */
type ComparedReading = Pick<Extract<ClosureReading, { status: 'ok' }>, 'packages' | 'ownOnly'>;

/** Compares two readings of one closure. Where one of them holds only the own package, dependencies are not compared: a package that was not read is not removed. */
export function diffReadings(before: ComparedReading, now: ComparedReading): ClosureDifference {
  return diffClosures(before.packages, now.packages, before.ownOnly === undefined && now.ownOnly === undefined ? 'all' : 'own');
}

/**
 * Whether a package that a later reading does not hold is proven to be removed. A reading also leaves out what is no longer required, and what only metadata name
 * that are unreadable or truncated; both may still be installed.
 *
 * @param isGone whether a place on disk is proven to be empty
 */
export function isProvenRemoved(
  { name, running }: PackageChange,
  before: readonly InstalledPackage[],
  isGone: (root: string) => boolean,
): boolean {
  return before.every((item) => item.name !== name || item.version !== running || isGone(item.root));
}

/**
 * Whether a change is one of versions, where each of the two is in a place of its own. Versions that the rules of their ecosystem call equal (`1.0` and `1.0.0` of
 * Python) are none.
 */
export function isOtherVersion(ecosystem: Ecosystem, { direction, running, installed }: PackageChange): boolean {
  return (
    (direction === 'upgrade' || direction === 'downgrade' || direction === 'changed') &&
    (running === undefined || installed === undefined || !isSameVersion(ecosystem, running, installed))
  );
}

/**
 * Compares two readings of a closure by versions and recorded content, never by times or places: a package that only moved within `node_modules` did not
 * change. Several copies of one npm package are compared as a set. A version or content that is unknown on either side is no change. A new package is not
 * reported, because the package that requires it changed too.
 *
 * @param scope `own` when one of the readings holds the own package alone (`ownOnly`): what it does not hold is then not removed
 */
export function diffClosures(
  before: readonly InstalledPackage[],
  now: readonly InstalledPackage[],
  scope: 'all' | 'own' = 'all',
): ClosureDifference {
  const present = groupByName(now);
  const [own] = before;
  let ownChange: PackageChange | undefined;
  const dependencies: PackageChange[] = [];
  for (const [key, copies] of groupByName(scope === 'own' ? before.slice(0, 1) : before)) {
    const changes = compareCopies(copies, present.get(key) ?? []);
    if (own !== undefined && key === keyOf(own)) {
      ownChange = changes.find((change) => change.running === own.version);
    }
    dependencies.push(...changes.filter((change) => change !== ownChange));
  }
  if (ownChange === undefined) {
    // Another version of the own package imports other files.
    dependencies.push(...codeChanges(before.slice(1), present, dependencies));
  }
  dependencies.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return { ...(ownChange ? { own: ownChange } : {}), dependencies };
}

function keyOf(item: InstalledPackage): string {
  return `${item.ecosystem}:${item.ecosystem === 'python' ? normalizePythonName(item.name) : item.name}`;
}

function groupByName(packages: readonly InstalledPackage[]): Map<string, InstalledPackage[]> {
  const groups = new Map<string, InstalledPackage[]>();
  for (const item of packages) {
    const group = groups.get(keyOf(item));
    if (group) {
      group.push(item);
    } else {
      groups.set(keyOf(item), [item]);
    }
  }
  return groups;
}

/** Changes among the copies of one package, one for each earlier version. */
function compareCopies(before: readonly InstalledPackage[], now: readonly InstalledPackage[]): PackageChange[] {
  const versionsNow = new Set(now.map((item) => item.version));
  const changes: PackageChange[] = [];
  const told = new Set<string>();
  for (const copy of before) {
    if (copy.version === undefined || told.has(copy.version)) {
      continue;
    }
    told.add(copy.version);
    if (versionsNow.has(copy.version)) {
      changes.push(...contentChange(copy.version, before, now));
    } else if (!versionsNow.has(undefined)) {
      changes.push(versionChange(copy, copy.version, before, now));
    }
  }
  return changes;
}

function versionChange(
  copy: InstalledPackage,
  running: string,
  before: readonly InstalledPackage[],
  now: readonly InstalledPackage[],
): PackageChange {
  const installed = successor(copy, running, before, now);
  if (installed === undefined) {
    return { name: copy.name, running, direction: 'removed' };
  }
  return { name: copy.name, running, installed, direction: changeDirection(copy.ecosystem, running, installed) ?? 'changed' };
}

/** The version that replaced a copy: the one at the same place, else the nearest new version, else the nearest of all. */
function successor(
  copy: InstalledPackage,
  running: string,
  before: readonly InstalledPackage[],
  now: readonly InstalledPackage[],
): string | undefined {
  const samePlace = now.find((item) => item.root === copy.root)?.version;
  if (samePlace !== undefined) {
    return samePlace;
  }
  const old = new Set(before.map((item) => item.version));
  const versions = now.flatMap((item) => (item.version === undefined ? [] : [item.version]));
  const fresh = versions.filter((version) => !old.has(version));
  const candidates = [...new Set(fresh.length > 0 ? fresh : versions)].sort((a, b) => order(copy, a, b));
  // The nearest newer one, else the newest of the older ones.
  return candidates.find((version) => order(copy, version, running) > 0) ?? candidates.at(-1);
}

function order(copy: InstalledPackage, a: string, b: string): number {
  const result = compareVersions(copy.ecosystem, a, b);
  return result === 'unknown' ? (a < b ? -1 : 1) : result;
}

function contentChange(version: string, before: readonly InstalledPackage[], now: readonly InstalledPackage[]): PackageChange[] {
  const old = before.filter((item) => item.version === version);
  const current = now.filter((item) => item.version === version);
  const name = old[0]?.name ?? '';
  const changed = old.some(
    ({ content }) =>
      content !== undefined &&
      current.every((item) => item.content !== undefined && item.content !== content && hashKind(item.content) === hashKind(content)),
  );
  return changed && old.every((item) => item.content !== undefined)
    ? [
        {
          name,
          running: version,
          installed: version,
          direction: 'content',
          ...inPlace(current.every((item) => hashKind(item.content ?? '') === 'code' && old.some((one) => isSameInstall(one, item)))),
        },
      ]
    : [];
}

/** Dependencies of the same version, of which a file that the own package imports has other content. */
function codeChanges(
  before: readonly InstalledPackage[],
  present: ReadonlyMap<string, readonly InstalledPackage[]>,
  known: readonly PackageChange[],
): PackageChange[] {
  return before.flatMap((was): PackageChange[] => {
    const { name, version, code } = was;
    const now = present.get(keyOf(was))?.find((item) => item.root === was.root && item.version === version);
    return version === undefined || !code || !now?.code || now.code === code || known.some((change) => change.name === name)
      ? []
      : [{ name, running: version, installed: version, direction: 'content', ...inPlace(isSameInstall(was, now)) }];
  });
}

function inPlace(is: boolean): Pick<PackageChange, 'inPlace'> {
  return is ? { inPlace: true } : {};
}

function isSameInstall(was: InstalledPackage, now: InstalledPackage): boolean {
  return was.root === now.root && was.installedAt !== undefined && was.installedAt === now.installedAt;
}

/** Hashes of different kinds cannot be compared: npm may record sha1 once and sha512 later for one tarball. */
function hashKind(content: string): string {
  return content.slice(0, content.indexOf('-'));
}
