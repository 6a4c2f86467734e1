import { basename, delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import type { InstalledPackage, PackageRef } from '../../model/package.ts';
import type { ProcessDetail, ProcessRow } from '../../model/process.ts';
import { readBounded, realPath, statPath } from '../../storage/boundedFile.ts';
import { normalizePythonName } from '../../version/pythonSpec.ts';
import { runtimeOf } from '../identifyPackage.ts';
import { bunScript, denoScript, nodeScript } from '../npm/nodeEntry.ts';
import { mainFile } from '../npm/nodeImports.ts';
import { installedRoot } from '../npm/nodePackage.ts';
import { joinedPath, workingDirectory } from '../processView.ts';
import { pythonEntry } from '../python/pythonEntry.ts';
import { venvConfig } from '../python/pythonEnvironment.ts';
import { filesOf } from '../python/pythonImports.ts';
import { listDistributions, recordLines } from '../python/pythonMetadata.ts';
import { editableSource, isEditable } from '../python/pythonOwner.ts';
import { siteDirectories } from '../python/pythonSites.ts';

/** Commands that load a given file into their own process: `fastmcp run server.py`, `mcp run server.py:app`. */
const fileRunners = new Set(['fastmcp', 'mcp']);
/** Commands that load a given module: `uvicorn package.module:app`. */
const moduleRunners = new Set(['uvicorn', 'hypercorn', 'gunicorn', 'granian']);

/** The source that an installed command was given to load. */
type RunByCommand = { readonly file: string } | { readonly module: string };

/**
 * The source that an installed command runs in its own process. Only for commands that are known to do that: a file on the command line of any other may be data.
 * Undefined when there is none.
 *
 * @param command its name, or the module that `-m` names
 * @param words the arguments after it
 * @param cwd the working directory, where it can be read
 */
function runByCommand(command: string, words: readonly string[], cwd: string | undefined): RunByCommand | undefined {
  const name = command.split('.')[0] ?? command;
  if (fileRunners.has(name) && words[0] === 'run') {
    const files = words.slice(1).flatMap((word) => /^([^-].*\.pyw?)(?::[\w.]+)?$/.exec(word)?.[1] ?? []);
    const file = files.map((path) => (path.startsWith('/') || cwd !== undefined ? resolve(cwd ?? '/', path) : '')).find(isFile);
    return file === undefined ? undefined : { file };
  }
  if (moduleRunners.has(name)) {
    const module = words.flatMap((word) => /^([A-Za-z_]\w*(?:\.\w+)*):[A-Za-z_][\w.]*(?:\(\))?$/.exec(word)?.[1] ?? [])[0];
    return module === undefined ? undefined : { module };
  }
  return undefined;
}

function isFile(path: string): boolean {
  const seen = path === '' ? undefined : statPath(path);
  return seen?.status === 'ok' && seen.stat.isFile();
}

/** The entry of source that a process uses in place. */
export interface SourceEntry {
  readonly kind: 'node' | 'python';
  /** Absolute. The first is the entry itself. */
  readonly files: readonly string[];
  /** Python: directories that are searched for absolute imports. */
  readonly roots: readonly string[];
}

/**
 * The source of a process that runs files in place: a plain script (`node server.js`, `python server.py`, `python -m mine`), a package whose source is used in place,
 * or a file that an installed command loads (`fastmcp run server.py`). Undefined for installed packages, whose content the installer recorded.
 */
export function sourceEntry(row: ProcessRow, detail: ProcessDetail, ref: PackageRef | undefined): SourceEntry | undefined {
  const installed = ref !== undefined && ref.editable !== true;
  if (installed && ref.ecosystem !== 'python') {
    return undefined;
  }
  try {
    const runtime = runtimeOf(row, detail);
    const python = installed ? commandSource : pythonSource;
    const entry =
      runtime === undefined ? undefined : runtime === 'python' ? python(row, detail, ref) : nodeSource(runtime, row, detail, ref);
    return entry && entry.files.length > 0 ? entry : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The entries of packages that an installed server requires and that are used in place (npm link, pip install -e).
 *
 * @param packages of the server's closure, its own first
 */
export function linkedSource(ref: PackageRef, packages: readonly InstalledPackage[]): SourceEntry | undefined {
  if (ref.editable === true) {
    return undefined;
  }
  const inPlace = packages.slice(1).filter(({ root }) => (ref.ecosystem === 'npm' ? installedRoot(root) === undefined : isEditable(root)));
  if (ref.ecosystem === 'npm') {
    const files = inPlace.flatMap(({ root }) => mainFile(root) ?? []);
    return files.length === 0 ? undefined : { kind: 'node', files, roots: [] };
  }
  const sources = inPlace.flatMap(({ name }) => {
    const { roots } = editableRoots({ ...ref, name });
    const found = moduleSource([normalizePythonName(name).replaceAll('-', '_')], roots);
    return found ? [found] : [];
  });
  const files = sources.flatMap((source) => source.files);
  return files.length === 0 ? undefined : { kind: 'python', files, roots: sources.flatMap((source) => source.roots) };
}

function nodeSource(
  runtime: 'node' | 'bun' | 'deno',
  row: ProcessRow,
  detail: ProcessDetail,
  ref: PackageRef | undefined,
): SourceEntry | undefined {
  const args = row.argv.slice(1);
  const found = { node: nodeScript, bun: bunScript, deno: denoScript }[runtime](args);
  const cwd = workingDirectory(detail);
  const named = 'unknown' in found ? undefined : row.argvExact ? found.script : joinedPath(args, found.at, cwd);
  const script = ref?.entry ?? (named === undefined || (!isAbsolute(named) && cwd === undefined) ? undefined : resolve(cwd ?? '/', named));
  const file = script === undefined ? undefined : existing(['', '.js', '.cjs', '.mjs', '.ts'].map((extension) => script + extension));
  return file === undefined || installedRoot(file) !== undefined ? undefined : { kind: 'node', files: [file], roots: [] };
}

function pythonSource(row: ProcessRow, detail: ProcessDetail, ref: PackageRef | undefined): SourceEntry | undefined {
  const entry = pythonEntry(row.argv.slice(1));
  const cwd = workingDirectory(detail);
  const paths = (detail.environment?.get('PYTHONPATH') ?? '').split(delimiter).filter(isAbsolute);
  const editable = ref === undefined ? { roots: [], modules: [] } : editableRoots(ref);
  if (entry.kind === 'module') {
    const roots = [...(entry.isolated || cwd === undefined ? [] : [cwd]), ...paths, ...editable.roots];
    return moduleSource([entry.module, `${entry.module}.__main__`], roots);
  }
  if (entry.kind !== 'script' || (!isAbsolute(entry.script) && cwd === undefined)) {
    return undefined;
  }
  const script = existing([resolve(cwd ?? '/', entry.script)]);
  if (script === undefined) {
    return undefined;
  }
  if (ref !== undefined && editable.modules.length > 0) {
    return moduleSource(editable.modules, editable.roots);
  }
  if (ref === undefined && /^(bin|Scripts)$/i.test(basename(dirname(script))) && venvConfig(dirname(dirname(script)))) {
    // A command of an environment only loads code from elsewhere; from which package is unknown.
    return undefined;
  }
  const folder = statPath(script);
  const start = folder.status === 'ok' && folder.stat.isDirectory() ? join(script, '__main__.py') : script;
  return inSites(start) ? undefined : { kind: 'python', files: [start], roots: [dirname(start), ...paths, ...editable.roots] };
}

/** The source that an installed command runs. */
function commandSource(row: ProcessRow, detail: ProcessDetail): SourceEntry | undefined {
  const args = row.argv.slice(1);
  const entry = pythonEntry(args);
  const cwd = workingDirectory(detail);
  if (!row.argvExact || entry.kind === 'unknown') {
    return undefined;
  }
  const [command, at] = entry.kind === 'script' ? [basename(entry.script), entry.at] : [entry.module, args.indexOf(entry.module)];
  const found = at < 0 ? undefined : runByCommand(command, args.slice(at + 1), cwd);
  const roots = [...(cwd === undefined ? [] : [cwd]), ...(detail.environment?.get('PYTHONPATH') ?? '').split(delimiter).filter(isAbsolute)];
  if (found === undefined || 'module' in found) {
    return found && moduleSource([found.module], roots);
  }
  const file = existing([found.file]);
  return file === undefined || inSites(file) ? undefined : { kind: 'python', files: [file], roots: [dirname(file), ...roots] };
}

function moduleSource(modules: readonly string[], roots: readonly string[]): SourceEntry | undefined {
  for (const root of roots) {
    const files = modules.flatMap((module) => filesOf(root, module.split('.'), []));
    const own = [...new Set(files)].filter((file) => !inSites(file));
    if (own.length > 0) {
      return { kind: 'python', files: own.reverse(), roots: [...roots] };
    }
  }
  return undefined;
}

/** Installed packages are compared by their records. */
function inSites(file: string): boolean {
  return /[\\/](site|dist)-packages[\\/]/.test(file);
}

/** The directories that an editable install adds to the search path, and the modules that its commands start. */
function editableRoots(ref: PackageRef): { readonly roots: readonly string[]; readonly modules: readonly string[] } {
  const sites = siteDirectories(ref.environment);
  const wanted = normalizePythonName(ref.name);
  for (const site of sites.status === 'ok' ? sites.directories : []) {
    const listed = listDistributions(site);
    for (const place of 'places' in listed ? listed.places : []) {
      const source = normalizePythonName(place.name) === wanted ? editableSource(place) : undefined;
      if (source !== undefined) {
        const lines = recordLines(text(join(place.path, 'RECORD')))
          .filter(({ path }) => path.endsWith('.pth'))
          .flatMap(({ path }) => text(join(site, path)).split(/\r?\n/))
          .filter((line) => line.trim() !== '' && !/^\s*(import\b|#)/.test(line));
        const finders = recordLines(text(join(place.path, 'RECORD')))
          .filter(({ path }) => /^__editable___.*_finder\.py$/.test(path))
          .flatMap(({ path }) => mappedRoots(text(join(site, path))));
        const roots = [...lines.map((line) => resolve(site, line.trim())), ...finders, join(source, 'src'), source];
        return { roots: [...new Set(roots)], modules: commandModules(text(join(place.path, 'entry_points.txt')), basename(ref.entry)) };
      }
    }
  }
  return { roots: [], modules: [] };
}

/** The parent directories of the packages in the mapping of an editable install (setuptools): `MAPPING = {'name': '/where/name'}`. */
function mappedRoots(finder: string): string[] {
  const mapping = /^MAPPING\b[^={]*=\s*\{([^}]*)\}/m.exec(finder)?.[1] ?? '';
  return [...mapping.matchAll(/'([\w.]+)'\s*:\s*'([^'\\\n]+)'/g)].flatMap(([, name = '', path = '']) =>
    isAbsolute(path) && basename(path).replace(/\.py$/, '') === name.split('.').at(-1)
      ? [join(path, ...name.split('.').map(() => '..'))]
      : [],
  );
}

/** Modules of the lines `name = package.module:function` in an entry_points.txt. */
function commandModules(entryPoints: string, command: string): string[] {
  return entryPoints.split(/\r?\n/).flatMap((line) => {
    const match = /^\s*([^=\s]+)\s*=\s*([\w.]+)/.exec(line);
    return match?.[1] === command && match[2] !== undefined ? [match[2]] : [];
  });
}

function existing(paths: readonly string[]): string | undefined {
  const path = paths.find((one) => statPath(one).status === 'ok');
  return path && realPath(path);
}

function text(path: string): string {
  const file = readBounded(path);
  return file.status === 'ok' ? file.text : '';
}
