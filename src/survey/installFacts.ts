import { readdirSync } from 'node:fs';
import { basename, delimiter, dirname, isAbsolute, join } from 'node:path';
import { type InstallFacts, npmMarks, pythonMarks } from '../diagnosis/upgradeCommand.ts';
import { look, readBounded } from '../package/boundedFile.ts';
import { isRecord } from '../package/nodePackage.ts';
import { venvConfig } from '../package/pythonEnvironment.ts';
import { observedLaunch } from '../process/launch.ts';
import type { NpmPackagePlace } from '../registry/npmRoute.ts';
import type { PythonPackagePlace } from '../registry/pythonRoute.ts';
import type { PackageRef } from '../types/package.ts';
import type { ProcessDetail, ProcessRow } from '../types/process.ts';
import { parseNpmSpec } from '../version/npmSpec.ts';
import { normalizePythonName } from '../version/pythonSpec.ts';

/** What is on disk about how a package was installed: what decides the command for an upgrade, and whom to ask about it. */
export interface Installation {
  readonly facts: InstallFacts;
  readonly place:
    | { readonly ecosystem: 'npm'; readonly npm: NpmPackagePlace }
    | { readonly ecosystem: 'python'; readonly python: PythonPackagePlace };
  /** npm: the tag that its start follows. */
  readonly tag: string;
  /** Python: the version of the environment's interpreter. */
  readonly python?: string;
}

/** Lock files of large projects are longer than other metadata. */
const maxLockBytes = 16 * 1024 * 1024;

/**
 * Reads how a package was installed. Files only; a few, so that the caller may do it once a minute.
 *
 * @param root the package's directory (npm) or its dist-info (Python)
 */
export function readInstallation(
  ref: PackageRef,
  root: string,
  launchers: readonly ProcessRow[],
  detail: ProcessDetail,
  platform: NodeJS.Platform,
): Installation {
  return ref.ecosystem === 'npm'
    ? npmInstallation(ref, root, launchers, detail, platform)
    : pythonInstallation(ref, root, launchers, detail, platform);
}

function npmInstallation(
  ref: PackageRef,
  root: string,
  launchers: readonly ProcessRow[],
  detail: ProcessDetail,
  platform: NodeJS.Platform,
): Installation {
  const { environment, name } = ref;
  const store = /^(.*)[\\/]node_modules[\\/]\.pnpm[\\/]/.exec(`${environment}/`)?.[1];
  const project = store ?? environment;
  const manifest = json(join(project, 'package.json'));
  const own = json(join(root, 'package.json'));
  const isNpx = environment.split(/[\\/]/).includes('_npx');
  const asked = isNpx ? npxSpec(manifest, name) : launcherSpec(launchers, name);
  const files = marks(project, npmMarks);
  const global = !isNpx && !files.has('package.json');
  // npx reads the .npmrc of the project that it is called in.
  const settings = isNpx ? (detail.environment?.get('npm_config_local_prefix') ?? projectAbove(detail.cwd)) : project;
  const publishedTo =
    isRecord(own?.publishConfig) && typeof own.publishConfig.registry === 'string' ? own.publishConfig.registry : undefined;
  const resolved =
    resolvedFrom(project, environment, name) ?? sourceAsked(manifest, name) ?? pnpmSource(environment) ?? lockedElsewhere(project, name);
  const spec = asked === undefined ? undefined : parseNpmSpec(asked);
  const selector = spec?.kind === 'registry' ? spec.selector : undefined;
  return {
    facts: {
      ecosystem: 'npm',
      name,
      platform,
      environment,
      project,
      files,
      direct: ['dependencies', 'devDependencies', 'optionalDependencies'].some((field) => {
        const listed = manifest?.[field];
        return isRecord(listed) && Object.hasOwn(listed, name);
      }),
      ...(asked === undefined ? {} : { asked }),
    },
    place: {
      ecosystem: 'npm',
      npm: {
        name,
        ...(global || settings === undefined ? {} : { project: settings }),
        ...(global || isNpx ? {} : { modules: project }),
        prefixes: nodePrefixes(detail, platform, global ? project : undefined),
        ...(own?.private === true ? { isPrivate: true } : {}),
        ...(publishedTo === undefined ? {} : { publishedTo }),
        ...(resolved === undefined ? {} : { resolved }),
      },
    },
    tag: selector?.kind === 'tag' ? selector.value : 'latest',
  };
}

