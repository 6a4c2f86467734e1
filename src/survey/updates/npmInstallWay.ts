import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { isRecord } from '../../base/json.ts';
import { npmMarks } from '../../diagnosis/upgradeCommand.ts';
import type { ProcessDetail, ProcessRow } from '../../model/process.ts';
import { observedLaunch } from '../../process/commandline/parseLaunch.ts';
import { readJsonObject, statPath } from '../../storage/boundedFile.ts';
import { parseNpmSpec } from '../../version/npmSpec.ts';
import { type InstalledFor, type InstallWay, marksIn } from './installWay.ts';
import { askedIn, npmSource } from './npmSource.ts';
import { npxPackagesIn } from './npxPackages.ts';

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
  const settings = isNpx ? (detail.environment?.get('npm_config_local_prefix') ?? projectAbove(detail.cwd)) : project;
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
  return (path ?? '')
    .split(delimiter)
    .filter((folder) => isAbsolute(folder) && !/[\\/]node_modules[\\/]\.bin$/.test(folder))
    .map((folder) => join(folder, platform === 'win32' ? 'node.exe' : 'node'))
    .filter((program) => statPath(program).status === 'ok')
    .slice(0, 1)
    .map((program) => prefixOf(program, platform));
}

function prefixOf(program: string, platform: NodeJS.Platform): string {
  return platform === 'win32' ? dirname(program) : dirname(dirname(program));
}

/** The project of a directory by npm's rule: the nearest folder upwards with a package.json or node_modules. */
function projectAbove(cwd: string | undefined): string | undefined {
  for (let folder = cwd; folder !== undefined && isAbsolute(folder); folder = dirname(folder)) {
    if (['package.json', 'node_modules'].some((name) => statPath(join(folder ?? '', name)).status === 'ok')) {
      return folder;
    }
    if (folder === dirname(folder)) {
      break;
    }
  }
  return cwd;
}
