import { posix, win32 } from 'node:path';
import { parse } from 'smol-toml';
import { asRecord } from '../../base/json.ts';
import { notInScope, ofUser, type SettingOwner, type Trusts, targetInScope } from '../credentialScope.ts';
import { proxyFor } from '../httpProxy.ts';
import { type IndexRoute, type IndexTarget, indexAddress } from '../indexRoute.ts';
import { isPublicIndex, publicPythonIndex } from '../publicIndexes.ts';
import { readSettings, type SettingsSource, unlessUnreadable } from '../settingsSource.ts';
import { joinPipConf, parsePipConf, parseUvToml, pipArguments, type UvSettings, uvVariables } from './pythonSettings.ts';

/** The facts that decide which index is asked about an installed distribution. */
export interface PythonPackagePlace {
  readonly environment: string;
  /** The installer, by its `INSTALLER` file or the tool's receipt. */
  readonly installer: 'pip' | 'uv' | 'other';
  /** It came from an address, a checkout or a folder (`direct_url.json`), not from an index. */
  readonly direct?: boolean;
  /** Working directory, whose `uv.toml` or `pyproject.toml` (or a parent's) counts for uv. */
  readonly project?: string;
  /** The arguments of pip when it was installed, where the installer recorded them (pipx). */
  readonly pipWords?: readonly string[];
  /** The text of the project's `Pipfile`: pipenv asks the sources in it and no other. */
  readonly pipfile?: string;
  /** The folder of that `Pipfile`. */
  readonly pipProject?: string;
  /** A file of pipx or pipenv that may name an index and cannot be read. */
  readonly unreadable?: string;
}

/** Maximum number of indexes that are asked about one package. */
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

interface OwnedUrl {
  readonly owner: SettingOwner;
  readonly url: string;
}

/** @param commonOf the settings of those owners that count */
function routeTo(
  urls: readonly OwnedUrl[],
  commonOf: (trusts: Trusts) => Common,
  source: SettingsSource,
  remarks: readonly string[],
): IndexRoute {
  const targets: IndexTarget[] = [];
  let hidden = false;
  let outOfScope = false;
  for (const { url, owner } of urls) {
    const address = indexAddress(url);
    if (!address) {
      hidden = true;
      continue;
    }
    const { base, authorization } = address;
    // The credentials stand in the address itself, with its protocol.
    const credential = authorization === undefined ? undefined : { authorization, owner, namesHttp: true };
    const target = targetInScope(base, isPublicIndex(base), credential, (trusts) => {
      const common = commonOf(trusts);
      const proxy = proxyFor(base, source.env, common.proxy === undefined ? {} : { http: common.proxy, https: common.proxy });
      return {
        ...(proxy === undefined ? {} : { proxy }),
        ...(common.cert === undefined ? {} : { caFile: common.cert }),
        ...(common.trustedHosts.some((host) => host === base.hostname || host === base.host) ? { unverified: true } : {}),
      };
    });
    if (target) {
      targets.push(target);
    } else {
      outOfScope = true;
    }
  }
  if (outOfScope) {
    return { never: notInScope };
  }
  const own = targets.filter((target) => !target.isPublic);
  // The package may be from an index that cannot be asked (a folder, a variable).
  const [first, ...rest] = own.length > 0 || hidden ? own : targets;
  if (!first) {
    return { never: hidden ? 'its index is a folder, or an address that cannot be read' : 'no index is configured' };
  }
  return { ask: [first, ...rest.slice(0, mostIndexes - 1)], remarks };
}

