import { readdirSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import satisfies from 'semver/functions/satisfies.js';
import valid from 'semver/functions/valid.js';
import { because } from '../../base/language/because.ts';
import type { PackageRef } from '../../model/package.ts';
import type { ProcessDetail, ProcessRow } from '../../model/process.ts';
import { statPath } from '../../storage/boundedFile.ts';
import { type NpmSpec, parseNpmSpec } from '../../version/npmSpec.ts';
import { workingDirectory } from '../processView.ts';

/**
 * The package of `deno run npm:…`. Deno keeps each version in a directory of its own, `DENO_DIR/npm/<registry>/<name>/<version>`, and never changes one. The
 * specifier names the version that runs, or there was only one that fits when the process started (tried with Deno 2.9.6).
 *
 * @param specifier `npm:[/]name[@version|range|tag][/path]`
 */
export function denoPackage(
  specifier: string,
  row: ProcessRow,
  detail: ProcessDetail,
): { readonly ref: PackageRef } | { readonly unknown: string } {
  const spec = parseNpmSpec(plainSpec(specifier));
  if (spec.kind !== 'registry') {
    return { unknown: because`${specifier.slice(0, 200)} names no package of a registry` };
  }
  const modules = moduleFolder(spec.name, workingDirectory(detail));
  if (modules !== undefined) {
    return { unknown: because`${modules} may be used instead of the version in Deno's cache` };
  }
  const caches = cacheFolders(detail).flatMap((cache) => list(join(cache, 'npm')).map((registry) => join(cache, 'npm', registry)));
  const found = caches.flatMap((registry) => versionsIn(join(registry, spec.name), spec, row.startedAt));
  const [only] = found;
  if (only === undefined) {
    return { unknown: because`Deno's cache does not hold ${spec.name + (spec.selector ? `@${spec.selector.value}` : '')}` };
  }
  return found.length > 1
    ? { unknown: because`Deno's cache holds ${found.length} versions that fit the command line` }
    : { ref: { ecosystem: 'npm', entry: join(only, 'package.json'), environment: only, name: spec.name } };
}

/** The specifier without the path in the package: `npm:/@scope/name@1/bin` gives `@scope/name@1`. */
function plainSpec(specifier: string): string {
  const text = specifier.replace(/^npm:\/?/, '');
  return /^(@[^/@]+\/)?[^/@]+(@[^/]*)?/.exec(text)?.[0] ?? text;
}

/** The package's directory in a project's own `node_modules`, which Deno may use instead of its cache. */
function moduleFolder(name: string, cwd: string | undefined): string | undefined {
  for (let at = cwd; at !== undefined; at = dirname(at)) {
    const path = join(at, 'node_modules', name);
    if (statPath(path).status === 'ok') {
      return path;
    }
    if (at === dirname(at)) {
      break;
    }
  }
  return undefined;
}

/** DENO_DIR, else the user's cache directory (Deno's documentation, "DENO_DIR"). */
function cacheFolders(detail: ProcessDetail): string[] {
  const variable = (name: string): string | undefined => {
    const value = detail.environment?.get(name);
    return value !== undefined && isAbsolute(value) ? value : undefined;
  };
  const own = variable('DENO_DIR');
  const home = variable('HOME');
  const cache = variable('XDG_CACHE_HOME') ?? (home === undefined ? undefined : join(home, '.cache'));
  const local = variable('LOCALAPPDATA');
  return own !== undefined
    ? [own]
    : [
        ...(cache === undefined ? [] : [join(cache, 'deno')]),
        ...(home === undefined ? [] : [join(home, 'Library', 'Caches', 'deno')]),
        ...(local === undefined ? [] : [join(local, 'deno')]),
      ];
}

/** Directories of the versions that fit a specifier and existed just after the process started. */
function versionsIn(folder: string, spec: Extract<NpmSpec, { kind: 'registry' }>, startedAt: number): string[] {
  const { selector } = spec;
  const all = list(folder).filter((name) => valid(name) !== null);
  const fit = all.filter((version) =>
    selector === undefined || selector.kind === 'tag' ? true : satisfies(version, selector.value, { loose: true }),
  );
  const paths = fit.map((version) => join(folder, version));
  if (paths.length < 2) {
    return paths;
  }
  // Deno may fetch a version for this process within a minute after its start. Later ones were fetched for another process.
  return paths.filter((path) => {
    const seen = statPath(path);
    return seen.status !== 'ok' || seen.stat.birthtimeMs <= startedAt + fetchMs;
  });
}

const fetchMs = 60_000;

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
