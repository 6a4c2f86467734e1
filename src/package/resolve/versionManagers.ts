import { dirname, join, resolve } from 'node:path';
import { parse } from 'smol-toml';
import { isRecord } from '../../base/json.ts';
import { readBounded, readJsonObject, statPath } from '../../storage/boundedFile.ts';
import type { SearchPlace } from './commandPath.ts';

const environmentUnknown = 'the environment or the directory of its client cannot be read';

/** The program, or why it cannot be told. */
type Managed = string | { readonly unknown: string };

/**
 * The program that a shim of a version manager starts: pyenv, asdf and mise (by their version files and variables), Volta (by the project, else by its list of
 * programs), snap (by the current revision). Undefined for a path that is no such shim.
 * @param visited gets the files that decide
 */
export function managedProgram(path: string, place: SearchPlace, visited: Set<string>): Managed | undefined {
  const [, mise, shim] = /^(.*[\\/]mise)[\\/]shims[\\/]([^\\/]+)$/.exec(path) ?? [];
  if (mise !== undefined && shim !== undefined) {
    place.searched?.add(shim);
    return miseProgram(mise, shim, place, visited);
  }
  const [, snaps, app] = /^(.*\/snap)\/bin\/([^/]+)$/.exec(path) ?? [];
  if (snaps !== undefined && app !== undefined) {
    return snapProgram(snaps, app, visited);
  }
  const [, root, program] = /^(.*[\\/]\.?(?:pyenv|rbenv|nodenv|asdf)[^\\/]*)[\\/]shims[\\/]([^\\/]+)$/.exec(path) ?? [];
  if (root !== undefined && program !== undefined) {
    place.searched?.add(program);
    if (place.environment === undefined) {
      return { unknown: environmentUnknown };
    }
    return /asdf[^\\/]*$/.test(root) ? asdfProgram(root, program, place, visited) : pyenvProgram(root, program, place, visited);
  }
  const [, volta, name] = /^(.*[\\/]\.?volta)[\\/]bin[\\/]([^\\/]+)$/.exec(path) ?? [];
  if (volta === undefined || name === undefined) {
    return undefined;
  }
  place.searched?.add(name);
  return voltaProgram(volta, name, place, visited);
}

/** pyenv, nodenv: `NAME_VERSION`, else the nearest version file upwards, else the global one. The first of the named versions that has the program is taken. */
function pyenvProgram(root: string, program: string, place: SearchPlace, visited: Set<string>): Managed {
  const tool = /(pyenv|rbenv|nodenv)[^\\/]*$/.exec(root)?.[1] ?? 'pyenv';
  const language = { pyenv: 'python', rbenv: 'ruby', nodenv: 'node' }[tool] ?? 'python';
  const named = place.environment?.get(`${tool.toUpperCase()}_VERSION`);
  const written = named?.split(':') ?? versionsIn(place.cwd, `.${language}-version`, join(root, 'version'), visited);
  if (written === undefined) {
    return { unknown: `${tool} has no version for it` };
  }
  return chosen(
    written.map((version) => join(root, 'versions', version, 'bin', program)),
    program,
  );
}

