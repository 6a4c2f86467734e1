import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { failure, statPath } from '../../storage/boundedFile.ts';
import { isPythonName, normalizePythonName } from '../../version/pythonSpec.ts';
import { versionShaped } from '../../version/versionShape.ts';
import { sha256 } from '../code/codeContent.ts';
import type { MetadataCache } from '../metadataCache.ts';

/** One distribution in a site directory, by the name of its metadata directory. */
export interface DistributionPlace {
  /** The metadata directory (or the `.egg-info` file), absolute. */
  readonly path: string;
  readonly kind: 'dist-info' | 'egg-info';
  /** Normalised. */
  readonly name: string;
}

/** The part of a distribution's METADATA or PKG-INFO that is used. */
interface Metadata {
  readonly name?: string;
  /** Undefined when it does not look like a version. */
  readonly version?: string;
  /** Requirements as written (PEP 508). */
  readonly requires: readonly string[];
}

/** The distributions of one site directory. `retired` are directories that pip is about to delete (`~ame-1.0.dist-info`). */
export function listDistributions(
  site: string,
):
  | { readonly places: readonly DistributionPlace[]; readonly retired: readonly string[] }
  | { readonly reason: string; readonly absent: boolean } {
  let names: string[];
  try {
    names = readdirSync(site);
  } catch (error) {
    const why = failure(site, error);
    return { reason: why.reason, absent: why.status === 'absent' };
  }
  const places: DistributionPlace[] = [];
  const retired: string[] = [];
  for (const entry of names) {
    if (entry.startsWith('~')) {
      retired.push(join(site, entry));
      continue;
    }
    const match = /^(.+?)(?:-v?\d.*)?\.(dist|egg)-info$/.exec(entry);
    if (match?.[1] !== undefined && isPythonName(match[1].replace(/_+$/, ''))) {
      places.push({ path: join(site, entry), kind: match[2] === 'dist' ? 'dist-info' : 'egg-info', name: normalizePythonName(match[1]) });
    }
  }
  return { places, retired };
}

/** Whether an installer put packages into a directory (`pip install --target`). Source in place has other metadata beside it, or none. */
export function holdsPackages(directory: string): boolean {
  const listed = listDistributions(directory);
  return 'places' in listed && listed.places.some(({ kind }) => kind === 'dist-info');
}

/** Why packages may be missing from the list of these directories; undefined when all could be read. */
export function refusedIn(sites: readonly string[]): string | undefined {
  for (const site of sites) {
    const listed = listDistributions(site);
    if ('reason' in listed) {
      if (!listed.absent) {
        return listed.reason;
      }
      continue;
    }
    for (const { kind, path } of listed.places) {
      const seen = kind === 'dist-info' ? statPath(join(path, 'METADATA')) : undefined;
      if (seen?.status === 'unreadable') {
        return seen.reason;
      }
    }
  }
  return undefined;
}

/** Reads name, version and requirements of a distribution. */
export function readMetadata(
  place: DistributionPlace,
  cache: MetadataCache,
): { readonly metadata: Metadata } | { readonly reason: string; readonly absent: boolean } {
  if (place.kind === 'dist-info') {
    const file = cache.read('metadata', join(place.path, 'METADATA'), parseMetadata);
    return file.status === 'ok' ? { metadata: file.value } : { reason: file.reason, absent: file.status === 'absent' };
  }
  const seen = statPath(place.path);
  const directory = seen.status === 'ok' && seen.stat.isDirectory();
  const file = cache.read('metadata', directory ? join(place.path, 'PKG-INFO') : place.path, parseMetadata);
  if (file.status !== 'ok') {
    return { reason: file.reason, absent: file.status === 'absent' };
  }
  const listed = directory ? cache.read('requires', join(place.path, 'requires.txt'), parseRequiresTxt) : undefined;
  const requires = listed?.status === 'ok' ? listed.value : file.value.requires;
  return { metadata: { ...file.value, requires } };
}

/** Reads the headers of a METADATA or PKG-INFO file ("Core metadata specifications"); the description below them is ignored. */
export function parseMetadata(text: string): Metadata {
  // A last line without a line end may be cut off in the middle of the version.
  const end = /\r?\n\r?\n/.exec(text)?.index ?? text.lastIndexOf('\n') + 1;
  const lines = text.slice(0, end).split(/\r?\n/);
  const values = (header: string): string[] =>
    lines.filter((line) => line.toLowerCase().startsWith(`${header}:`)).map((line) => line.slice(header.length + 1).trim());
  const name = values('name')[0];
  const version = versionShaped(values('version')[0]);
  return {
    ...(name !== undefined && isPythonName(name) ? { name } : {}),
    ...(version === undefined ? {} : { version }),
    requires: values('requires-dist'),
  };
}

/** Reads setuptools' old requires.txt: sections `[extra]`, `[:marker]`, `[extra:marker]`. */
export function parseRequiresTxt(text: string): readonly string[] {
  const requires: string[] = [];
  let suffix = '';
  for (const line of text.split(/\r?\n/).map((item) => item.trim())) {
    const section = /^\[([^:\]]*)(?::(.*))?\]$/.exec(line);
    if (section) {
      const extra = isPythonName(section[1] ?? '') ? `extra == "${section[1]}"` : '';
      const parts = [extra, section[2] ? `(${section[2]})` : ''].filter((part) => part !== '');
      suffix = parts.length === 0 ? '' : `; ${parts.join(' and ')}`;
    } else if (line !== '' && !line.startsWith('#')) {
      requires.push(line + suffix);
    }
  }
  return requires;
}

/** The part of a distribution's RECORD that shows what it holds. */
interface RecordedContent {
  /** A hash over the lines; undefined when nothing is recorded. */
  readonly content?: string;
  /** Python and native code: paths relative to the site directory, sorted. */
  readonly code: readonly string[];
}

/**
 * Reads the RECORD lines with a hash. Lines of files that differ after a reinstall of the same version are left out: the metadata directory itself, compiled files,
 * and scripts outside of the site directory, which contain the environment's path.
 */
export function contentOfRecord(text: string): RecordedContent {
  const lines = recordLines(text).filter(
    ({ path, hash }) => hash !== '' && !/^(\/|[A-Za-z]:|[^/]+\.dist-info\/)|(^|\/)\.\.(\/|$)|\.pyc$/.test(path),
  );
  return {
    ...(lines.length > 0
      ? {
          content: `sha256-${sha256(
            lines
              .map(({ path, hash }) => `${path}\0${hash}`)
              .sort()
              .join('\n'),
          )}`,
        }
      : {}),
    code: lines
      .map(({ path }) => path)
      .filter((path) => /\.(py|pyd|so)$/.test(path))
      .sort(),
  };
}

/** The lines of a RECORD file (a CSV of path, hash, size), with forward slashes. */
export function recordLines(text: string): { readonly path: string; readonly hash: string }[] {
  const lines: { path: string; hash: string }[] = [];
  for (const line of text.split(/\r?\n/)) {
    const match = /^(?:"((?:[^"]|"")*)"|([^,]*)),([^,]*),\d*$/.exec(line);
    if (match) {
      lines.push({ path: (match[1]?.replaceAll('""', '"') ?? match[2] ?? '').replaceAll('\\', '/'), hash: match[3] ?? '' });
    }
  }
  return lines;
}
