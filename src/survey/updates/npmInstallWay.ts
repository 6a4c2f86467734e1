import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { isRecord } from '../../base/json.ts';
import { npmMarks } from '../../diagnosis/upgradeCommand.ts';
import type { ProcessDetail, ProcessRow } from '../../model/process.ts';
import { bunLocked, type LockedPackage, pnpmLocked, yarnLocked, yarnOneLocked } from '../../package/npm/lockFiles.ts';
import { npmProject } from '../../package/resolve/launcherProgram.ts';
import { observedLaunch } from '../../process/commandline/parseLaunch.ts';
import { readBounded, readJsonObject, statPath } from '../../storage/boundedFile.ts';
import { parseNpmSpec } from '../../version/npmSpec.ts';
import { type InstalledFor, type InstallWay, marksIn } from './installWay.ts';

/** How npm, pnpm, Yarn or Bun installed a package. */
export function npmInstallWay({ ref, root, launchers, detail, platform }: InstalledFor): InstallWay {
  const { environment, name } = ref;
  const store = /^(.*)[\\/]node_modules[\\/]\.pnpm[\\/]/.exec(`${environment}/`)?.[1];
  const project = store ?? environment;
  const manifest = readJsonObject(join(project, 'package.json'));
  const own = readJsonObject(join(root, 'package.json'));
  const isNpx = environment.split(/[\\/]/).includes('_npx');
  // From version 11 on npm records the requested specification; before that the command line of npx shows it.
  const asked = (isNpx ? npxSpec(manifest, name) : undefined) ?? launcherSpec(launchers, name);
  const files = marksIn(project, npmMarks);
  const global = !isNpx && !files.has('package.json');
  // npx reads the .npmrc of the project in its working directory.
  const settings = isNpx
    ? (detail.environment?.get('npm_config_local_prefix') ?? (detail.cwd === undefined ? undefined : npmProject(detail.cwd)))
    : project;
  const publishedTo =
    isRecord(own?.publishConfig) && typeof own.publishConfig.registry === 'string' ? own.publishConfig.registry : undefined;
  const source = npmSource(project, environment, manifest, name);
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
      direct: askedIn(manifest, name).length > 0,
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
        ...source,
      },
    },
    tag: selector?.kind === 'tag' ? selector.value : 'latest',
  };
}

/** The requested specification that npm records in the cache folder of npx. */
function npxSpec(manifest: Record<string, unknown> | undefined, name: string): string | undefined {
  return npxPackagesIn(manifest)?.find((spec) => spec === name || spec.startsWith(`${name}@`));
}

function launcherSpec(launchers: readonly ProcessRow[], name: string): string | undefined {
  return launchers
    .flatMap((row) => observedLaunch(row).specs)
    .find((spec) => {
      const asked = parseNpmSpec(spec);
      return asked.kind === 'registry' && asked.name === name;
    });
}

/** Prefixes of the Node installations that may have installed the server: the one that runs it, and the first one in its PATH. */
function nodePrefixes(detail: ProcessDetail, platform: NodeJS.Platform, global: string | undefined): string[] {
  const own = global === undefined ? [] : [platform === 'win32' ? global : dirname(global)];
  const running = detail.exe?.replace(/ \(deleted\)$/, '');
  return [
    ...new Set([
      ...own,
      ...(running === undefined ? [] : [prefixOf(running, platform)]),
      ...prefixOnPath(detail.environment?.get('PATH'), platform),
    ]),
  ];
}

/** The prefix of the first Node in a PATH. */
export function prefixOnPath(path: string | undefined, platform: NodeJS.Platform): string[] {
  const first = (path ?? '')
    .split(delimiter)
    .filter((folder) => isAbsolute(folder) && !/[\\/]node_modules[\\/]\.bin$/.test(folder))
    .map((folder) => join(folder, platform === 'win32' ? 'node.exe' : 'node'))
    .find((program) => statPath(program).status === 'ok');
  return first === undefined ? [] : [prefixOf(first, platform)];
}

function prefixOf(program: string, platform: NodeJS.Platform): string {
  return platform === 'win32' ? dirname(program) : dirname(dirname(program));
}

/** In bytes. */
const maxLockBytes = 16 * 1024 * 1024;

/** Where an npm package came from, or the file that may say so and cannot be read. */
type NpmSource = { readonly resolved: string } | { readonly unreadable: string };

/**
 * Where an npm package came from: as npm's own lock file says, else the project's package.json, the name of pnpm's folder or any other lock file. Undefined when
 * none of them names a source.
 *
 * @param manifest the project's package.json
 */
