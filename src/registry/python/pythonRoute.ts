import { posix, win32 } from 'node:path';
import { parse } from 'smol-toml';
import { proxyFor } from '../httpProxy.ts';
import { type IndexRoute, type IndexTarget, indexAddress } from '../indexRoute.ts';
import { isPublicIndex, publicPythonIndex } from '../publicIndexes.ts';
import { readSettings, type SettingsSource, unlessUnreadable } from '../settingsSource.ts';
import { joinPipConf, parsePipConf, pipArguments } from './pipConf.ts';
import { parseUvToml, type UvSettings, uvVariables } from './uvSettings.ts';

/** What decides which index is asked about an installed distribution. */
export interface PythonPackagePlace {
  readonly environment: string;
  /** What installed it, by its `INSTALLER` file or the tool's receipt. */
  readonly installer: 'pip' | 'uv' | 'other';
  /** It came from an address, a checkout or a folder (`direct_url.json`), not from an index. */
  readonly direct?: boolean;
  /** Working directory, whose `uv.toml` or `pyproject.toml` (or a parent's) counts for uv. */
  readonly project?: string;
  /** The arguments of pip when it was installed, where the installer recorded them (pipx). */
  readonly pipWords?: readonly string[];
  /** The text of the project's `Pipfile`: pipenv asks the sources in it and no other. */
  readonly pipfile?: string;
  /** A file of pipx or pipenv that may name an index and cannot be read. */
  readonly unreadable?: string;
}

/** At most so many indexes are asked about one package. */
const mostIndexes = 3;

/**
 * The indexes that pip or uv would ask about a distribution. Where a private index is configured beside the public one, it is unknown which of them has the package.
 * Only the private ones are asked then: the public one is never told the name of a package that may be private.
 */
export function pythonRoute(place: PythonPackagePlace, source: SettingsSource): IndexRoute {
  if (place.direct) {
    return { never: 'it was not installed from an index' };
  }
  if (place.unreadable !== undefined) {
    return { never: `${place.unreadable} cannot be read, and may name another index` };
  }
  if (place.installer === 'other') {
    return { never: 'what installed it is not known' };
  }
  return unlessUnreadable(() => (place.installer === 'uv' ? uvRoute(place, source) : pipRoute(place, source)));
}

interface Common {
  readonly proxy?: string;
  readonly cert?: string;
  readonly trustedHosts: readonly string[];
}

function routeTo(urls: readonly string[], common: Common, source: SettingsSource, remarks: readonly string[]): IndexRoute {
  const addresses = urls.map((url) => ({ url, address: indexAddress(url) }));
  const hidden = addresses.some(({ address }) => address === undefined);
  const targets: IndexTarget[] = addresses.flatMap(({ address }) => {
    if (!address) {
      return [];
    }
    const { base, authorization } = address;
    const unverified = common.trustedHosts.some((host) => host === base.hostname || host === base.host);
    const proxy = proxyFor(base, source.env, common.proxy === undefined ? {} : { http: common.proxy, https: common.proxy });
    return [
      {
        base,
        isPublic: isPublicIndex(base),
        ...(authorization === undefined || unverified ? {} : { authorization }),
        ...(proxy === undefined ? {} : { proxy }),
        ...(common.cert === undefined ? {} : { caFile: common.cert }),
        ...(unverified ? { unverified: true as const } : {}),
      },
    ];
  });
  const own = targets.filter((target) => !target.isPublic);
  // The package may be from an index that cannot be asked (a folder, a variable).
  const [first, ...rest] = own.length > 0 || hidden ? own : targets;
  if (!first) {
    return { never: hidden ? 'its index is a folder, or an address that cannot be read' : 'no index is configured' };
  }
  return { ask: [first, ...rest.slice(0, mostIndexes - 1)], remarks };
}

function pipRoute(place: PythonPackagePlace, source: SettingsSource): IndexRoute {
  const files = pipFiles(place.environment, source).flatMap((path) => readSettings(source, path, parsePipConf) ?? []);
  const words = pipArguments(place.pipWords ?? []);
  const conf = joinPipConf(source.env, files, words);
  const sources = place.pipfile === undefined ? undefined : pipfileSources(place.pipfile);
  if (conf.noIndex) {
    return { never: 'pip is configured to ask no index' };
  }
  const cert = conf.cert ?? source.env.REQUESTS_CA_BUNDLE ?? source.env.SSL_CERT_FILE;
  return routeTo(
    sources ?? [...conf.extraIndexUrls, ...(words.get('install.find-links')?.split(' ') ?? []), conf.indexUrl ?? publicPythonIndex],
    { trustedHosts: conf.trustedHosts, ...(conf.proxy ? { proxy: conf.proxy } : {}), ...(cert ? { cert } : {}) },
    source,
    [],
  );
}

