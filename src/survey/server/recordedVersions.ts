import { type Baseline, installedAfterStart } from '../../diagnosis/stale/baseline.ts';
import type { InstanceRecord } from '../../lock/instanceRecord.ts';
import type { Ecosystem, InstalledPackage, PackageRef } from '../../model/package.ts';
import { compareVersions, isSameVersion } from '../../version/compareVersions.ts';
import { normalizePythonName } from '../../version/pythonSpec.ts';
import { versionShaped } from '../../version/versionShape.ts';

/** The versions that were loaded, from the record of a server or its guard. */
export interface RecordedVersions {
  readonly ecosystem: Ecosystem;
  readonly name: string;
  readonly version: string;
  readonly root?: string;
  /** The guard that started the server wrote it: it read the versions at the start. */
  readonly byGuard?: boolean;
  /** That guard runs and is above the server: nothing is concluded. */
  readonly certain?: true;
  /** Versions of other packages, by normalised name. */
  readonly others: ReadonlyMap<string, string>;
}

const ecosystems: Readonly<Record<string, Ecosystem>> = { npm: 'npm', pypi: 'python', python: 'python' };

/**
 * @param ofGuard the record of the guard above the server (`recordOfGuard`)
 * @returns undefined when the records name no version of a package that can be compared
 */
export function recordedVersions(records: readonly InstanceRecord[], ofGuard?: InstanceRecord): RecordedVersions | undefined {
  for (const record of records) {
    const { package: own, deps, guard } = record;
    const ecosystem = ecosystems[own?.ecosystem ?? ''];
    if (own?.version !== undefined && ecosystem !== undefined && versionShaped(own.version) === own.version && isNameShaped(own.name)) {
      const others = Object.entries(deps?.versions ?? {})
        .filter(([, version]) => versionShaped(version) === version)
        .map(([name, version]): [string, string] => [plainName(ecosystem, name), version]);
      const root = own.root === undefined ? {} : { root: own.root };
      const byGuard = guard !== undefined;
      const certain = record === ofGuard ? ({ certain: true } as const) : {};
      return { ecosystem, name: own.name, version: own.version, ...root, byGuard, ...certain, others: new Map(others) };
    }
  }
  return undefined;
}

/** Whether the record is about the package that the process was found to be loaded from. */
export function isAbout(recorded: RecordedVersions, ref: PackageRef): boolean {
  return recorded.ecosystem === ref.ecosystem && plainName(ref.ecosystem, recorded.name) === plainName(ref.ecosystem, ref.name);
}

/**
 * The packages of a process as stored when it was first seen, corrected by its own record. The stored ones are kept where everything was installed well before
 * the start: then a record that differs is wrong (a version written by hand, for example). The record of a guard is right there, too: a link led to another
 * version at the start than when the process was first seen.
 * @param startedAt epoch ms
 */
export function withRecorded(stored: Baseline, recorded: RecordedVersions, startedAt: number): Baseline {
  const [first] = stored.packages;
  const moved = recorded.byGuard === true && first !== undefined && corrected(first, recorded.version)?.version !== first.version;
  if (stored.trust === 'before-start' && !moved) {
    return stored;
  }
  const copies = new Map<string, number>();
  for (const item of stored.packages) {
    const name = plainName(item.ecosystem, item.name);
    copies.set(name, (copies.get(name) ?? 0) + 1);
  }
  const corrections = stored.packages.map((item, index) => {
    const name = plainName(item.ecosystem, item.name);
    const version = index === 0 ? recorded.version : recorded.others.get(name);
    // Where several copies of a dependency are installed, the record does not say which one it is about.
    return version === undefined || (index > 0 && copies.get(name) !== 1) ? undefined : corrected(item, version);
  });
  if (corrections[0] === undefined) {
    return stored;
  }
  const packages = stored.packages.map((item, index) => corrections[index] ?? item);
  const contradicts = packages.some((item, index) => item.version !== stored.packages[index]?.version);
  return {
    ...stored,
    packages,
    recorded: true,
    // The times do not decide, so this rests on the record only.
    ...(isAssumed(stored) && contradicts && recorded.certain !== true ? { doubtful: true } : {}),
    trust: installedAfterStart(packages, startedAt).length > 0 ? stored.trust : 'around-start',
  };
}

/** Whether neither times nor files decide which versions were loaded, although they were read. */
export function isAssumed({ trust }: Baseline): boolean {
  return trust === 'around-start' || trust === 'concluded';
}

/** One package as it was loaded, without the time of its installation. Undefined when the two versions cannot be compared. */
function corrected(item: InstalledPackage, version: string): InstalledPackage | undefined {
  const { installedAt: _, content, code, ...rest } = item;
  const known = item.version;
  if (known === undefined || compareVersions(item.ecosystem, known, version) === 'unknown') {
    return undefined;
  }
  // The same version: its content is taken for what was loaded, too.
  return isSameVersion(item.ecosystem, known, version)
    ? { ...rest, ...(content === undefined ? {} : { content }), ...(code === undefined ? {} : { code }) }
    : { ...rest, version };
}

/** Names of npm and PyPI: no other text is shown as a package name. */
function isNameShaped(name: string): boolean {
  return name.length <= 214 && /^(?:@[\w.~-]+\/)?[\w.~-]+$/.test(name);
}

function plainName(ecosystem: Ecosystem, name: string): string {
  return ecosystem === 'python' ? normalizePythonName(name) : name;
}