function npmSource(
  project: string,
  environment: string,
  manifest: Record<string, unknown> | undefined,
  name: string,
): NpmSource | undefined {
  const named = sourceAsked(manifest, name) ?? pnpmSource(environment);
  return (
    (project === environment ? npmLocked(join(environment, 'node_modules', '.package-lock.json'), name) : undefined) ??
    (named === undefined ? undefined : { resolved: named }) ??
    // For projects without npm's hidden lock file.
    npmLocked(join(project, 'package-lock.json'), name) ??
    lockedElsewhere(project, name)
  );
}

/** The requirements of a package in a project's package.json, of any type. */
function askedIn(manifest: Record<string, unknown> | undefined, name: string): unknown[] {
  return ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((field) => {
    const listed = manifest?.[field];
    return isRecord(listed) && Object.hasOwn(listed, name) ? [listed[name]] : [];
  });
}

/** The file, folder, address or checkout that the project's package.json requires. */
function sourceAsked(manifest: Record<string, unknown> | undefined, name: string): string | undefined {
  for (const asked of askedIn(manifest, name)) {
    const spec = typeof asked === 'string' ? parseNpmSpec(`${name}@${asked}`) : undefined;
    if (spec && 'source' in spec) {
      return spec.source;
    }
  }
  return undefined;
}

/** pnpm names the folder of a package from outside of registries after its source: `notes@file+..+notes.tgz`. */
function pnpmSource(environment: string): string | undefined {
  return /[\\/]\.pnpm[\\/][^\\/]*@((?:file|link|git|https?)[+:@][^\\/]*)$/.exec(environment)?.[1];
}

/** The address in a lock file of npm. */
function npmLocked(file: string, name: string): NpmSource | undefined {
  const read = readBounded(file, maxLockBytes);
  if (read.status !== 'ok') {
    return read.status === 'absent' ? undefined : { unreadable: file };
  }
  let lock: unknown;
  try {
    lock = JSON.parse(read.text);
  } catch {
    return { unreadable: file };
  }
  const packages = isRecord(lock) ? lock.packages : undefined;
  const entry = isRecord(packages) ? packages[`node_modules/${name}`] : undefined;
  return isRecord(entry) && typeof entry.resolved === 'string' ? { resolved: entry.resolved } : undefined;
}

/** Lock files of other package managers. A text without its mark names no archive, and is not parsed: that takes 0.1 s for 1,000 packages of pnpm. */
const otherLocks: readonly [file: string, mark: string, packagesOf: (text: string) => LockedPackage[] | undefined][] = [
  ['yarn.lock', ' resolved "', yarnOneLocked],
  ['yarn.lock', '__archiveUrl', yarnLocked],
  ['pnpm-lock.yaml', 'tarball', pnpmLocked],
  ['bun.lock', 'packages', bunLocked],
];

function lockedElsewhere(project: string, name: string): NpmSource | undefined {
  for (const [file, mark, packagesOf] of otherLocks) {
    const path = join(project, file);
    const read = readBounded(path, maxLockBytes);
    if (read.status === 'absent' || (read.status === 'ok' && !read.text.includes(mark))) {
      continue;
    }
    const packages = read.status === 'ok' ? packagesOf(read.text) : undefined;
    if (packages === undefined) {
      return { unreadable: path };
    }
    const archive = packages.find((one) => one.archive !== undefined && one.id.startsWith(`${name}@`))?.archive;
    if (archive !== undefined) {
      return { resolved: archive };
    }
  }
  return undefined;
}

/**
 * The package specs of npm's `_npx/HASH` directory, from the `package.json` that npm writes there (`_npx.packages`), so that a server is matched with its entry when
 * the launcher is gone.
 *
 * @param hash from the process's command line
 */
export async function readNpxPackages(hash: string, row: ProcessRow): Promise<readonly string[] | undefined> {
  const word = row.argv.find((one) => one.includes(`_npx/${hash}/`) || one.includes(`_npx\\${hash}\\`));
  return word === undefined
    ? undefined
    : npxPackagesIn(readJsonObject(join(word.slice(0, word.indexOf(hash) + hash.length), 'package.json')));
}

/** The requested specs in such a package.json. */
function npxPackagesIn(manifest: Record<string, unknown> | undefined): readonly string[] | undefined {
  const packages = isRecord(manifest?._npx) ? manifest._npx.packages : undefined;
  return Array.isArray(packages) ? packages.filter((one) => typeof one === 'string') : undefined;
}
