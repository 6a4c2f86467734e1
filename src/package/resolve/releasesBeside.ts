import { opendirSync, readlinkSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { PackageRef } from '../../model/package.ts';
import { statPath } from '../../storage/boundedFile.ts';
import { refOfScript } from '../npm/nodePackage.ts';
import { followLinks, youngLink } from './commandPath.ts';

/** A folder with more entries is not one of releases. */
const mostReleases = 1_000;
/** Of more releases than this none is read. */
const mostRead = 50;
/** The name of a release is among the last parts of a link's target: `releases/1.0.0`, `Cellar/NAME/1.0.0/bin/NAME`, `.pnpm/@s+NAME@1.0.0/node_modules/@s/NAME`. */
const deepest = 4;

interface ReleasesBeside {
  /** The link that was made after that moment. */
  readonly link: { readonly path: string; readonly madeAt: number };
  /** The same package in the folders beside the one to which the link leads now; none where these cannot be told. */
  readonly refs: readonly PackageRef[];
}

/**
 * Where a link on the way to a package may have led before it was made anew: to a folder beside the one to which it leads now, which has the same files. Undefined where no link on
 * the way is younger. Looks at names only, and never throws.
 * @param program as its command line names it, absolute: the way to a Python environment
 * @param after epoch ms
 */
export function releasesBeside(ref: PackageRef, program: string, after: number): ReleasesBeside | undefined {
  const visited = new Set<string>();
  for (const path of [ref.entry, ref.environment, program]) {
    followLinks(path, visited);
  }
  const link = youngLink([...visited], after);
  return link && { link, refs: refsBeside(ref, link.path) };
}

function refsBeside(ref: PackageRef, link: string): readonly PackageRef[] {
  let target: string;
  try {
    target = resolve(dirname(link), readlinkSync(link));
  } catch {
    return [];
  }
  const below: string[] = [];
  for (let at = target; below.length < deepest && relative(at, dirname(link)).startsWith('..'); at = dirname(at)) {
    const others = foldersBeside(at).map((folder) => join(folder, ...below));
    const refs = others.filter((path) => statPath(path).status === 'ok').flatMap((path) => refThrough(ref, link, path) ?? []);
    if (refs.length > 0) {
      return refs.length > mostRead ? [] : refs;
    }
    below.unshift(at.slice(dirname(at).length).replaceAll(sep, ''));
  }
  return [];
}

function foldersBeside(path: string): string[] {
  const found: string[] = [];
  try {
    const folder = opendirSync(dirname(path));
    try {
      for (let entry = folder.readSync(), count = 1; entry; entry = folder.readSync(), count += 1) {
        if (count > mostReleases) {
          return [];
        }
        const other = join(dirname(path), entry.name);
        if (entry.isDirectory() && other !== path) {
          found.push(other);
        }
      }
    } finally {
      folder.closeSync();
    }
  } catch {
    return [];
  }
  return found;
}

/** The same package, found as if the link led to another place. Undefined where it is not there, or is the same one. */
function refThrough(ref: PackageRef, link: string, target: string): PackageRef | undefined {
  const here = followLinks(link, new Set());
  const moved = (path: string): string | undefined =>
    here !== undefined && (path === here || path.startsWith(here + sep))
      ? target + path.slice(here.length)
      : followLinks(path, new Set(), undefined, { link, target });
  const entry = moved(ref.entry);
  const environment = moved(ref.environment);
  const other =
    ref.ecosystem === 'npm'
      ? entry === undefined
        ? undefined
        : refOfScript(entry)
      : { ref: { ...ref, entry: entry ?? ref.entry, environment: environment ?? ref.environment } };
  return other && 'ref' in other && other.ref.name === ref.name && other.ref.environment !== ref.environment ? other.ref : undefined;
}