/** The spec that npm keeps in the cache folder of an npx call, in the form in which it was asked for. */
function npxSpec(manifest: Record<string, unknown> | undefined, name: string): string | undefined {
  const packages = isRecord(manifest?._npx) ? manifest._npx.packages : undefined;
  const specs = Array.isArray(packages) ? packages.filter((one) => typeof one === 'string') : [];
  return specs.find((spec) => spec === name || spec.startsWith(`${name}@`));
}

function launcherSpec(launchers: readonly ProcessRow[], name: string): string | undefined {
  return launchers
    .flatMap((row) => observedLaunch(row).specs)
    .find((spec) => {
      const asked = parseNpmSpec(spec);
      return asked.kind === 'registry' && asked.name === name;
    });
}

/** The same for Python, whose names are written in several ways; with the name as the package has it. */
function pythonLauncherSpec(launchers: readonly ProcessRow[], name: string): string | undefined {
  for (const spec of launchers.flatMap((row) => observedLaunch(row).specs)) {
    const [, written = '', rest = ''] = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(.*)$/s.exec(spec) ?? [];
    if (normalizePythonName(written) === normalizePythonName(name)) {
      return name + rest;
    }
  }
  return undefined;
}

/** Where npm's own lock file says that the package came from. */
function resolvedFrom(project: string, environment: string, name: string): string | undefined {
  if (project !== environment) {
    return undefined;
  }
  const lock = json(join(environment, 'node_modules', '.package-lock.json'), maxLockBytes);
  const entry = isRecord(lock?.packages) ? lock.packages[`node_modules/${name}`] : undefined;
  return isRecord(entry) && typeof entry.resolved === 'string' ? entry.resolved : undefined;
}

/**
 * The address that the lock file of yarn 1, bun or pnpm has for it, or npm's where npm left no hidden one. bun and pnpm write it only when it is not the
 * one that their registry would give.
 */
function lockedElsewhere(project: string, name: string): string | undefined {
  const lock = (file: string): string => readLock(join(project, file));
  const npmLock = json(join(project, 'package-lock.json'), maxLockBytes);
  const entry = isRecord(npmLock?.packages) ? npmLock.packages[`node_modules/${name}`] : undefined;
  if (isRecord(entry) && typeof entry.resolved === 'string') {
    return entry.resolved;
  }
  const url = (text: string, mark: string): string | undefined => {
    const at = text.indexOf(mark);
    return at < 0 ? undefined : /^https?:\/\/[^"#,}\s]+/.exec(text.slice(at + mark.length, at + mark.length + 2048))?.[0];
  };
  for (const block of blocksOf(lock('yarn.lock'), name)) {
    const found = url(block, ' resolved "');
    if (found !== undefined) {
      return found;
    }
  }
  for (const block of blocksOf(lock('pnpm-lock.yaml'), name)) {
    const found = url(block, 'tarball: ');
    if (found !== undefined) {
      return found;
    }
  }
  const bun = lock('bun.lock');
  const listed = bun.indexOf(`["${name}@`);
  return listed < 0 ? undefined : /^[^"]{0,300}",\s{0,20}"(https?:\/\/[^"]{1,2048})"/.exec(bun.slice(listed + 2, listed + 3000))?.[1];
}

/** Of a lock file of yarn 1 or pnpm: the lines below each line that begins with a package's name and a version. */
function* blocksOf(text: string, name: string): Generator<string> {
  const mark = `${name}@`;
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + mark.length)) {
    const line = text.lastIndexOf('\n', at) + 1;
    const before = text.slice(line, at);
    const end = text.indexOf('\n', at);
    if (end >= 0 && before.length <= 8 && /^ *['"]?\/?$/.test(before) && /:['"]?$/.test(text.slice(Math.max(line, end - 2), end))) {
      const rest = /^(?: [^\n]{0,2000}\n){0,8}/.exec(text.slice(end + 1, end + 8192))?.[0] ?? '';
      yield rest;
    }
  }
}

