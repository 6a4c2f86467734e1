import { dirname, join, sep } from 'node:path';
import type { ClosureReading, InstalledPackage, PackageRef } from '../types/package.ts';

/**
 * The paths whose stat tells that a reading of a closure has to be taken again: of each package the file with its version, and the directories and lists
 * that every installer renews. About one for each package, so that a look at all of them is cheap. What moves here is no verdict: it only says that the
 * files have to be read.
 */
export function closureMarks(ref: PackageRef, reading: ClosureReading): readonly string[] {
  const marks = new Set<string>([ref.entry, ref.environment, ...reading.watch]);
  if (ref.ecosystem !== 'dotnet') {
    marks.add(join(ref.environment, ref.ecosystem === 'python' ? 'pyvenv.cfg' : 'node_modules'));
  }
  if (reading.status === 'ok') {
    for (const item of reading.packages) {
      for (const mark of item.ecosystem === 'npm'
        ? npmMarks(item)
        : item.ecosystem === 'python'
          ? pythonMarks(item)
          : [item.root, dirname(item.root)]) {
        marks.add(mark);
      }
    }
    for (const place of reading.places ?? []) {
      marks.add(place);
    }
  }
  return [...marks];
}

/** npm writes its hidden lock file in the outermost `node_modules` at the end of each install; pnpm's store has lists of its own. */
function npmMarks({ root }: InstalledPackage): string[] {
  const manifest = join(root, 'package.json');
  const folder = `${sep}node_modules${sep}`;
  const at = root.indexOf(folder);
  if (at < 0) {
    return [manifest];
  }
  const modules = root.slice(0, at + folder.length - 1);
  const store = root.startsWith(join(modules, '.pnpm') + sep);
  return store
    ? [manifest, join(modules, '.modules.yaml'), join(modules, '.pnpm', 'lock.yaml')]
    : [manifest, join(modules, '.package-lock.json'), modules];
}

/** The metadata file is the version; the directory around it is renamed by every installer. A bare `.egg-info` may be that file itself. */
function pythonMarks({ root }: InstalledPackage): string[] {
  const files = root.endsWith('.dist-info') ? [join(root, 'METADATA')] : [root, join(root, 'PKG-INFO')];
  return [...files, dirname(root)];
}
