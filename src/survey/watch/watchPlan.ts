import { lstatSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';

/** At most this many links of a path are followed. */
const maxLinks = 16;

/** The names to watch in one directory: certain names, or all entries. */
export interface DirectoryPlan {
  /** The paths (as given) that a change of this name concerns. */
  readonly names: Map<string, Set<string>>;
  /** The paths (as given) that a change of any entry concerns: those that are this directory. */
  readonly entries: Set<string>;
  /** Differs when another directory is at the same path. */
  readonly identity: string;
}

/**
 * Finds for each path the nearest existing directory above it and the next name below that, and the same for the targets of symbolic links. A path that is a
 * directory is also watched for its entries.
 */
export function planWatches(paths: Iterable<string>): Map<string, DirectoryPlan> {
  const plan = new Map<string, DirectoryPlan>();
  const identities = new Map<string, string | undefined>();
  const identityAt = (directory: string): string | undefined => {
    if (!identities.has(directory)) {
      identities.set(directory, directoryIdentity(directory));
    }
    return identities.get(directory);
  };
  const directoryAt = (directory: string, identity: string): DirectoryPlan => {
    const known = plan.get(directory) ?? { names: new Map(), entries: new Set(), identity };
    plan.set(directory, known);
    return known;
  };
  for (const path of paths) {
    // Most paths that clients may use do not exist, nor do their directories: those need no more system calls.
    const isThere = identityAt(dirname(path)) !== undefined;
    for (const place of isThere ? linkedPlaces(path) : [path]) {
      let name = basename(place);
      let directory = dirname(place);
      let identity = identityAt(directory);
      while (identity === undefined && dirname(directory) !== directory) {
        name = basename(directory);
        directory = dirname(directory);
        identity = identityAt(directory);
      }
      if (identity !== undefined) {
        const { names } = directoryAt(directory, identity);
        names.set(name, (names.get(name) ?? new Set()).add(path));
      }
    }
    const own = isThere ? identityAt(path) : undefined;
    if (own !== undefined) {
      directoryAt(path, own).entries.add(path);
    }
  }
  return plan;
}

/** Which directory is at a path now; undefined when there is none. */
export function directoryIdentity(path: string): string | undefined {
  const found = statOf(path);
  return found?.isDirectory() ? `${found.dev}:${found.ino}` : undefined;
}

/** Changes whenever the file or directory at a path changes, or another takes its place; empty when there is none. Contents are not read. */
export function signatureOf(path: string): string {
  const found = statOf(path);
  return found ? `${found.dev}:${found.ino}:${found.size}:${found.mtimeMs}:${found.ctimeMs}` : '';
}

/** Last change of a path or, when it does not exist, of the nearest directory above it; epoch ms, 0 when not known. */
export function lastChange(path: string): number {
  for (let at = path; ; at = dirname(at)) {
    const found = statOf(at);
    if (found) {
      return found.ctimeMs;
    }
    if (dirname(at) === at) {
      return 0;
    }
  }
}

/** The path itself and, while its last part is a symbolic link, the link's target. */
function linkedPlaces(path: string): string[] {
  const places = [path];
  for (let at = path; places.length < maxLinks; ) {
    try {
      if (!lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink()) {
        break;
      }
      at = resolve(dirname(at), readlinkSync(at));
    } catch {
      break;
    }
    if (places.includes(at)) {
      break;
    }
    places.push(at);
  }
  return places;
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