function readLock(path: string): string {
  const read = readBounded(path, maxLockBytes);
  return read.status === 'ok' ? read.text.replaceAll('\r\n', '\n') : '';
}

/** The file, folder, address or checkout that the project's own package.json names for it. */
function sourceAsked(manifest: Record<string, unknown> | undefined, name: string): string | undefined {
  for (const field of ['dependencies', 'devDependencies', 'optionalDependencies']) {
    const listed = manifest?.[field];
    const asked = isRecord(listed) && Object.hasOwn(listed, name) ? listed[name] : undefined;
    const spec = typeof asked === 'string' ? parseNpmSpec(`${name}@${asked}`) : undefined;
    if (spec && 'source' in spec) {
      return spec.source;
    }
  }
  return undefined;
}

/** pnpm names the folder of what is from no registry after its source: `notes@file+..+notes.tgz`. */
function pnpmSource(environment: string): string | undefined {
  return /[\\/]\.pnpm[\\/][^\\/]*@((?:file|link|git|https?)[+:@][^\\/]*)$/.exec(environment)?.[1];
}

/** Prefixes of the Node installations that the server could have been installed with: the one that runs it, and the one its PATH finds. */
function nodePrefixes(detail: ProcessDetail, platform: NodeJS.Platform, global: string | undefined): string[] {
  const windows = platform === 'win32';
  const prefixOf = (program: string): string => (windows ? dirname(program) : dirname(dirname(program)));
  const onPath = (detail.environment?.get('PATH') ?? '')
    .split(delimiter)
    .filter((folder) => isAbsolute(folder) && !/[\\/]node_modules[\\/]\.bin$/.test(folder))
    .map((folder) => join(folder, windows ? 'node.exe' : 'node'))
    .find((program) => look(program).status === 'ok');
  const own = global === undefined ? [] : [windows ? global : dirname(global)];
  const running = detail.exe?.replace(/ \(deleted\)$/, '');
  return [...new Set([...own, ...(running === undefined ? [] : [prefixOf(running)]), ...(onPath === undefined ? [] : [prefixOf(onPath)])])];
}

/** The folder that npm takes for the project of a directory: the nearest above with a package.json or node_modules. */
function projectAbove(cwd: string | undefined): string | undefined {
  for (let folder = cwd; folder !== undefined && isAbsolute(folder); folder = dirname(folder)) {
    if (['package.json', 'node_modules'].some((name) => look(join(folder ?? '', name)).status === 'ok')) {
      return folder;
    }
    if (folder === dirname(folder)) {
      break;
    }
  }
  return cwd;
}

function pythonInstallation(
  ref: PackageRef,
  root: string,
  launchers: readonly ProcessRow[],
  detail: ProcessDetail,
  platform: NodeJS.Platform,
): Installation {
  const { environment, name } = ref;
  const files = marks(environment, pythonMarks);
  const site = dirname(root);
  const library = dirname(site);
  const installer = text(join(root, 'INSTALLER'))?.trim().toLowerCase().slice(0, 40);
  const venv = venvConfig(environment);
  const version =
    /^\d+(\.\d+){1,2}/.exec(venv?.get('version') ?? venv?.get('version_info') ?? '')?.[0] ??
    /python(\d+\.\d+)/i.exec(basename(library))?.[1];
  // Debian keeps packages in other folders than the library that the mark stands in.
  const standards = [library, ...(version === undefined ? [] : [join(environment, 'lib', `python${/^\d+\.\d+/.exec(version)?.[0]}`)])];
  const asked = pipxSpec(environment, files) ?? pythonLauncherSpec(launchers, name);
  const byUv = files.has('uv-receipt.toml') || /[\\/]archive-v\d+[\\/]/.test(`${environment}/`) || installer === 'uv';
  return {
    facts: {
      ecosystem: 'python',
      name,
      platform,
      environment,
      project: environment,
      files,
      direct: true,
      ...(asked === undefined ? {} : { asked }),
      ...(installer ? { installer } : {}),
      externallyManaged: !venv && standards.some((folder) => look(join(folder, 'EXTERNALLY-MANAGED')).status === 'ok'),
      hasPip: look(join(site, 'pip')).status === 'ok',
      ...(venv ? {} : addedSiteOf(environment, site, version, detail)),
    },
    place: {
      ecosystem: 'python',
      python: {
        environment,
        // pipx lets pip do the work.
        installer: byUv ? 'uv' : installer === 'pip' || files.has('pipx_metadata.json') ? 'pip' : 'other',
        ...(look(join(root, 'direct_url.json')).status === 'absent' ? {} : { direct: true }),
        ...(detail.cwd === undefined ? {} : { project: detail.cwd }),
        ...pipCall(environment, files),
      },
    },
    tag: 'latest',
    ...(version === undefined ? {} : { python: version }),
  };
}

