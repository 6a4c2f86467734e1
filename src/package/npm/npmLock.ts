import { dirname, join, relative, sep } from 'node:path';
import { isRecord } from '../../base/json.ts';
import { statPath } from '../../storage/boundedFile.ts';
import type { MetadataCache } from '../metadataCache.ts';

/** The entry of a hidden lock file for one path: the version, and a hash or commit of the content. */
type LockEntry = { readonly version?: string; readonly content?: string };

/**
 * Contents of npm packages from npm's hidden lock file (`node_modules/.package-lock.json`, "lockfileVersion" 2 and 3), which npm writes at the end of each
 * install. Only its hashes are evidence. Its times change with every `npm install`; they are used only to wait for a running install.
 */
export class NpmLockContents {
  readonly #cache: MetadataCache;
  readonly #files = new Map<string, ReadonlyMap<string, LockEntry> | undefined>();
  /** Newest change time of the lock files that were read, epoch ms; 0 = none. */
  changedAt = 0;

  constructor(cache: MetadataCache) {
    this.#cache = cache;
  }

  /** The content of a package directory, if a lock file above it has that path with the same version. */
  contentOf(directory: string, version: string): string | undefined {
    for (let at = directory; at !== dirname(at); at = dirname(at)) {
      const root = modulesRoot(at);
      if (root === undefined) {
        return undefined;
      }
      const entry = this.#file(join(root, 'node_modules', '.package-lock.json'))?.get(relative(root, directory).split(sep).join('/'));
      if (entry) {
        // They disagree while an install is running.
        return entry.version === version ? entry.content : undefined;
      }
      at = root;
    }
    return undefined;
  }

  #file(path: string): ReadonlyMap<string, LockEntry> | undefined {
    if (!this.#files.has(path)) {
      const seen = statPath(path);
      const read = seen.status === 'ok' ? this.#cache.read('lock', path, parseLock) : undefined;
      this.changedAt = Math.max(this.changedAt, seen.status === 'ok' ? seen.stat.ctimeMs : 0);
      this.#files.set(path, read?.status === 'ok' ? read.value : undefined);
    }
    return this.#files.get(path);
  }
}

/** The directory that holds the innermost `node_modules` around a path. */
function modulesRoot(path: string): string | undefined {
  const at = path.lastIndexOf(`${sep}node_modules`);
  return at < 0 ? undefined : path.slice(0, at) || sep;
}

function parseLock(text: string): ReadonlyMap<string, LockEntry> {
  const entries = new Map<string, LockEntry>();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return entries;
  }
  const packages = isRecord(json) && isRecord(json.packages) ? json.packages : {};
  for (const [path, value] of Object.entries(packages)) {
    if (isRecord(value)) {
      const content = contentMark(value.integrity, value.resolved);
      entries.set(path, {
        ...(typeof value.version === 'string' ? { version: value.version } : {}),
        ...(content === undefined ? {} : { content }),
      });
    }
  }
  return entries;
}

/** The strongest hash of the tarball, or the commit of a git dependency, which has no tarball. */
function contentMark(integrity: unknown, resolved: unknown): string | undefined {
  if (typeof integrity === 'string' && integrity.length < 4096) {
    const hashes = integrity.split(/\s+/).filter((hash) => /^sha\d+-[A-Za-z0-9+/=]+$/.test(hash));
    return hashes.find((hash) => hash.startsWith('sha512-')) ?? hashes[0];
  }
  const commit = typeof resolved === 'string' && resolved.startsWith('git') ? /#([0-9a-f]{40})$/.exec(resolved)?.[1] : undefined;
  return commit === undefined ? undefined : `git-${commit}`;
}
