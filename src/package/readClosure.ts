import { dirname } from 'node:path';
import { errorName } from '../base/errors.ts';
import { because } from '../base/language/because.ts';
import type { ClosureReading, PackageRef, PartsOrFailure } from '../model/package.ts';
import { statPath } from '../storage/boundedFile.ts';
import { MetadataCache } from './metadataCache.ts';
import type { ImportReader } from './npm/importedCode.ts';
import { readNpmClosure } from './npm/npmClosure.ts';
import { readPythonClosure } from './python/pythonClosure.ts';

/** Maximum number of directories that are watched. Changes in others are found at the next full reading. */
const maxWatch = 64;

/** Times further in the future were written before the clock was set back and do not mean a recent change. In milliseconds. */
const aheadMs = 5_000;

/**
 * Reads the package of a reference and all that it requires, as on disk now: synchronously, regular files of bounded size only, and runs nothing.
 * Never throws; a failure is in `reason` and never counts as a change.
 *
 * @param cache keeps parsed files between readings; give the same one for all references
 * @param now epoch milliseconds
 */
export function readClosure(
  ref: PackageRef,
  cache: MetadataCache = new MetadataCache(),
  now: number = Date.now(),
  imported?: ImportReader,
): ClosureReading {
  let parts: PartsOrFailure;
  try {
    parts = ref.ecosystem === 'npm' ? readNpmClosure(ref, cache, now, imported) : readPythonClosure(ref, cache, now);
  } catch (error) {
    parts = { status: 'unreadable', reason: because`${ref.name} could not be read (${errorName(error)})` };
  }
  if (parts.status !== 'ok') {
    const watch = [ref.entry, ref.environment].map(nearestDirectory).filter((path) => path !== undefined);
    return { ...parts, watch: [...new Set(watch)] };
  }
  const [own, ...others] = parts.packages;
  return {
    ...parts,
    packages: own ? [own, ...others.sort((a, b) => compareText(a.name, b.name) || compareText(a.root, b.root))] : [],
    changedAt: parts.changedAt > now + aheadMs ? 0 : parts.changedAt,
    watch: [...parts.watch].sort((a, b) => a.length - b.length).slice(0, maxWatch),
  };
}

/** The nearest existing directory above a path: a reinstall of what is gone changes it first. */
function nearestDirectory(path: string): string | undefined {
  for (let at = dirname(path); ; at = dirname(at)) {
    const seen = statPath(at);
    if (seen.status === 'ok' && seen.stat.isDirectory()) {
      return at;
    }
    if (at === dirname(at)) {
      return undefined;
    }
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