/** A user's own installs, and those that Debian keeps apart in `/usr/local`, lie as in an environment, but the interpreter and its library are elsewhere. */
function addedSiteOf(
  environment: string,
  site: string,
  version: string | undefined,
  detail: ProcessDetail,
): { addedSite?: NonNullable<InstallFacts['addedSite']> } {
  const python = /^\d+\.\d+/.exec(version ?? '')?.[0];
  const program = detail.exe?.replace(/ \(deleted\)$/, '');
  if (program === undefined || python === undefined || look(join(environment, 'bin', 'python3')).status !== 'absent') {
    return {};
  }
  const library = join(dirname(dirname(program)), 'lib', `python${python}`);
  return library === dirname(site)
    ? {}
    : {
        addedSite: {
          python,
          managed: look(join(library, 'EXTERNALLY-MANAGED')).status === 'ok',
          ofUser: basename(site) === 'site-packages',
        },
      };
}

function pipxMain(environment: string, files: ReadonlySet<string>): Record<string, unknown> | undefined {
  const main = files.has('pipx_metadata.json') ? json(join(environment, 'pipx_metadata.json'))?.main_package : undefined;
  return isRecord(main) ? main : undefined;
}

function pipxSpec(environment: string, files: ReadonlySet<string>): string | undefined {
  const asked = pipxMain(environment, files)?.package_or_url;
  return typeof asked === 'string' ? asked : undefined;
}

/** What the tool that called pip wrote down of where packages come from. pipenv names the project of an environment elsewhere in its `.project`. */
function pipCall(environment: string, files: ReadonlySet<string>): { pipWords?: readonly string[]; pipfile?: string } {
  const words = pipxMain(environment, files)?.pip_args;
  const named = text(join(environment, '.project'))?.trim();
  const project = named !== undefined && isAbsolute(named) ? named : basename(environment) === '.venv' ? dirname(environment) : undefined;
  const pipfile = project === undefined ? undefined : text(join(project, 'Pipfile'));
  return {
    ...(Array.isArray(words) ? { pipWords: words.filter((word) => typeof word === 'string') } : {}),
    ...(pipfile === undefined ? {} : { pipfile }),
  };
}

/** Which of the files are there; `../NAME` stands above the folder. */
function marks(folder: string, names: readonly string[]): ReadonlySet<string> {
  const list = (path: string): ReadonlySet<string> => {
    try {
      return new Set(readdirSync(path));
    } catch {
      return new Set();
    }
  };
  const here = list(folder);
  const above = names.some((name) => name.startsWith('../')) ? list(dirname(folder)) : here;
  return new Set(names.filter((name) => (name.startsWith('../') ? above.has(name.slice(3)) : here.has(name))));
}

function text(path: string): string | undefined {
  const read = readBounded(path, 64 * 1024);
  return read.status === 'ok' ? read.text : undefined;
}

function json(path: string, maxBytes?: number): Record<string, unknown> | undefined {
  const read = readBounded(path, maxBytes);
  if (read.status !== 'ok') {
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(read.text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
