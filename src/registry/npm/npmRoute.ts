import { posix, win32 } from 'node:path';
import { type ProxySettings, proxyFor } from '../httpProxy.ts';
import { basic, type IndexRoute, indexAddress } from '../indexRoute.ts';
import { isPublicAddress, isPublicIndex, publicNpmRegistry } from '../publicIndexes.ts';
import { readSettings, type SettingsSource, unlessUnreadable } from '../settingsSource.ts';
import { hasVariables, type NpmrcEntries, npmVariables, parseNpmrc, withVariables } from './npmrc.ts';
import { namedElsewhere } from './yarnPnpmBunSettings.ts';

/** What decides which registry is asked about an installed npm package. */
export interface NpmPackagePlace {
  readonly name: string;
  /** The project whose `.npmrc` counts; undefined for global installs, where npm reads none. */
  readonly project?: string;
  /** Folder whose `node_modules` it is in, where yarn, pnpm and bun have their settings; undefined for global installs. */
  readonly modules?: string;
  /** Prefixes of the Node installations whose npm may have installed it: each has a global `npmrc`. */
  readonly prefixes: readonly string[];
  /** Its own `package.json` says `private`. */
  readonly isPrivate?: boolean;
  /** `publishConfig.registry` of its own `package.json`. */
  readonly publishedTo?: string;
  /** The address in the lock file. */
  readonly resolved?: string;
  /** A lock file that may have an address and cannot be read. */
  readonly unreadable?: string;
}

/**
 * The registry that npm would ask about a package, by `npm_config_*` and the `.npmrc` of project, user and machine (npm's documentation, "npmrc", "config",
 * "scope"). Packages of a scope with its own registry are asked for only there. Where any file says that a package is not from the public registry, the public
 * registry is never told its name.
 */
export function npmRoute(place: NpmPackagePlace, source: SettingsSource): IndexRoute {
  return unlessUnreadable(() => routeOf(place, source));
}

/** @throws UnreadableSettings */
function routeOf(place: NpmPackagePlace, source: SettingsSource): IndexRoute {
  const layers = npmLayers(place, source);
  const get = (key: string): string | undefined => layers.map((entries) => entries.get(key)).find(isSet);
  if (get('offline') === 'true') {
    return { never: 'npm is configured to stay offline' };
  }
  if (place.isPrivate) {
    return { never: 'the package says that it is private' };
  }
  if (place.resolved !== undefined && !/^https?:/i.test(place.resolved)) {
    return { never: 'it was not installed from a registry' };
  }
  const scope = place.name.startsWith('@') ? place.name.slice(0, place.name.indexOf('/')) : undefined;
  const written = (scope && get(`${scope}:registry`)) ?? get('registry') ?? publicNpmRegistry;
  const address = hasVariables(written) ? undefined : indexAddress(written);
  if (!address) {
    return { never: 'the address of its registry cannot be read from the configuration' };
  }
  const { base } = address;
  if (isPublicIndex(base)) {
    if ([place.publishedTo, place.resolved].some((other) => other !== undefined && !isPublicAddress(other))) {
      return { never: 'it did not come from the configured registry' };
    }
    if (place.unreadable !== undefined) {
      return { never: `${place.unreadable} cannot be read, and may name another source` };
    }
    if (namedElsewhere(place.name, place.modules, source)) {
      return { never: 'the settings of yarn, pnpm or bun name another registry' };
    }
  }
  const unverified = get('strict-ssl') === 'false';
  const authorization = unverified ? undefined : (address.authorization ?? npmAuthorization(base, get));
  const caFile = get('cafile');
  const proxy = proxyFor(base, source.env, proxySettings(get));
  const age = get('min-release-age') ?? get('before');
  return {
    ask: [
      {
        base,
        isPublic: isPublicIndex(base),
        ...(authorization === undefined ? {} : { authorization }),
        ...(proxy === undefined ? {} : { proxy }),
        ...(caFile === undefined ? {} : { caFile }),
        ...(unverified ? { unverified } : {}),
      },
    ],
    remarks:
      age === undefined
        ? []
        : ['npm is configured to refuse new versions for some time (min-release-age, before): it may not install it yet'],
  };
}

/** Settings in npm's order, the strongest first. Those of a project come with its code: their values are not expanded with the environment. */
function npmLayers(place: NpmPackagePlace, source: SettingsSource): NpmrcEntries[] {
  const { platform, home, env } = source;
  const { join } = platform === 'win32' ? win32 : posix;
  const expanded = (entries: NpmrcEntries, ofProject = false): NpmrcEntries =>
    new Map([...entries].map(([key, value]) => [withVariables(key, env), ofProject ? value : withVariables(value, env)]));
  const fromEnv = expanded(npmVariables(env));
  const user = fromEnv.get('userconfig') ?? join(home, '.npmrc');
  const project = place.project === undefined ? undefined : join(place.project, '.npmrc');
  const prefix = fromEnv.get('prefix');
  const prefixes = [...(prefix === undefined ? [] : [prefix]), ...place.prefixes];
  const machine = [fromEnv.get('globalconfig'), ...prefixes.map((one) => join(one, 'etc', 'npmrc'))];
  const file = (path: string | undefined, ofProject = false): NpmrcEntries[] => {
    const entries = path === undefined ? undefined : readSettings(source, path, parseNpmrc);
    return entries === undefined ? [] : [expanded(entries, ofProject)];
  };
  return [
    fromEnv,
    // npm reads a file once: the file of the user is not also one of the project.
    ...(project === user ? [] : file(project, true)),
    ...file(user),
    ...machine.flatMap((path) => file(path)).slice(0, 1),
  ];
}

/** npm reads these as no value. */
function isSet(value: string | undefined): value is string {
  return value !== undefined && !['', 'null', 'undefined'].includes(value);
}

/** npm keeps credentials by address (`//host/path/:_authToken`); the longest path that fits counts. */
function npmAuthorization(base: URL, get: (key: string) => string | undefined): string | undefined {
  const parts = base.pathname.split('/').filter((part) => part !== '');
  for (let length = parts.length; length >= 0; length -= 1) {
    const path = [base.host, ...parts.slice(0, length)].join('/');
    for (const key of [`//${path}/`, `//${path}`]) {
      const found = credentials((name) => {
        const value = get(`${key}:${name}`);
        return value === undefined || hasVariables(value) ? undefined : value;
      });
      if (found !== undefined) {
        return found;
      }
    }
  }
  return undefined;
}

function credentials(get: (name: string) => string | undefined): string | undefined {
  const token = get('_authToken');
  if (token !== undefined) {
    return `Bearer ${token}`;
  }
  const both = get('_auth');
  if (both !== undefined) {
    return `Basic ${both}`;
  }
  const user = get('username');
  const password = get('_password');
  return user === undefined || password === undefined ? undefined : basic(user, Buffer.from(password, 'base64').toString('utf8'));
}

function proxySettings(get: (key: string) => string | undefined): ProxySettings {
  const [http, https, none] = [get('proxy') ?? get('http-proxy'), get('https-proxy'), get('noproxy')];
  return {
    ...(http === undefined ? {} : { http }),
    ...(https === undefined ? {} : { https }),
    ...(none === undefined ? {} : { none: none.replaceAll('\n', ',') }),
  };
}
