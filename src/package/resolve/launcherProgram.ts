import { realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { isRecord } from '../../base/json.ts';
import { because } from '../../base/language/because.ts';
import type { PackageRef } from '../../model/package.ts';
import type { LaunchSpec } from '../../process/commandline/launchSpec.ts';
import { npxHash } from '../../process/commandline/npmCommand.ts';
import { specName, unscopedName } from '../../process/commandline/packageSpec.ts';
import { parseLaunch } from '../../process/commandline/parseLaunch.ts';
import { readBounded, readJsonObject, statPath } from '../../storage/boundedFile.ts';
import { npxNext, uvxNext } from '../../version/nextVersion.ts';
import { type NpmSpec, parseNpmSpec } from '../../version/npmSpec.ts';
import { normalizePythonName, parsePythonSpec } from '../../version/pythonSpec.ts';
import { findProgram, fromHome } from './commandPath.ts';
import type { ClientCommand } from './resolveCommand.ts';

/** The program that a package runner will start, as a path with the server's arguments; or why that is not certain. */
type LauncherProgram = { readonly words: readonly string[] } | { readonly unknown: string };

type Installed = (ref: PackageRef) => string | undefined;

/** Options that choose no package. Any other option leaves the choice to the launcher. */
const harmless: ReadonlySet<string> = new Set(['-y', '--yes', '-q', '--quiet', '-s', '--silent', '--', 'exec', 'x', 'tool', 'run']);

/**
 * The program that npx or uvx starts, where files on this machine decide that and no registry is asked which version it is. Reads files and runs nothing. Never throws.
 * @param installed the version of a package on disk now
 */
export function launcherProgram(command: ClientCommand, installed: Installed): LauncherProgram {
  const [program = '', ...args] = command.words;
  const launch = parseLaunch(program, args);
  const name = basename(program).slice(0, 64);
  if ((launch.launcher !== 'npm-exec' && launch.launcher !== 'uvx') || launch.wrappers.length > 0 || command.platform === 'win32') {
    return { unknown: because`what ${name} starts is known only when it runs` };
  }
  const [spec = '', ...more] = launch.specs;
  const head = args.slice(0, args.length - launch.args.length);
  const own = new Set([spec, launch.target, `--package=${spec}`, '-p', '--package', '--from', `--from=${spec}`]);
  const tail = args.slice(head.length);
  if (
    launch.inner ||
    more.length > 0 ||
    head.some((word) => !harmless.has(word) && !own.has(word)) ||
    tail.join('\n') !== launch.args.join('\n')
  ) {
    return { unknown: because`the options of ${name} decide what it starts` };
  }
  try {
    return launch.launcher === 'uvx' ? uvTool(launch, spec, command, installed) : npxProgram(launch, spec, command);
  } catch {
    return { unknown: because`the files of ${name} cannot be read` };
  }
}

/**
 * The rule of `npm exec` (libnpmexec of npm 10 and 11): a program of the project, an installed global package, then npm's cache for this specification. A package that is
 * cached in its exact version is started as it is, with the dependencies that were installed with it.
 */
function npxProgram(launch: LaunchSpec, text: string, command: ClientCommand): LauncherProgram {
  const spec = parseNpmSpec(text);
  const npm = npmOf(command);
  const cwd = command.cwd;
  if (spec.kind !== 'registry' || npm === undefined || cwd === undefined) {
    return { unknown: npm === undefined ? because`which npm starts it is not known` : because`it is not started from a registry` };
  }
  const project = npmProject(cwd);
  const settings = npmSettings(project, npm.folder, command);
  if ('unknown' in settings) {
    return settings;
  }
  // With `--package` the command names the program, and npx does not look for another one.
  const isNamed = launch.target !== undefined;
  const bins = isNamed ? [] : namedPrograms(spec, project, settings.prefix);
  if (typeof bins === 'string') {
    return { unknown: bins };
  }
  const [bin] = bins.filter((path) => statPath(path).status === 'ok');
  if (bin !== undefined) {
    return { words: [bin, ...launch.args] };
  }
  const cache = join(settings.cache, '_npx', npxHash([text]), 'node_modules');
  const places = [
    { modules: join(project, 'node_modules'), bin: join(project, 'node_modules', '.bin') },
    ...(isNamed ? [] : [{ modules: join(settings.prefix, 'lib', 'node_modules'), bin: join(settings.prefix, 'bin') }]),
    { modules: cache, bin: join(cache, '.bin') },
  ].map((place) => ({ ...place, manifest: readJsonObject(join(place.modules, spec.name, 'package.json')) }));
  const versions = places.map(({ manifest }) => (typeof manifest?.version === 'string' ? manifest.version : undefined));
  const cached = versions.at(-1);
  const answers = versions
    .slice(0, -1)
    .map((local) =>
      npxNext({ spec, npm: npm.version, ...(cached === undefined ? {} : { cached }), ...(local === undefined ? {} : { project: local }) }),
    );
  const next = answers.find((one) => 'version' in one) ?? answers[0];
  if (!next || 'unknown' in next) {
    return { unknown: next?.unknown ?? '' };
  }
  if (next.by === 'spec' && text !== `${spec.name}@${next.version}`) {
    return { unknown: because`npx asks the registry for a version that is not written in full` };
  }
  const place = places[versions.indexOf(next.version)];
  const program = isNamed ? launch.target : place && programOf(place.manifest, spec.name);
  return place && program !== undefined
    ? { words: [join(place.bin, program), ...launch.args] }
    : { unknown: because`npx has not installed ${specName(text)} ${next.version} yet` };
}

/** The programs of the project and the global ones that have the name that npx is given, which it looks for first; or why it is not known what they are. */
function namedPrograms(spec: NpmSpec & { kind: 'registry' }, project: string, prefix: string): string[] | string {
  const isPlain = spec.selector === undefined && !spec.name.startsWith('@');
  const manifest = readJsonObject(join(project, 'package.json'));
  if (isRecord(manifest?.bin) ? Object.hasOwn(manifest.bin, spec.name) : manifest?.bin !== undefined && manifest.name === spec.name) {
    return because`the project in ${project} has a program of this name itself`;
  }
  return isPlain
    ? [...above(project).map((folder) => join(folder, 'node_modules', '.bin', spec.name)), join(prefix, 'bin', spec.name)]
    : [];
}

/** The program that npx chooses from a package: the only one, or the one of the package's name. */
function programOf(manifest: Record<string, unknown> | undefined, name: string): string | undefined {
  const bin = manifest?.bin;
  if (!isRecord(bin)) {
    return typeof bin === 'string' ? unscopedName(name) : undefined;
  }
  return new Set(Object.values(bin)).size === 1
    ? Object.keys(bin)[0]
    : Object.hasOwn(bin, unscopedName(name))
      ? unscopedName(name)
      : undefined;
}

/** The npm that a command named `npx` or `npm` belongs to. */
function npmOf(command: ClientCommand): { readonly folder: string; readonly version: string } | undefined {
  const file = findProgram(command.words[0] ?? '', command);
  const real = file === undefined ? undefined : realpathSync.native(file);
  const folder = real !== undefined && /[\\/]npm[\\/]bin[\\/]np[mx]-cli\.js$/.test(real) ? dirname(dirname(real)) : undefined;
  const manifest = folder === undefined ? undefined : readJsonObject(join(folder, 'package.json'));
  return folder !== undefined && manifest?.name === 'npm' && typeof manifest.version === 'string'
    ? { folder, version: manifest.version }
    : undefined;
}

/** The project of a directory by npm's rule: the nearest folder upwards with a package.json or node_modules; else the directory. */
export function npmProject(cwd: string): string {
  return above(cwd).find((folder) => ['package.json', 'node_modules'].some((name) => statPath(join(folder, name)).status === 'ok')) ?? cwd;
}

/** A directory and all above it. */
function above(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder || !isAbsolute(folder) ? [folder] : [folder, ...above(parent)];
}

/** Settings of npm that decide which package or folder npx takes. */
const deciding = /^(?:cache|prefix|package|call|workspaces?|global|location|offline|userconfig|globalconfig)$/;
/** Bytes of a settings file that are read; a larger one is not known. */
const maxSettings = 65_536;

/** npm's cache and global folder. Other settings that change what npx starts make it unknown. */
function npmSettings(
  project: string,
  npm: string,
  command: ClientCommand,
): { readonly cache: string; readonly prefix: string } | { readonly unknown: string } {
  const { environment } = command;
  const variables = [...(environment ?? [])].flatMap(([name, value]): [string, string][] =>
    /^npm_config_/i.test(name) ? [[name.slice(11).toLowerCase().replaceAll('_', '-'), value]] : [],
  );
  const home = environment?.get('HOME');
  const node = findProgram('node', command);
  if (home === undefined || node === undefined) {
    return { unknown: because`the folders of npm are not known` };
  }
  const given = new Map(variables.filter(([, value]) => value !== ''));
  const prefixOf = (known: ReadonlyMap<string, string>): string =>
    known.get('prefix') ?? environment?.get('PREFIX') ?? dirname(dirname(realpathSync.native(node)));
  const files = [join(project, '.npmrc'), given.get('userconfig') ?? join(home, '.npmrc'), join(npm, 'npmrc')];
  for (const file of [...files, given.get('globalconfig') ?? join(prefixOf(given), 'etc', 'npmrc')]) {
    const read = readBounded(file, maxSettings);
    if (read.status === 'unreadable') {
      return { unknown: because`${file} cannot be read` };
    }
    for (const line of (read.status === 'ok' ? read.text : '').split(/\r?\n/)) {
      const [, key = '', value = ''] = /^\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
      if (deciding.test(key) && !given.has(key)) {
        given.set(key, fromHome(value, command));
      }
    }
  }
  const isTrusted = (path: string): boolean => isAbsolute(path) && !/["'$;#]/.test(path);
  const [cache, prefix] = [given.get('cache') ?? join(home, '.npm'), prefixOf(given)];
  const other = [...given.keys()].find((key) => deciding.test(key) && !/^(?:cache|prefix|userconfig|globalconfig)$/.test(key));
  const isOff =
    other === undefined || (other !== 'package' && given.get(other) === 'false') || (other === 'location' && given.get(other) === 'user');
  const isWorkspace = above(project).some((folder) => readJsonObject(join(folder, 'package.json'))?.workspaces !== undefined);
  return isTrusted(cache) && isTrusted(prefix) && isOff && !isWorkspace
    ? { cache, prefix }
    : { unknown: isWorkspace ? because`a workspace of npm decides what it starts` : because`the settings of npm decide what it starts` };
}

/**
 * The rule of `uvx` (uv 0.12.5, crates/uv/src/commands/tool/run.rs): a tool that `uv tool install` has installed and that fits. Anything else is resolved at the start,
 * an exact version with the newest dependencies.
 */
function uvTool(launch: LaunchSpec, text: string, { environment, cwd }: ClientCommand, installed: Installed): LauncherProgram {
  const spec = parsePythonSpec(text);
  const setting = [...(environment ?? [])].find(
    ([name, value]) =>
      value !== '' && /^UV_(?:PYTHON|ISOLATED|CONSTRAINT|OVERRIDE|EXCLUDE|TORCH_BACKEND|REFRESH|PRERELEASE|RESOLUTION)$/.test(name),
  );
  const home = environment?.get('HOME');
  if (spec.kind !== 'registry' || spec.extras.length > 0 || spec.marker !== undefined || setting || home === undefined) {
    return { unknown: setting ? because`${setting[0]} decides what uvx starts` : because`uvx resolves it at each start` };
  }
  const name = normalizePythonName(spec.name);
  const data = environment?.get('XDG_DATA_HOME') ?? join(home, '.local', 'share');
  const place = join(resolve(cwd ?? '/', environment?.get('UV_TOOL_DIR') ?? join(data, 'uv', 'tools')), name);
  const tool = installed({ ecosystem: 'python', entry: join(place, 'bin', name), environment: place, name });
  const next = uvxNext({ spec, ...(tool === undefined ? {} : { tool }) });
  if ('unknown' in next) {
    return next;
  }
  return next.version === tool && spec.tag !== 'latest'
    ? { words: [join(place, 'bin', launch.target ?? spec.name), ...launch.args] }
    : { unknown: because`uvx resolves its dependencies at each start` };
}
