import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isRecord } from '../../base/json.ts';
import { because } from '../../base/language/because.ts';
import { readBounded, realPath, statPath } from '../../storage/boundedFile.ts';
import type { MetadataCache } from '../metadataCache.ts';
import { type DistributionPlace, listDistributions, readMetadata, recordLines, refusedIn } from './pythonMetadata.ts';

/** The distribution that a process's code belongs to. */
export interface Owner {
  /** As in its metadata, or normalised where there are none. */
  readonly name: string;
  readonly editable: boolean;
  /** Where the code is: the script, or what `-m` loads. Absolute. */
  readonly entry: string;
}

/** All distributions of an environment, in search order. A site directory that cannot be listed is skipped. */
function places(sites: readonly string[]): { readonly site: string; readonly place: DistributionPlace }[] {
  return sites.flatMap((site) => {
    const listed = listDistributions(site);
    return 'places' in listed ? listed.places.map((place) => ({ site, place })) : [];
  });
}

function text(path: string): string {
  const file = readBounded(path);
  return file.status === 'ok' ? file.text : '';
}

/** Where an editable distribution's source is, from direct_url.json (PEP 610). Undefined when it is not editable. */
export function editableSource(place: DistributionPlace): string | undefined {
  if (place.kind !== 'dist-info') {
    return undefined;
  }
  try {
    const json: unknown = JSON.parse(text(join(place.path, 'direct_url.json')) || 'null');
    const editable = isRecord(json) && isRecord(json.dir_info) && json.dir_info.editable === true;
    return editable && typeof json.url === 'string' && json.url.startsWith('file:') ? fileURLToPath(json.url) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a metadata directory is that of an editable install. */
export function isEditable(path: string): boolean {
  return path.endsWith('.dist-info') && editableSource({ kind: 'dist-info', path, name: '' }) !== undefined;
}

function owner(place: DistributionPlace, entry: string, cache: MetadataCache): Owner {
  const read = readMetadata(place, cache);
  const name = ('metadata' in read ? read.metadata.name : undefined) ?? place.name;
  return { name, editable: editableSource(place) !== undefined, entry };
}

/** The distribution of a script in the environment's `bin` (or `Scripts`): the one whose entry points declare it, or whose RECORD lists it. */
export function ownerOfConsoleScript(script: string, sites: readonly string[], cache: MetadataCache): Owner | undefined {
  const name = commandName(script);
  const all = places(sites);
  const declared = all.filter(({ place }) => declaresScript(text(join(place.path, 'entry_points.txt')), name));
  const [only] = declared;
  if (only && declared.length === 1) {
    return owner(only.place, script, cache);
  }
  // None: the script is not made from an entry point. Several: the last installed one overwrote the script of the others, and lists it.
  const listed = (declared.length > 1 ? declared : all).find(
    ({ site, place }) =>
      place.kind === 'dist-info' &&
      recordLines(text(join(place.path, 'RECORD'))).some(
        ({ path }) => path.startsWith('..') && commandName(path) === name && real(dirname(resolve(site, path))) === real(dirname(script)),
      ),
  );
  const found = listed ?? only;
  return found ? owner(found.place, script, cache) : undefined;
}

function commandName(path: string): string {
  return basename(path).replace(/(-script\.pyw?|\.exe)$/i, '');
}

/** Whether an entry_points.txt declares a command of this name. */
export function declaresScript(entryPoints: string, name: string): boolean {
  let section = '';
  for (const line of entryPoints.split(/\r?\n/)) {
    section = /^\s*\[([^\]]+)\]/.exec(line)?.[1]?.trim() ?? section;
    if ((section === 'console_scripts' || section === 'gui_scripts') && line.split('=', 1)[0]?.trim() === name && line.includes('=')) {
      return true;
    }
  }
  return false;
}

/** The distribution that a file belongs to: installed in a site directory, or with source in place. */
export function ownerOfFile(file: string, sites: readonly string[], cache: MetadataCache): Owner | undefined {
  const all = places(sites);
  for (const site of sites) {
    if (isInside(file, site)) {
      const path = relative(real(site), real(file)).split(sep).join('/');
      const listed = all.find((item) => item.site === site && lists(item.place, path));
      if (listed) {
        return owner(listed.place, file, cache);
      }
    }
  }
  // What is no file may be any word of a command line, also a secret: it becomes no script, whose path is stored.
  if (statPath(file).status === 'absent') {
    return undefined;
  }
  const source = all.find(({ place }) => {
    const root = editableSource(place);
    return root !== undefined && isInside(file, root);
  });
  return source ? owner(source.place, file, cache) : undefined;
}

function lists(place: DistributionPlace, path: string): boolean {
  if (place.kind === 'dist-info') {
    return recordLines(text(join(place.path, 'RECORD'))).some((line) => line.path === path);
  }
  const top = path.split('/')[0]?.replace(/\.py$/, '') ?? '';
  return text(join(place.path, 'top_level.txt')).split(/\r?\n/).includes(top);
}

/**
 * The distribution that `python -m module` loads from. The working directory and PYTHONPATH come first, as in Python; then the site directories; then the source
 * of editable installs.
 *
 * @param before directories that are searched before the site directories
 */
export function ownerOfModule(
  module: string,
  before: readonly string[],
  sites: readonly string[],
  cache: MetadataCache,
): Owner | { readonly unknown: string } {
  const top = module.split('.')[0] ?? module;
  for (const directory of before.filter((item) => !sites.includes(item))) {
    const found = moduleIn(directory, top);
    if (found !== undefined) {
      return (
        ownerOfFile(found, sites, cache) ?? {
          unknown: because`module ${top} comes from source in ${directory}, which belongs to no installed package`,
        }
      );
    }
  }
  const all = places(sites);
  for (const site of sites) {
    const found = moduleIn(site, top);
    const holder = found === undefined ? undefined : all.find((item) => item.site === site && holdsModule(item.place, top));
    if (found !== undefined && holder) {
      return owner(holder.place, found, cache);
    }
  }
  for (const { site, place } of all) {
    const found = editableModule(site, place, top);
    if (found !== undefined) {
      return owner(place, found, cache);
    }
  }
  return { unknown: refusedIn(sites) ?? because`no installed package is known to hold module ${top}` };
}

function moduleIn(directory: string, top: string): string | undefined {
  return [join(directory, top), join(directory, `${top}.py`)].find((path) => {
    const seen = statPath(path);
    // A directory without Python code (data, a checkout of the same name) is no module for -m.
    return (
      seen.status === 'ok' &&
      (seen.stat.isFile()
        ? path.endsWith('.py')
        : ['__main__.py', '__init__.py'].some((name) => statPath(join(path, name)).status === 'ok'))
    );
  });
}

function holdsModule(place: DistributionPlace, top: string): boolean {
  if (place.kind === 'dist-info') {
    const record = recordLines(text(join(place.path, 'RECORD')));
    if (record.length > 0) {
      return record.some(({ path }) => path === `${top}.py` || path.startsWith(`${top}/`));
    }
  }
  return text(join(place.path, 'top_level.txt')).split(/\r?\n/).includes(top);
}

/** The module of an editable distribution: by the path in its .pth file, or by the mapping in the finder module of setuptools. */
function editableModule(site: string, place: DistributionPlace, top: string): string | undefined {
  const root = editableSource(place);
  if (root === undefined) {
    return undefined;
  }
  for (const { path } of recordLines(text(join(place.path, 'RECORD')))) {
    if (path.endsWith('.pth')) {
      for (const line of text(join(site, path)).split(/\r?\n/)) {
        const found = line === '' || /^\s*(import|#)/.test(line) ? undefined : moduleIn(resolve(site, line.trim()), top);
        if (found !== undefined) {
          return found;
        }
      }
    } else if (/^__editable___.*_finder\.py$/.test(path) && mapsModule(text(join(site, path)), top)) {
      return moduleIn(root, top) ?? root;
    }
  }
  return undefined;
}

/** Whether the mapping in a finder module of setuptools has this module. */
function mapsModule(finder: string, top: string): boolean {
  return [...finder.matchAll(/['"]([^'"\n]+)['"]\s*:/g)].some(([, name]) => name === top);
}

function isInside(file: string, directory: string): boolean {
  const path = relative(real(directory), real(file));
  return path !== '' && !path.startsWith(`..${sep}`) && path !== '..' && path !== resolve(path);
}

function real(path: string): string {
  return realPath(path) ?? path;
}