function pipRoute(place: PythonPackagePlace, source: SettingsSource): IndexRoute {
  const { join } = source.platform === 'win32' ? win32 : posix;
  const files = pipFiles(place.environment, source).flatMap(({ path, owner }) => {
    const values = readSettings(source, path, parsePipConf);
    return values === undefined ? [] : [{ owner, values }];
  });
  const recorded = { owner: join(place.environment, 'pipx_metadata.json'), values: pipArguments(place.pipWords ?? []) };
  const confOf = (trusts: Trusts) =>
    joinPipConf(
      source.env,
      files.filter(({ owner }) => trusts(owner)).map(({ values }) => values),
      trusts(recorded.owner) ? recorded.values : new Map(),
    );
  const conf = confOf(() => true);
  if (conf.noIndex) {
    return { never: 'pip is configured to ask no index' };
  }
  const urlsOf = ({ extraIndexUrls, indexUrl }: ReturnType<typeof joinPipConf>): string[] => [
    ...extraIndexUrls,
    ...(indexUrl === undefined ? [] : [indexUrl]),
  ];
  const owners = [ofUser, ...files.map(({ owner }) => owner), recorded.owner];
  // A setting that wins over all others also wins among its owner's settings.
  const ownerOf = (url: string): SettingOwner =>
    owners.find((owner) => urlsOf(confOf((other) => other === owner)).includes(url)) ?? recorded.owner;
  const sources = place.pipfile === undefined ? undefined : pipfileSources(place.pipfile);
  const urls = [
    ...conf.extraIndexUrls,
    ...(recorded.values.get('install.find-links')?.split(' ') ?? []),
    conf.indexUrl ?? publicPythonIndex,
  ];
  return routeTo(
    sources?.map((url) => ({ url, owner: 'Pipfile' })) ?? urls.map((url) => ({ url, owner: ownerOf(url) })),
    (trusts) => {
      const { proxy, cert = source.env.REQUESTS_CA_BUNDLE ?? source.env.SSL_CERT_FILE, trustedHosts } = confOf(trusts);
      return { trustedHosts, ...(proxy ? { proxy } : {}), ...(cert ? { cert } : {}) };
    },
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
    const url = asRecord(source)?.url;
    return typeof url === 'string' && !url.includes('$') ? url : '';
  });
}

interface PipFile {
  readonly owner: SettingOwner;
  readonly path: string;
}

/** From the weakest to the strongest: machine, user, environment, `PIP_CONFIG_FILE` (pip's documentation, "Configuration", "Location"). */
function pipFiles(environment: string, { platform, home, env }: SettingsSource): PipFile[] {
  const { join } = platform === 'win32' ? win32 : posix;
  const named = env.PIP_CONFIG_FILE;
  if (named === '/dev/null' || named?.toLowerCase() === 'nul') {
    return [];
  }
  const users = (...paths: string[]): PipFile[] => paths.map((path) => ({ path, owner: ofUser }));
  const ofEnvironment = (name: string): PipFile => ({ path: join(environment, name), owner: join(environment, name) });
  const own = named ? users(named) : [];
  if (platform === 'win32') {
    const programs = env.ProgramData ?? 'C:\\ProgramData';
    const roaming = env.APPDATA ?? join(home, 'AppData', 'Roaming');
    return [
      ...users(join(programs, 'pip', 'pip.ini'), join(home, 'pip', 'pip.ini'), join(roaming, 'pip', 'pip.ini')),
      ofEnvironment('pip.ini'),
      ...own,
    ];
  }
  const shared = (env.XDG_CONFIG_DIRS || '/etc/xdg').split(':').map((folder) => join(folder, 'pip', 'pip.conf'));
  const configHome = env.XDG_CONFIG_HOME || join(home, '.config');
  return [
    ...users(
      ...(platform === 'darwin' ? ['/Library/Application Support/pip/pip.conf'] : shared),
      '/etc/pip.conf',
      join(home, '.pip', 'pip.conf'),
      ...(platform === 'darwin' ? [join(home, 'Library', 'Application Support', 'pip', 'pip.conf')] : []),
      join(configHome, 'pip', 'pip.conf'),
    ),
    ofEnvironment('pip.conf'),
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
  // Of proxies and certificates, uv's files are not read: only variables of the user lead there.
  const common: Common = { trustedHosts: [], ...(env.SSL_CERT_FILE ? { cert: env.SSL_CERT_FILE } : {}) };
  return routeTo(
    [...new Set([...more, fallback])].map((url) => ({ url, owner: ofUser })),
    () => common,
    source,
    layers.some((layer) => layer.excludeNewer)
      ? ['uv is configured to refuse new versions for some time (exclude-newer): it may not install it yet']
      : [],
  );
}
