import { lstatSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { because } from '../../base/language/because.ts';
import { type InstalledPackage, maxPackages, type PackageRef, type PartsOrFailure } from '../../model/package.ts';
import { statPath } from '../../storage/boundedFile.ts';
import { normalizePythonName, parsePythonSpec } from '../../version/pythonSpec.ts';
import { BirthTimes } from '../birthTimes.ts';
import { contentOfFiles } from '../code/codeContent.ts';
import { isInstalling } from '../installing.ts';
import type { MetadataCache } from '../metadataCache.ts';
import { type MarkerValues, markerHolds, markerValues } from './environmentMarker.ts';
import { contentOfRecord, type DistributionPlace, listDistributions, readMetadata } from './pythonMetadata.ts';
import { editableSource } from './pythonOwner.ts';
import { siteDirectories } from './pythonSites.ts';

/** The distributions of an environment by the names of their metadata directories; the first one in search order counts. */
interface Index {
  readonly places: ReadonlyMap<string, readonly DistributionPlace[]>;
  readonly values: MarkerValues;
}

/** Reads the distribution of a Python reference and all that it requires and that is installed in its environment. */
export function readPythonClosure(ref: PackageRef, cache: MetadataCache, now: number): PartsOrFailure {
  const sites = siteDirectories(ref.environment);
  if (sites.status !== 'ok') {
    return sites;
  }
  const places = new Map<string, DistributionPlace[]>();
  const siteOf = new Map<string, string>();
  const retired: string[] = [];
  const { paths = [] } = ref;
  const searched = [...new Set([...paths, ...sites.directories])];
  for (const site of searched) {
    const listed = listDistributions(site);
    if ('reason' in listed) {
      if (!listed.absent) {
        // Its packages must not seem to be removed.
        return { status: 'unreadable', reason: listed.reason };
      }
      continue;
    }
    retired.push(...listed.retired);
    for (const place of listed.places) {
      // The first directory that has a name hides the same name in later ones.
      if ((siteOf.get(place.name) ?? site) === site) {
        siteOf.set(place.name, site);
        places.set(place.name, [...(places.get(place.name) ?? []), place]);
      }
    }
  }
  const index = { places, values: markerValues(sites.fullVersion, process.platform, process.arch) };
  const own = normalizePythonName(ref.name);
  if (!places.has(own) || ![...paths, ...sites.own].includes(siteOf.get(own) ?? '')) {
    return { status: 'gone', reason: because`${ref.name} is no longer installed in ${ref.environment}` };
  }
  return walk(ref, index, cache, isInstalling(retired, now) ? now : 0);
}

function walk(ref: PackageRef, index: Index, cache: MetadataCache, busyAt: number): PartsOrFailure {
  const packages = new Map<string, InstalledPackage>();
  const watch = new Set<string>();
  const queue: { readonly name: string; readonly extra: string }[] = ['', ...(ref.extras ?? [])].map((extra) => ({
    name: normalizePythonName(ref.name),
    extra: extra === '' ? '' : normalizePythonName(extra),
  }));
  const seen = new Set(queue.map((item) => `${item.name}[${item.extra}]`));
  let changedAt = busyAt;
  let code: readonly string[] | undefined;
  let ownOnly: string | undefined;
  for (const { name, extra } of queue) {
    const candidates = index.places.get(name);
    if (!candidates) {
      continue;
    }
    if (packages.size >= maxPackages && !packages.has(name)) {
      ownOnly = because`it requires more than ${maxPackages} packages`;
      break;
    }
    const reading = readDistribution(candidates, cache, name === queue[0]?.name);
    packages.set(name, reading.package);
    code ??= reading.code;
    changedAt = Math.max(changedAt, reading.changedAt);
    watch.add(dirname(reading.package.root));
    for (const next of requirements(reading.requires, index.values, extra)) {
      const key = `${next.name}[${next.extra}]`;
      if (!seen.has(key)) {
        seen.add(key);
        queue.push(next);
      }
    }
  }
  for (const site of watch) {
    const stat = statPath(site);
    changedAt = Math.max(changedAt, stat.status === 'ok' ? stat.stat.ctimeMs : 0);
  }
  const [own] = packages.values();
  return {
    status: 'ok',
    packages: ownOnly && own ? [own] : [...packages.values()],
    ...(ownOnly ? { ownOnly } : {}),
    changedAt,
    watch: [...watch],
    ...(code ? { code } : {}),
  };
}

/** The requirements that hold in this environment: the unconditional ones, or those of one extra. */
function requirements(
  requires: readonly string[],
  values: MarkerValues,
  extra: string,
): { readonly name: string; readonly extra: string }[] {
  return requires.flatMap((text) => {
    const spec = parsePythonSpec(text);
    if (spec.kind === 'invalid' || spec.name === undefined || (spec.marker !== undefined && !markerHolds(spec.marker, values, extra))) {
      return [];
    }
    const name = normalizePythonName(spec.name);
    return ['', ...spec.extras].map((wanted) => ({ name, extra: wanted }));
  });
}

interface DistributionReading {
  readonly package: InstalledPackage;
  readonly requires: readonly string[];
  readonly changedAt: number;
  /** Files on which its content rests, absolute. */
  readonly code?: readonly string[];
}

/** @param own the server's own: its code is compared, because the hashes in RECORD stay when a file is written in place */
function readDistribution(candidates: readonly DistributionPlace[], cache: MetadataCache, own: boolean): DistributionReading {
  const readings = candidates.map((place) => ({ place, read: readMetadata(place, cache) }));
  const known = readings.filter(({ read }) => 'metadata' in read);
  const [chosen] = known.length > 0 ? known : readings;
  const place = chosen?.place ?? { path: '', kind: 'dist-info' as const, name: '' };
  const metadata = chosen && 'metadata' in chosen.read ? chosen.read.metadata : undefined;
  const stat = lstat(place.path);
  const record = join(place.path, 'RECORD');
  const recordStat = lstat(record);
  const changedAt = Math.max(stat?.ctimeMs ?? 0, recordStat?.ctimeMs ?? 0);
  const base = { ecosystem: 'python' as const, name: metadata?.name ?? place.name, root: place.path };
  // Two metadata directories of one name are left by a broken install. Which of them is loaded is unknown.
  if (known.length > 1 || metadata?.version === undefined) {
    return { package: base, requires: metadata?.requires ?? [], changedAt };
  }
  const read = cache.read('record', record, contentOfRecord);
  const recorded = read.status === 'ok' ? read.value : undefined;
  // Another install of source in place changes no code.
  const inPlace = editableSource(place) !== undefined;
  const installedAt = inPlace ? undefined : installTime(place, stat, recordStat);
  const code = own && recorded && !inPlace ? contentOfFiles(dirname(place.path), recorded.code, cache) : undefined;
  const content = code?.content ?? recorded?.content;
  return {
    package: {
      ...base,
      version: metadata.version,
      ...(content === undefined ? {} : { content }),
      ...(installedAt === undefined ? {} : { installedAt }),
    },
    requires: metadata.requires,
    changedAt: Math.max(changedAt, code?.changedAt ?? 0),
    ...(code ? { code: code.files } : {}),
  };
}

/**
 * When a distribution was installed, epoch ms. Installers write RECORD at the end of an install, and nothing writes it later: its modification time counts, or its
 * birth time where that is older (the file was touched; a copy that kept its times has a younger birth). For packages of the system's package manager, which keeps
 * the times of the packer, and of conda, which links files of its cache, it is the birth time of the metadata directory, whose name contains the version.
 */
function installTime(place: DistributionPlace, stat: Stats | undefined, record: Stats | undefined): number | undefined {
  if (!stat) {
    return undefined;
  }
  const installer = statPath(join(place.path, 'INSTALLER')).status === 'ok';
  const conda = statPath(join(dirname(place.path), '..', '..', '..', 'conda-meta')).status === 'ok';
  if (record?.isFile() && installer && !conda) {
    return Math.min(record.mtimeMs, new BirthTimes().of(join(place.path, 'RECORD'), record) ?? record.mtimeMs);
  }
  return new BirthTimes().of(place.path, stat);
}

function lstat(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
