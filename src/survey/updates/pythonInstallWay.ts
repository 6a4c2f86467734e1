import { basename, dirname, isAbsolute, join } from 'node:path';
import { isRecord } from '../../base/json.ts';
import { type InstallFacts, pythonMarks } from '../../diagnosis/upgradeCommand.ts';
import type { ProcessDetail, ProcessRow } from '../../model/process.ts';
import { venvConfig } from '../../package/python/pythonEnvironment.ts';
import { observedLaunch } from '../../process/commandline/parseLaunch.ts';
import type { PythonPackagePlace } from '../../registry/python/pythonRoute.ts';
import { readBounded, readJsonObject, statPath } from '../../storage/boundedFile.ts';
import { normalizePythonName } from '../../version/pythonSpec.ts';
import { type InstalledFor, type InstallWay, marksIn } from './installWay.ts';

/** How pip, uv or pipx installed a package. */
export function pythonInstallWay({ ref, root, launchers, detail, platform }: InstalledFor): InstallWay {
  const { environment, name } = ref;
  const files = marksIn(environment, pythonMarks);
  const site = dirname(root);
  const library = dirname(site);
  const installer = text(join(root, 'INSTALLER'))?.trim().toLowerCase().slice(0, 40);
  const venv = venvConfig(environment);
  const version =
    /^\d+(\.\d+){1,2}/.exec(venv?.get('version') ?? venv?.get('version_info') ?? '')?.[0] ??
    /python(\d+\.\d+)/i.exec(basename(library))?.[1];
  // On Debian the mark is in the library folder, and packages are in others.
  const standards = [library, ...(version === undefined ? [] : [join(environment, 'lib', `python${/^\d+\.\d+/.exec(version)?.[0]}`)])];
  const asked = pipxSpec(environment, files) ?? launcherSpec(launchers, name);
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
      externallyManaged: !venv && standards.some((folder) => statPath(join(folder, 'EXTERNALLY-MANAGED')).status === 'ok'),
      hasPip: statPath(join(site, 'pip')).status === 'ok',
      ...(venv ? {} : addedSiteOf(environment, site, version, detail)),
    },
    place: {
      ecosystem: 'python',
      python: {
        environment,
        // pipx installs with pip.
        installer: byUv ? 'uv' : installer === 'pip' || files.has('pipx_metadata.json') ? 'pip' : 'other',
        ...(statPath(join(root, 'direct_url.json')).status === 'absent' ? {} : { direct: true }),
        ...(detail.cwd === undefined ? {} : { project: detail.cwd }),
        ...pipCall(environment, files),
      },
    },
    tag: 'latest',
    ...(version === undefined ? {} : { python: version }),
  };
}

/** Packages of `pip install --user`, and those in `/usr/local` on Debian, have the layout of an environment, but the interpreter and its library are elsewhere. */
function addedSiteOf(
  environment: string,
  site: string,
  version: string | undefined,
  detail: ProcessDetail,
): { addedSite?: NonNullable<InstallFacts['addedSite']> } {
  const python = /^\d+\.\d+/.exec(version ?? '')?.[0];
  const program = detail.exe?.replace(/ \(deleted\)$/, '');
  if (program === undefined || python === undefined || statPath(join(environment, 'bin', 'python3')).status !== 'absent') {
    return {};
  }
  const library = join(dirname(dirname(program)), 'lib', `python${python}`);
  return library === dirname(site)
    ? {}
    : {
        addedSite: {
          python,
          managed: statPath(join(library, 'EXTERNALLY-MANAGED')).status === 'ok',
          ofUser: basename(site) === 'site-packages',
        },
      };
}

function pipxMain(environment: string, files: ReadonlySet<string>): Record<string, unknown> | undefined {
  const main = files.has('pipx_metadata.json') ? readJsonObject(join(environment, 'pipx_metadata.json'))?.main_package : undefined;
  return isRecord(main) ? main : undefined;
}

function pipxSpec(environment: string, files: ReadonlySet<string>): string | undefined {
  const asked = pipxMain(environment, files)?.package_or_url;
  return typeof asked === 'string' ? asked : undefined;
}

/** The sources of packages that pipx or pipenv recorded. An environment of pipenv names its project in the file `.project`. */
function pipCall(
  environment: string,
  files: ReadonlySet<string>,
): Pick<PythonPackagePlace, 'pipWords' | 'pipfile' | 'pipProject' | 'unreadable'> {
  const main = pipxMain(environment, files);
  if (files.has('pipx_metadata.json') && main === undefined) {
    return { unreadable: join(environment, 'pipx_metadata.json') };
  }
  const words = main?.pip_args;
  const named = text(join(environment, '.project'))?.trim();
  const project = named !== undefined && isAbsolute(named) ? named : basename(environment) === '.venv' ? dirname(environment) : undefined;
  const pipfile = project === undefined ? undefined : join(project, 'Pipfile');
  const read = pipfile === undefined ? undefined : readBounded(pipfile, maxSettingsBytes);
  return {
    ...(Array.isArray(words) ? { pipWords: words.filter((word) => typeof word === 'string') } : {}),
    ...(project === undefined ? {} : { pipProject: project }),
    ...(read?.status === 'ok' ? { pipfile: read.text } : {}),
    ...(read?.status === 'unreadable' && pipfile !== undefined ? { unreadable: pipfile } : {}),
  };
}

/** The spec on a launcher's command line, with the package's spelling of the name. */
function launcherSpec(launchers: readonly ProcessRow[], name: string): string | undefined {
  for (const spec of launchers.flatMap((row) => observedLaunch(row).specs)) {
    const [, written = '', rest = ''] = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(.*)$/s.exec(spec) ?? [];
    if (normalizePythonName(written) === normalizePythonName(name)) {
      return name + rest;
    }
  }
  return undefined;
}

const maxSettingsBytes = 64 * 1024;

function text(path: string): string | undefined {
  const read = readBounded(path, maxSettingsBytes);
  return read.status === 'ok' ? read.text : undefined;
}
