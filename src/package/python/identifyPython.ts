import { basename, delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { isRecord } from '../../base/json.ts';
import { because } from '../../base/language/because.ts';
import type { PackageRef } from '../../model/package.ts';
import type { ProcessDetail, ProcessRow } from '../../model/process.ts';
import { readBounded, realPath } from '../../storage/boundedFile.ts';
import { normalizePythonName, parsePythonSpec } from '../../version/pythonSpec.ts';
import { MetadataCache } from '../metadataCache.ts';
import { joinedPath, workingDirectory } from '../processView.ts';
import { pythonEntry } from './pythonEntry.ts';
import { pythonEnvironmentOf, venvConfig } from './pythonEnvironment.ts';
import { holdsPackages, refusedIn } from './pythonMetadata.ts';
import { type Owner, ownerOfConsoleScript, ownerOfFile, ownerOfModule } from './pythonOwner.ts';
import { siteDirectories } from './pythonSites.ts';

/** The package of a Python process, by its command line and the metadata of its environment. The interpreter is never run. */
export function identifyPython(row: ProcessRow, detail: ProcessDetail): { readonly ref: PackageRef } | { readonly unknown: string } {
  const interpreter = row.argv[0] ?? '';
  const args = row.argv.slice(1);
  const entry = pythonEntry(args);
  if (entry.kind === 'unknown') {
    return { unknown: entry.reason };
  }
  const cwd = workingDirectory(detail);
  if (entry.kind === 'script' && cwd === undefined && !isAbsolute(entry.script)) {
    return { unknown: because`its script is named relative to a working directory that is gone or cannot be read` };
  }
  const named = entry.kind === 'script' ? (row.argvExact ? entry.script : joinedPath(args, entry.at, cwd)) : undefined;
  const script = named === undefined ? undefined : resolve(cwd ?? '/', named);
  const found = pythonEnvironmentOf(interpreter, detail, script);
  if ('unknown' in found) {
    return found;
  }
  const cache = new MetadataCache();
  const options = args.slice(0, entry.kind === 'script' ? entry.at : args.indexOf(entry.module));
  const before = searchedFirst(options, detail, entry.kind === 'module' ? cwd : undefined);
  const paths = before.filter(holdsPackages);
  if (script !== undefined) {
    return identifyFile(script, found.environment, paths, cache);
  }
  const sites = siteDirectories(found.environment);
  if (sites.status !== 'ok') {
    return { unknown: sites.reason };
  }
  const module = entry.kind === 'module' ? entry.module : '';
  const user = userSites(options, detail, found.environment, sites.pythonVersion);
  const mine = user && ownerOfModule(module, before, user.directories, cache);
  if (user && mine && !('unknown' in mine)) {
    return { ref: toRef(mine, user.base, paths) };
  }
  const owner = ownerOfModule(module, before, [...paths, ...sites.directories], cache);
  return 'unknown' in owner ? owner : { ref: toRef(owner, found.environment, paths) };
}

/**
 * The directory of a user's own packages (`pip install --user`), which Python searches before those of the system. Undefined where Python does not search it
 * (PEP 370), and where it belongs to another Python.
 */
function userSites(
  options: readonly string[],
  detail: ProcessDetail,
  environment: string,
  version: string | undefined,
): { readonly base: string; readonly directories: readonly string[] } | undefined {
  const variables = detail.environment;
  const home = variables?.get('HOME');
  const base = variables?.get('PYTHONUSERBASE') || (home === undefined ? undefined : join(home, '.local'));
  const config = venvConfig(environment);
  const shut =
    (variables?.get('PYTHONNOUSERSITE') ?? '') !== '' ||
    (config !== undefined && !/^true$/i.test(config.get('include-system-site-packages') ?? '')) ||
    options.some((word) => /^-[bBdEhiOPqsSuvx]*[sI]/.test(word));
  if (base === undefined || !isAbsolute(base) || shut) {
    return undefined;
  }
  const sites = siteDirectories(base);
  const directories = sites.status === 'ok' ? sites.own.filter((site) => version === undefined || site.includes(`python${version}`)) : [];
  return directories.length === 0 ? undefined : { base, directories };
}

/**
 * Directories that Python searches before the site directories: the working directory for `-m`, and PYTHONPATH.
 * @param options of the interpreter
 * @param cwd undefined for a script
 */
function searchedFirst(options: readonly string[], detail: ProcessDetail, cwd: string | undefined): string[] {
  const has = (letters: RegExp): boolean => options.some((word) => /^-[A-Za-z]+$/.test(word) && letters.test(word));
  const base = workingDirectory(detail);
  const paths = has(/[EI]/)
    ? []
    : (detail.environment?.get('PYTHONPATH') ?? '')
        .split(delimiter)
        .filter((path) => path !== '' && (isAbsolute(path) || base !== undefined));
  const safe = (detail.environment?.get('PYTHONSAFEPATH') ?? '') !== '';
  return [...(cwd === undefined || safe || has(/[IP]/) ? [] : [cwd]), ...paths.map((path) => resolve(base ?? '/', path))];
}

function identifyFile(
  script: string,
  environment: string,
  paths: readonly string[],
  cache: MetadataCache,
): { readonly ref: PackageRef } | { readonly unknown: string } {
  // The script may have been removed while the process runs; the name of a console script is enough.
  const real = realPath(script) ?? script;
  // Scripts of `pip install --user` and links in ~/.local/bin are outside of the interpreter's prefix: their real path shows the environment.
  const inBin = /^(bin|Scripts)$/i.test(basename(dirname(real)));
  const places = [...new Set([environment, ...(inBin ? [dirname(dirname(real))] : [])])];
  for (const path of [script, real]) {
    const target = paths.find((one) => isBinOf(dirname(path), one));
    const owner = target === undefined ? undefined : ownerOfConsoleScript(path, [target], cache);
    if (owner) {
      return { ref: toRef({ ...owner, entry: script }, environment, paths) };
    }
  }
  let reason = '';
  for (const place of places) {
    const sites = siteDirectories(place);
    if (sites.status !== 'ok') {
      reason ||= sites.reason;
      continue;
    }
    // A link to the script may lead to another environment now: that of the interpreter decides.
    const own = inBin && venvConfig(place) ? [join(place, 'bin', basename(script))] : [];
    const command = [script, real, ...own].find((path) => isBinOf(dirname(path), place));
    const owner =
      command === undefined ? ownerOfFile(real, sites.directories, cache) : ownerOfConsoleScript(command, sites.directories, cache);
    if (owner) {
      return { ref: toRef({ ...owner, entry: script }, place, paths) };
    }
    reason ||= refusedIn(sites.directories) ?? '';
  }
  return { unknown: reason || because`${basename(script)} is a script that belongs to no installed package` };
}

function isBinOf(directory: string, environment: string): boolean {
  return ['bin', 'Scripts', join('local', 'bin')].some((name) => join(environment, name) === directory);
}

function toRef(owner: Owner, environment: string, paths: readonly string[]): PackageRef {
  const extras = requestedExtras(environment, owner.name);
  return {
    ecosystem: 'python',
    entry: owner.entry,
    environment,
    name: owner.name,
    ...(paths.length > 0 ? { paths } : {}),
    ...(extras.length > 0 ? { extras } : {}),
    ...(owner.editable ? { editable: true } : {}),
  };
}

/** The requested extras, where the tool that made the environment recorded them (pipx: pipx_metadata.json; uv: uv-receipt.toml). */
function requestedExtras(environment: string, name: string): readonly string[] {
  const pipx = readBounded(join(environment, 'pipx_metadata.json'));
  const uv = readBounded(join(environment, 'uv-receipt.toml'));
  const wanted = normalizePythonName(name);
  if (pipx.status === 'ok') {
    try {
      const json: unknown = JSON.parse(pipx.text);
      const main = isRecord(json) && isRecord(json.main_package) ? json.main_package.package_or_url : undefined;
      const spec = typeof main === 'string' ? parsePythonSpec(main) : undefined;
      return spec && 'name' in spec && spec.name !== undefined && normalizePythonName(spec.name) === wanted ? spec.extras : [];
    } catch {
      return [];
    }
  }
  if (uv.status === 'ok') {
    // One table per requirement: { name = "x", extras = ["a", "b"] }. The little that is needed does not ask for a TOML parser.
    for (const table of uv.text.match(/\{[^{}]*\}/g) ?? []) {
      const written = /\bname\s*=\s*"([^"]+)"/.exec(table)?.[1];
      if (written !== undefined && normalizePythonName(written) === wanted) {
        return [...(/\bextras\s*=\s*\[([^\]]*)\]/.exec(table)?.[1] ?? '').matchAll(/"([A-Za-z0-9._-]+)"/g)].map((match) =>
          normalizePythonName(match[1] ?? ''),
        );
      }
    }
  }
  return [];
}
