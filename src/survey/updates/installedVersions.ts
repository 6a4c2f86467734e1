import { basename, join } from 'node:path';
import { isRecord } from '../../base/json.ts';
import type { Ecosystem } from '../../model/package.ts';
import { listDistributions } from '../../package/python/pythonMetadata.ts';
import { siteDirectories } from '../../package/python/pythonSites.ts';
import { readJsonObject } from '../../storage/boundedFile.ts';
import { versionShaped } from '../../version/versionShape.ts';

/** In bytes. */
const maxLockBytes = 16 * 1024 * 1024;

/**
 * The versions of all packages in an environment, by reading files only. Python: by name, from the names of the metadata directories. npm: by place, from the lock file
 * that npm itself writes into node_modules. Undefined where neither can be read (pnpm, Yarn and Bun have their own layouts).
 */
export function installedVersions(ecosystem: Ecosystem, root: string): ReadonlyMap<string, string> | undefined {
  return ecosystem === 'python' ? pythonVersions(root) : npmVersions(root);
}

function pythonVersions(root: string): ReadonlyMap<string, string> | undefined {
  const sites = siteDirectories(root);
  if (sites.status !== 'ok') {
    return undefined;
  }
  const versions = new Map<string, string>();
  // Python takes the first one of a name.
  for (const site of [...sites.own].reverse()) {
    const listed = listDistributions(site);
    for (const { path, name } of 'places' in listed ? listed.places : []) {
      const version = versionShaped(/-(v?\d[^-]*)(?:-py[\d.]+)?\.(?:dist|egg)-info$/.exec(basename(path))?.[1]);
      if (version !== undefined) {
        versions.set(name, version);
      }
    }
  }
  return versions;
}

function npmVersions(root: string): ReadonlyMap<string, string> | undefined {
  const packages = readJsonObject(join(root, 'node_modules', '.package-lock.json'), maxLockBytes)?.packages;
  if (!isRecord(packages)) {
    return undefined;
  }
  return new Map(
    Object.entries(packages).flatMap(([place, entry]) => {
      const version = isRecord(entry) ? versionShaped(entry.version) : undefined;
      return version === undefined ? [] : [[place.replace(/^node_modules\//, ''), version] as const];
    }),
  );
}
