import { posix, win32 } from 'node:path';
import { notInScope, ofUser, type Passage, type SettingOwner, type Trusts, targetInScope } from '../credentialScope.ts';
import { type ProxySettings, proxyFor } from '../httpProxy.ts';
import { basic, type IndexRoute, indexAddress } from '../indexRoute.ts';
import { isPublicAddress, isPublicIndex, publicNpmRegistry } from '../publicIndexes.ts';
import { readSettings, type SettingsSource, unlessUnreadable } from '../settingsSource.ts';
import { namedElsewhere } from './namedElsewhere.ts';
import { hasVariables, type NpmrcEntries, npmVariables, parseNpmrc, withVariables } from './npmrc.ts';

/** The facts that decide which registry is asked about an installed npm package. */
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
  const find = (key: string): Owned | undefined =>
    layers.map(({ owner, entries }) => ({ owner, value: entries.get(key) })).find((one): one is Owned => isSet(one.value));
  const get = (key: string): string | undefined => find(key)?.value;
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
  const written = (scope === undefined ? undefined : find(`${scope}:registry`)) ??
    find('registry') ?? { owner: ofUser, value: publicNpmRegistry };
  const address = hasVariables(written.value) ? undefined : indexAddress(written.value);
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
  const inAddress = address.authorization === undefined ? undefined : { authorization: address.authorization, owner: written.owner };
  const credential = inAddress ?? npmAuthorization(base, find);
  const target = targetInScope(
    base,
    isPublicIndex(base),
    credential && { ...credential, namesHttp: namesHttp(base.host, layers, credential.owner) },
    (trusts) => passageOf(base, layers, trusts, source),
  );
  if (!target) {
    return { never: notInScope };
  }
  const age = get('min-release-age') ?? get('before');
  return {
    ask: [target],
    remarks:
      age === undefined
        ? []
        : ['npm is configured to refuse new versions for some time (min-release-age, before): it may not install it yet'],
  };
}

interface Owned {
  readonly owner: SettingOwner;
  readonly value: string;
}

interface Layer {
  readonly owner: SettingOwner;
  readonly entries: NpmrcEntries;
}

/** Settings in npm's order, the strongest first. Values of a file that is not the user's are not expanded with the environment. */
function npmLayers(place: NpmPackagePlace, source: SettingsSource): Layer[] {
  const { platform, home, env } = source;
  const { join } = platform === 'win32' ? win32 : posix;
  const expanded = (entries: NpmrcEntries, owner: SettingOwner): Layer => ({
    owner,
    entries: new Map([...entries].map(([key, value]) => [withVariables(key, env), owner === ofUser ? withVariables(value, env) : value])),
  });
  const fromEnv = expanded(npmVariables(env), ofUser);
  const user = fromEnv.entries.get('userconfig') ?? join(home, '.npmrc');
  const project = place.project === undefined ? undefined : join(place.project, '.npmrc');
  const prefix = fromEnv.entries.get('prefix');
  const globalOf = (one: string): string => join(one, 'etc', 'npmrc');
  const ofMachine = [fromEnv.entries.get('globalconfig'), ...[prefix, ...(source.prefixes ?? [])].map((one) => one && globalOf(one))];
  const machine = [
    fromEnv.entries.get('globalconfig'),
    ...(prefix === undefined ? [] : [globalOf(prefix)]),
    ...place.prefixes.map(globalOf),
  ];
  const file = (path: string | undefined, owner = path): Layer[] => {
    const entries = path === undefined ? undefined : readSettings(source, path, parseNpmrc);
    return entries === undefined || owner === undefined ? [] : [expanded(entries, owner)];
  };
  return [
    fromEnv,
    // npm reads a file once: the file of the user is not also one of the project.
    ...(project === user ? [] : file(project)),
    ...file(user, ofUser),
    // A server may bring its own Node installation along.
    ...machine.flatMap((path) => file(path, ofMachine.includes(path) ? ofUser : path)).slice(0, 1),
  ];
}

/** npm reads these as no value. */
function isSet(value: string | undefined): value is string {
  return value !== undefined && !['', 'null', 'undefined'].includes(value);
}

interface Authorization {
  readonly authorization: string;
  readonly owner: SettingOwner;
}

/** npm keeps credentials by address (`//host/path/:_authToken`); the longest path that fits counts. */
function npmAuthorization(base: URL, find: (key: string) => Owned | undefined): Authorization | undefined {
  const parts = base.pathname.split('/').filter((part) => part !== '');
  for (let length = parts.length; length >= 0; length -= 1) {
    const path = [base.host, ...parts.slice(0, length)].join('/');
    for (const key of [`//${path}/`, `//${path}`]) {
      const found = credentials((name) => {
        const one = find(`${key}:${name}`);
        return one === undefined || hasVariables(one.value) ? undefined : one;
      });
      if (found !== undefined) {
        return found;
      }
    }
  }
  return undefined;
}

function credentials(find: (name: string) => Owned | undefined): Authorization | undefined {
  const token = find('_authToken');
  if (token !== undefined) {
    return { authorization: `Bearer ${token.value}`, owner: token.owner };
  }
  const both = find('_auth');
  if (both !== undefined) {
    return { authorization: `Basic ${both.value}`, owner: both.owner };
  }
  const [user, password] = [find('username'), find('_password')];
  return user === undefined || password === undefined
    ? undefined
    : {
        authorization: basic(user.value, Buffer.from(password.value, 'base64').toString('utf8')),
        // From two files: only what the user has set counts for both.
        owner: user.owner === password.owner ? user.owner : ofUser,
      };
}

/** Whether the settings of an owner have a registry on this host with plain http. */
function namesHttp(host: string, layers: readonly Layer[], owner: SettingOwner): boolean {
  return layers.some(
    (layer) =>
      layer.owner === owner &&
      [...layer.entries].some(([key, value]) => {
        const named = /^(@[^:]+:)?registry$/.test(key) ? indexAddress(value)?.base : undefined;
        return named?.protocol === 'http:' && named.host === host;
      }),
  );
}

function passageOf(base: URL, layers: readonly Layer[], trusts: Trusts, { env }: SettingsSource): Passage {
  const counted = layers.filter(({ owner }) => trusts(owner));
  const get = (key: string): string | undefined => counted.map(({ entries }) => entries.get(key)).find(isSet);
  const caFile = get('cafile');
  const proxy = proxyFor(base, env, proxySettings(get));
  return {
    ...(proxy === undefined ? {} : { proxy }),
    ...(caFile === undefined ? {} : { caFile }),
    ...(get('strict-ssl') === 'false' ? { unverified: true } : {}),
  };
}

function proxySettings(get: (key: string) => string | undefined): ProxySettings {
  const [http, https, none] = [get('proxy') ?? get('http-proxy'), get('https-proxy'), get('noproxy')];
  return {
    ...(http === undefined ? {} : { http }),
    ...(https === undefined ? {} : { https }),
    ...(none === undefined ? {} : { none: none.replaceAll('\n', ',') }),
  };
}