/** Undefined when it names none. An empty address for a source that cannot be read or has a variable: it may be the one of the package. */
function pipfileSources(text: string): string[] | undefined {
  let sources: unknown;
  try {
    sources = parse(text).source;
  } catch {
    return [''];
  }
  if (!Array.isArray(sources) || sources.length === 0) {
    return undefined;
  }
  return sources.map((source: unknown) => {
    const url = typeof source === 'object' && source !== null && 'url' in source ? source.url : undefined;
    return typeof url === 'string' && !url.includes('$') ? url : '';
  });
}

/** From the weakest to the strongest: machine, user, environment, `PIP_CONFIG_FILE` (pip's documentation, "Configuration", "Location"). */
function pipFiles(environment: string, { platform, home, env }: SettingsSource): string[] {
  const { join } = platform === 'win32' ? win32 : posix;
  const named = env.PIP_CONFIG_FILE;
  if (named === '/dev/null' || named?.toLowerCase() === 'nul') {
    return [];
  }
  const own = named ? [named] : [];
  if (platform === 'win32') {
    const programs = env.ProgramData ?? 'C:\\ProgramData';
    const roaming = env.APPDATA ?? join(home, 'AppData', 'Roaming');
    return [
      join(programs, 'pip', 'pip.ini'),
      join(home, 'pip', 'pip.ini'),
      join(roaming, 'pip', 'pip.ini'),
      join(environment, 'pip.ini'),
      ...own,
    ];
  }
  const shared = (env.XDG_CONFIG_DIRS || '/etc/xdg').split(':').map((folder) => join(folder, 'pip', 'pip.conf'));
  const configHome = env.XDG_CONFIG_HOME || join(home, '.config');
  return [
    ...(platform === 'darwin' ? ['/Library/Application Support/pip/pip.conf'] : shared),
    '/etc/pip.conf',
    join(home, '.pip', 'pip.conf'),
    ...(platform === 'darwin' ? [join(home, 'Library', 'Application Support', 'pip', 'pip.conf')] : []),
    join(configHome, 'pip', 'pip.conf'),
    join(environment, 'pip.conf'),
    ...own,
  ];
}

function uvRoute(place: PythonPackagePlace, source: SettingsSource): IndexRoute {
  const { platform, home, env } = source;
  const { join, dirname } = platform === 'win32' ? win32 : posix;
  const userFolder =
    platform === 'win32' ? (env.APPDATA ?? join(home, 'AppData', 'Roaming')) : env.XDG_CONFIG_HOME || join(home, '.config');
  const projects: string[] = [];
  for (
    let folder = place.project;
    folder !== undefined && projects.length < 40;
    folder = dirname(folder) === folder ? undefined : dirname(folder)
  ) {
    projects.push(folder);
  }
  const fromFile = (path: string | undefined): UvSettings | undefined =>
    path === undefined ? undefined : readSettings(source, path, parseUvToml) || undefined;
  const project = projects
    .flatMap((folder) => [join(folder, 'uv.toml'), join(folder, 'pyproject.toml')])
    .map(fromFile)
    .find((settings) => settings !== undefined);
  const layers = [
    uvVariables(env),
    fromFile(env.UV_CONFIG_FILE || undefined),
    fromFile(join(place.environment, 'uv-receipt.toml')),
    project,
    fromFile(join(userFolder, 'uv', 'uv.toml')),
    fromFile(platform === 'win32' ? join(env.SYSTEMDRIVE ?? 'C:', 'ProgramData', 'uv', 'uv.toml') : '/etc/uv/uv.toml'),
  ].filter((layer) => layer !== undefined);
  if (layers.some((layer) => layer.offline)) {
    return { never: 'uv is configured to stay offline' };
  }
  const indexes = layers.flatMap((layer) => layer.indexes);
  const fallback = indexes.find((index) => index.isDefault)?.url ?? publicPythonIndex;
  const more = indexes.filter((index) => !index.isDefault && !index.explicit).map((index) => index.url);
  const cert = env.SSL_CERT_FILE;
  return routeTo(
    [...new Set([...more, fallback])],
    { trustedHosts: [], ...(cert ? { cert } : {}) },
    source,
    layers.some((layer) => layer.excludeNewer)
      ? ['uv is configured to refuse new versions for some time (exclude-newer): it may not install it yet']
      : [],
  );
}