/** asdf: `ASDF_TOOL_VERSION`, else the nearest `.tool-versions` upwards, else that of the home. The plugin of a program stands in its shim. */
function asdfProgram(root: string, program: string, place: SearchPlace, visited: Set<string>): Managed {
  const shim = join(root, 'shims', program);
  visited.add(shim);
  const text = readBounded(shim);
  const plugins = text.status === 'ok' ? [...text.text.matchAll(/^#\s*asdf-plugin:\s*(\S+)\s+(\S+)/gm)] : [];
  const [plugin] = new Set(plugins.map((match) => match[1] ?? ''));
  if (plugin === undefined || new Set(plugins.map((match) => match[1])).size !== 1) {
    return { unknown: 'the shim of asdf names no single plugin' };
  }
  const named = place.environment?.get(`ASDF_${plugin.toUpperCase().replaceAll('-', '_')}_VERSION`);
  const home = place.environment?.get('HOME') ?? dirname(root);
  const lines = named === undefined ? toolVersions(place.cwd, home, plugin, visited) : named.split(/\s+/);
  return lines === undefined
    ? { unknown: 'no .tool-versions names a version for it' }
    : chosen(
        lines.map((version) => join(root, 'installs', plugin, version, 'bin', program)),
        program,
      );
}

function chosen(paths: readonly string[], program: string): Managed {
  return paths.find((path) => statPath(path).status === 'ok') ?? { unknown: `no chosen version has ${program}` };
}

/** The versions in the nearest file of this name upwards, else in the global one. */
function versionsIn(cwd: string | undefined, name: string, global: string, visited: Set<string>): readonly string[] | undefined {
  const files = [...(cwd === undefined ? [] : upwards(cwd).map((folder) => join(folder, name))), global];
  for (const file of files) {
    const read = readBounded(file, 4096);
    if (read.status === 'ok') {
      visited.add(file);
      const versions = read.text.split(/\s+/).filter((word) => /^[\w.-]+$/.test(word));
      return versions.length === 0 ? undefined : versions;
    }
  }
  return undefined;
}

function toolVersions(cwd: string | undefined, home: string, plugin: string, visited: Set<string>): readonly string[] | undefined {
  for (const folder of [...(cwd === undefined ? [] : upwards(cwd)), home]) {
    const file = join(folder, '.tool-versions');
    const read = readBounded(file, 64 * 1024);
    const versions = read.status === 'ok' ? toolLines(read.text).get(plugin) : undefined;
    if (versions !== undefined) {
      visited.add(file);
      return versions.filter((version) => isVersionName(version));
    }
  }
  return undefined;
}

/**
 * Volta prefers the program of a direct dependency of the project. It keeps what `volta install` installed below `tools/image/packages`;
 * `tools/user/bins/NAME.json` names the package of each program.
 */
function voltaProgram(root: string, name: string, { cwd }: SearchPlace, visited: Set<string>): Managed | undefined {
  const own = cwd === undefined ? undefined : projectProgramOf(cwd, name, visited);
  if (own !== undefined) {
    return own;
  }
  const file = join(root, 'tools', 'user', 'bins', `${name}.json`);
  const json = readJsonObject(file);
  const owner = isRecord(json) && typeof json.package === 'string' ? json.package : undefined;
  if (owner === undefined || !/^(@[\w.-]+\/)?[\w.-]+$/.test(owner) || owner.includes('..')) {
    return undefined;
  }
  visited.add(file);
  return chosen([join(root, 'tools', 'image', 'packages', owner, 'bin', name)], name);
}

/** The folder and all above it. */
export function upwards(from: string): string[] {
  return from === dirname(from) ? [from] : [from, ...upwards(dirname(from))];
}

/** The program in `node_modules/.bin` of the nearest project, when a direct dependency brings it (volta-cli/volta, `Project::has_direct_bin`). */
function projectProgramOf(cwd: string, name: string, visited: Set<string>): string | undefined {
  for (const folder of upwards(cwd)) {
    const file = join(folder, 'package.json');
    const manifest = readJsonObject(file);
    if (manifest === undefined) {
      continue;
    }
    visited.add(file);
    const direct = [manifest.dependencies, manifest.devDependencies].flatMap((list) => (isRecord(list) ? Object.keys(list) : []));
    const brought = direct
      .filter((owner) => isPackageName(owner))
      .some((owner) => {
        const bin = readJsonObject(join(folder, 'node_modules', owner, 'package.json'))?.bin;
        return isRecord(bin) ? Object.hasOwn(bin, name) : typeof bin === 'string' && owner.replace(/^@[^/]+\//, '') === name;
      });
    return brought ? join(folder, 'node_modules', '.bin', name) : undefined;
  }
  return undefined;
}

function isPackageName(name: string): boolean {
  return /^(@[\w.-]+\/)?[\w.-]+$/.test(name) && !name.includes('..');
}

/** In the order of mise: the first file that names a tool decides. */
const miseFiles = [
  'mise.local.toml',
  '.mise.local.toml',
  'mise.toml',
  '.mise.toml',
  'mise/config.toml',
  '.mise/config.toml',
  '.config/mise.toml',
  '.config/mise/config.toml',
  '.tool-versions',
];

/**
 * mise: the versions of all tools by `MISE_TOOL_VERSION`, the files from the working directory upwards and the global ones; the program is that of the one tool that
 * has it (mise.jdx.dev, configuration and shims). Versions like `22` and `latest` are links that mise keeps beside the versions.
 */
function miseProgram(root: string, program: string, place: SearchPlace, visited: Set<string>): Managed {
  const tools = miseVersions(place, visited);
  if ('unknown' in tools) {
    return tools;
  }
  const found = [...tools].flatMap(([tool, versions]) => {
    // What mise installed from npm itself has no folder `bin`.
    const path = versions
      .flatMap((version) => ['bin', 'node_modules/.bin'].map((folder) => join(root, 'installs', tool, version, folder, program)))
      .find((one) => statPath(one).status === 'ok');
    return path === undefined ? [] : [path];
  });
  const [only] = found;
  return only === undefined || found.length !== 1
    ? { unknown: only === undefined ? `no tool that mise is told to use has ${program}` : `several tools of mise have ${program}` }
    : only;
}

/** The versions that mise is told to use, by the folder of the tool; or why that is not known. @param visited gets the files that decide */
export function miseVersions(
  { cwd, environment }: Pick<SearchPlace, 'cwd' | 'environment'>,
  visited: Set<string>,
): ReadonlyMap<string, readonly string[]> | { readonly unknown: string } {
  if (environment === undefined || cwd === undefined) {
    return { unknown: environmentUnknown };
  }
  const home = environment.get('HOME') ?? '/';
  const settings = environment.get('MISE_CONFIG_DIR') ?? join(environment.get('XDG_CONFIG_HOME') ?? join(home, '.config'), 'mise');
  const parts = [join(settings, 'conf.d'), ...upwards(cwd).map((folder) => join(folder, '.config', 'mise', 'conf.d'))];
  if (environment.has('MISE_ENV') || parts.some((folder) => statPath(folder).status === 'ok')) {
    return { unknown: 'more settings of mise decide than MCP Shepherd reads (MISE_ENV, conf.d)' };
  }
  const tools = new Map<string, readonly string[]>();
  for (const [name, value] of environment) {
    const tool = /^MISE_([A-Z0-9_]+)_VERSION$/.exec(name)?.[1];
    if (tool !== undefined) {
      tools.set(miseFolder(tool), [value]);
    }
  }
  const global = environment.get('MISE_GLOBAL_CONFIG_FILE') ?? join(settings, 'config.toml');
  const files = [...upwards(cwd).flatMap((folder) => miseFiles.map((file) => join(folder, file))), global, '/etc/mise/config.toml'];
  for (const file of files) {
    const read = readBounded(file, 64 * 1024);
    if (read.status !== 'ok') {
      continue;
    }
    visited.add(file);
    const named = file.endsWith('.toml') ? miseTools(read.text) : toolLines(read.text);
    if (named === undefined) {
      return { unknown: `${file} cannot be read` };
    }
    for (const [tool, versions] of named) {
      tools.set(miseFolder(tool), tools.get(miseFolder(tool)) ?? versions);
    }
  }
  return new Map(
    [...tools].map(([tool, versions]) => [
      tool,
      versions.filter((version) => isVersionName(version)).map((version) => version.replace(/^v(?=\d)/, '')),
    ]),
  );
}

/** mise's folder of a tool: `npm:@scope/name` is in `npm-scope-name`. */
function miseFolder(tool: string): string {
  const folder = tool
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^-|-$/g, '');
  return folder === 'nodejs' ? 'node' : folder;
}

/** `[tools]` of a file of mise: a version, a list, or a table with `version`. Undefined when it is no TOML, or holds templates. */
function miseTools(text: string): Map<string, readonly string[]> | undefined {
  try {
    const { tools } = parse(text);
    const named = Object.entries(isRecord(tools) ? tools : {}).map(([tool, value]): [string, readonly string[]] => [
      tool,
      (Array.isArray(value) ? value : [value]).flatMap((one: unknown) => {
        const version = isRecord(one) ? one.version : one;
        return typeof version === 'string' ? [version] : typeof version === 'number' ? [String(version)] : [];
      }),
    ]);
    return named.some(([, versions]) => versions.some((version) => version.includes('{{'))) ? undefined : new Map(named);
  } catch {
    return undefined;
  }
}

function toolLines(text: string): Map<string, readonly string[]> {
  return new Map(
    text
      .split(/\r?\n/)
      .map((line) => line.replace(/#.*/, '').trim().split(/\s+/))
      .flatMap(([tool = '', ...versions]): [string, readonly string[]][] => (tool === '' ? [] : [[tool, versions]])),
  );
}

function isVersionName(version: string): boolean {
  return /^[\w.+-]+$/.test(version) && version !== '..';
}

/**
 * snap: `bin/SNAP` and `bin/SNAP.APP` are links to snap itself; the revision that `SNAP/current` names has the command of each app in `meta/snap.yaml`, which
 * snapcraft writes with two blanks for each level.
 */
function snapProgram(root: string, app: string, visited: Set<string>): Managed {
  const [snap = '', part = snap] = app.split('.');
  const current = join(root, snap, 'current');
  visited.add(current);
  const read = readBounded(join(current, 'meta', 'snap.yaml'));
  const apps = read.status === 'ok' ? /^apps:\n((?: .*\n|\n)*)/m.exec(`${read.text}\n`)?.[1] : undefined;
  const own = (apps ?? '').split(/\n(?= {2}\S)/).find((one) => one.trimStart().startsWith(`${part}:`));
  const command = /^ {4}command: ([\w./-]+)\s*$/m.exec(own ?? '')?.[1];
  return command === undefined || command.split('/').includes('..')
    ? { unknown: `the command of the snap ${app.slice(0, 64)} cannot be read` }
    : join(current, command);
}

/** The environment of a project of uv, or of the workspace that it belongs to. Undefined when there is none. */
export function projectEnvironment(folder: string, { environment }: SearchPlace): string | undefined {
  const written = environment?.get('UV_PROJECT_ENVIRONMENT') ?? '.venv';
  const isWorkspace = (at: string): boolean => {
    const read = readBounded(join(at, 'pyproject.toml'));
    return read.status === 'ok' && read.text.includes('[tool.uv.workspace]');
  };
  return upwards(folder)
    .filter((at) => at === folder || isWorkspace(at))
    .map((at) => resolve(at, written))
    .find((path) => statPath(join(path, 'pyvenv.cfg')).status === 'ok');
}

/** The nearest folder upwards that holds a path. */
export function holderOf(from: string, path: string): string | undefined {
  return upwards(from).find((at) => statPath(join(at, path)).status === 'ok');
}
