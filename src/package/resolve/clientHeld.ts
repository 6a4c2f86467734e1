import { readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isRecord } from '../../base/json.ts';
import { readBounded, statPath } from '../../storage/boundedFile.ts';
import { compareVersions } from '../../version/compareVersions.ts';
import { activatedTool } from './activatedTool.ts';
import { followLinks, newestChange, type SearchPlace } from './commandPath.ts';
import { upwards } from './versionManagers.ts';

/** Code that a client brought into a folder with a version in its name: an extension of VS Code, a plugin of Claude Code. */
interface ClientBundle {
  readonly kind: 'extension' | 'plugin';
  /** An extension has the name of its package: its id without the publisher. */
  readonly name: string;
  readonly version: string;
  /** The versioned folder. */
  readonly place: string;
  /** The path below that folder. */
  readonly rest: string;
}

interface BundleFolder extends ClientBundle {
  /** The folder in which the client keeps its list. */
  readonly root: string;
  /** Key of the bundle in the list, in lower case. */
  readonly key: string;
}

/**
 * The bundle that a path belongs to, by the path alone. VS Code: `extensions/PUBLISHER.NAME-VERSION[-PLATFORM]/…`; Claude Code:
 * `plugins/cache/MARKETPLACE/PLUGIN/VERSION/…`. Undefined for every other path.
 */
export function clientBundle(path: string): ClientBundle | undefined {
  return bundleFolder(path);
}

function bundleFolder(path: string): BundleFolder | undefined {
  const extension = /^((.*[\\/]extensions)[\\/](([\w-]+)\.([\w-]+?)-(\d+\.\d+\.[\w.+-]+)))[\\/](.+)$/.exec(path);
  if (extension) {
    const [, place = '', root = '', , publisher = '', name = '', version = '', rest = ''] = extension;
    const key = `${publisher}.${name}`.toLowerCase();
    return {
      kind: 'extension',
      name,
      version: version.replace(/-(linux|darwin|win32|alpine|web|universal)(-\w+)?$/, ''),
      place,
      rest,
      root,
      key,
    };
  }
  const plugin = /^((.*[\\/]plugins)[\\/]cache[\\/]([^\\/]+)[\\/]([^\\/]+)[\\/]([^\\/]+))[\\/](.+)$/.exec(path);
  if (plugin) {
    const [, place = '', root = '', market = '', name = '', version = '', rest = ''] = plugin;
    return { kind: 'plugin', name, version, place, rest, root, key: `${name}@${market}`.toLowerCase() };
  }
  return undefined;
}

/**
 * The installation that replaced a bundle: an update writes another folder beside the old one and names it in the client's list. Undefined for a path in no bundle,
 * while the list still names its folder, and when the list cannot be read or names several others. Unknown where another profile of VS Code still has the old one.
 * @param cwd of the server: what a plugin has for another project does not count
 * @param visited gets the lists
 */
export function replacedBundle(
  path: string,
  cwd: string | undefined,
  visited: Set<string>,
): { readonly old: ClientBundle; readonly now: ClientBundle } | { readonly unknown: string } | undefined {
  const old = bundleFolder(path);
  if (old === undefined) {
    return undefined;
  }
  const list = join(old.root, old.kind === 'extension' ? 'extensions.json' : 'installed_plugins.json');
  const read = readBounded(list);
  if (read.status !== 'ok') {
    return undefined;
  }
  visited.add(list);
  const installed = old.kind === 'extension' ? installedExtensions(read.text, old.root) : installedPlugins(read.text, old.root, cwd);
  const places = new Set(installed.filter(({ key }) => key === old.key).map(({ place }) => place));
  const [place] = places;
  const now = place === undefined || places.has(old.place) || places.size !== 1 ? undefined : bundleFolder(join(place, old.rest));
  if (now?.key !== old.key) {
    return undefined;
  }
  const profile = old.kind === 'extension' ? profileWith(old, visited) : undefined;
  return profile === undefined
    ? { old, now }
    : { unknown: `${profile} names the version that it runs: which profile its window has is not known` };
}

/** The list of a profile, beside that of the default profile, that has the folder of an extension. */
function profileWith({ root, place }: BundleFolder, visited: Set<string>): string | undefined {
  const home = dirname(dirname(root));
  const products = ['.config', 'Library/Application Support', 'AppData/Roaming'].flatMap((folder) =>
    entriesOf(join(home, folder)).map((product) => join(home, folder, product)),
  );
  const lists = [...products, join(dirname(root), 'data')].flatMap((product) => {
    const profiles = join(product, 'User', 'profiles');
    return entriesOf(profiles).map((profile) => join(profiles, profile, 'extensions.json'));
  });
  return lists.find((list) => {
    const read = readBounded(list);
    if (read.status === 'ok') {
      visited.add(list);
    }
    return read.status === 'ok' && installedExtensions(read.text, root).some((one) => one.place === place);
  });
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder).slice(0, mostEntries);
  } catch {
    return [];
  }
}

/** Of a folder of settings, so many entries are looked at. */
const mostEntries = 500;

interface Installed {
  readonly key: string;
  readonly place: string;
}

function installedExtensions(text: string, root: string): Installed[] {
  const list = parsed(text);
  return (Array.isArray(list) ? list : []).flatMap((one: unknown) => {
    const id = isRecord(one) && isRecord(one.identifier) ? one.identifier.id : undefined;
    const place = isRecord(one) ? one.relativeLocation : undefined;
    return typeof id === 'string' && typeof place === 'string' && /^[\w.+-]+$/.test(place)
      ? [{ key: id.toLowerCase(), place: join(root, place) }]
      : [];
  });
}

/** Written by Claude Code 2.1: a list of installations (user, project, local) for each plugin; earlier versions wrote one installation. */
function installedPlugins(text: string, root: string, cwd: string | undefined): Installed[] {
  const json = parsed(text);
  const plugins = isRecord(json) && isRecord(json.plugins) ? Object.entries(json.plugins) : [];
  const cache = join(root, 'cache');
  return plugins.flatMap(([key, one]) =>
    (Array.isArray(one) ? one : [one]).flatMap((entry: unknown) => {
      const { installPath: place, projectPath } = isRecord(entry) ? entry : {};
      const isElsewhere = typeof projectPath === 'string' && cwd !== undefined && !`${cwd}/`.startsWith(`${projectPath}/`);
      return !isElsewhere && typeof place === 'string' && resolve(place) === place && place.startsWith(cache)
        ? [{ key: key.toLowerCase(), place }]
        : [];
    }),
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The environment that a new session of the client gets, where a default of nvm or fnm, or a file that mise follows, was changed after the client started: the client keeps
 * the PATH of its start, which names the old version. Undefined while both are the same, and for every other PATH.
 * nvm: `alias/default` (nvm.sh, `nvm_resolve_alias`). fnm: `aliases/default`, or, where something else than the default chose the version that is used, the nearest
 * `.node-version` or `.nvmrc`.
 * @param startedAt when the client took its environment, epoch ms
 * @param visited gets the files that decide
 */
export function environmentNow(place: SearchPlace, startedAt: number, visited: Set<string>): ReadonlyMap<string, string> | undefined {
  const { environment } = place;
  const folders = environment?.get('PATH')?.split(':');
  if (environment === undefined || folders === undefined || place.platform === 'win32') {
    return undefined;
  }
  const next = folders.map((folder) => {
    const chosen = [nvmChoice, fnmChoice, activatedTool].flatMap((choice) => choice(folder, place, startedAt, visited) ?? [])[0];
    return chosen?.bin !== undefined && chosen.isNew ? chosen.bin : folder;
  });
  const path = next.join(':');
  return path === folders.join(':') ? undefined : new Map([...environment, ['PATH', path]]);
}

/** Folders on PATH that a version manager chose. */
const chosenFolder = /[\\/]\.?(pyenv|rbenv|nodenv|asdf|mise)[^\\/]*[\\/]([\d.]+[\\/])?(versions|installs|libexec|plugins)([\\/]|$)/;
const shimFolder = /[\\/]\.?(pyenv|rbenv|nodenv|asdf|mise)[^\\/]*[\\/]shims[\\/]?$/;

/**
 * The environment that a client gave a process, where a shim became that process and changed it: pyenv, nodenv, rbenv, asdf, mise and snap put the folders of the chosen
 * version on PATH, and the first three write the version into a variable. The same object where no shim did, undefined where the client's own choice is not known.
 * @param client environment of the process that started it
 * @param entry variables of its entry
 */
export function environmentBeforeShims(
  environment: ReadonlyMap<string, string>,
  client: ReadonlyMap<string, string> | undefined,
  entry: Readonly<Record<string, string | null>>,
): ReadonlyMap<string, string> | undefined {
  const tools = ['PYENV', 'RBENV', 'NODENV'].filter((tool) => environment.has(`${tool}_HOOK_PATH`) && !client?.has(`${tool}_HOOK_PATH`));
  const folders = environment.get('PATH')?.split(':') ?? [];
  const snap = environment.get('SNAP');
  const bySnap = snap !== undefined && client?.get('SNAP') !== snap;
  // `mise activate` changes the PATH of the shell in which the client was started.
  const byShim = tools.length > 0 || bySnap || (folders.some((one) => shimFolder.test(one)) && !environment.has('MISE_SHELL'));
  const given = 'PATH' in entry ? entry.PATH : client?.get('PATH');
  const before = given?.split(':') ?? [];
  const isChosen = (one: string): boolean => chosenFolder.test(one) || (bySnap && one.startsWith(`${snap}/`));
  const kept = folders.filter((one) => !isChosen(one) || before.includes(one));
  if (!byShim || (tools.length === 0 && kept.length === folders.length)) {
    return environment;
  }
  // mise leaves out a folder that is there twice.
  if (given == null || onceEach(kept) !== onceEach(before)) {
    return undefined;
  }
  const restored = new Map([...environment, ['PATH', given]]);
  for (const tool of tools) {
    const name = `${tool}_VERSION`;
    const version = name in entry ? entry[name] : client?.get(name);
    restored.delete(name);
    if (version != null) {
      restored.set(name, version);
    }
  }
  return restored;
}

function onceEach(folders: readonly string[]): string {
  return [...new Set(folders)].join(':');
}

/** The settings that decide which Node a new session uses, and that Node's folder of programs, when it is installed. */
interface NodeChoice {
  /** The choice changed after the client started. */
  readonly isNew: boolean;
  readonly bin: string | undefined;
}

/** The default may name a range (`22`, `lts/*`): then a version that was installed later is chosen without a change of the default itself. */
function nvmChoice(folder: string, { searched }: SearchPlace, startedAt: number, visited: Set<string>): NodeChoice | undefined {
  const [, root, own] = /^(\/.*)\/versions\/node\/(v[\d.]+)\/bin\/?$/.exec(folder) ?? [];
  if (root === undefined) {
    return undefined;
  }
  searched?.add('alias/default');
  const aliases = join(root, 'alias');
  const decidedBy = join(aliases, 'default');
  if (statPath(decidedBy).status !== 'ok') {
    return undefined;
  }
  const versions = join(root, 'versions', 'node');
  visited.add(decidedBy).add(versions);
  const isYoung = (version: string): boolean => newestChange([join(versions, version)]) > startedAt;
  const version = nodeVersion('default', aliases, versions);
  const before = nodeVersion('default', aliases, versions, (one) => !isYoung(one));
  return {
    isNew: newestChange([decidedBy]) > startedAt || (version !== undefined && isYoung(version) && (before ?? own) === own),
    bin: version === undefined ? undefined : join(versions, version, 'bin'),
  };
}

/** fnm gives each shell a link of its own; its target is the version that the shell uses. */
function fnmChoice(
  folder: string,
  { cwd, environment, searched }: SearchPlace,
  startedAt: number,
  visited: Set<string>,
): NodeChoice | undefined {
  const shell = /^(\/.*\/fnm_multishells\/[^/]+)\/bin\/?$/.exec(folder)?.[1];
  const used = shell === undefined ? undefined : followLinks(shell, new Set());
  const [, root, version = ''] = /^(\/.*)\/node-versions\/(v[\d.]+)\/installation$/.exec(used ?? '') ?? [];
  if (root === undefined) {
    return undefined;
  }
  searched?.add('.node-version');
  const versions = join(root, 'node-versions');
  const alias = join(root, 'aliases', 'default');
  const usual = followLinks(alias, new Set());
  const recursive = environment?.get('FNM_VERSION_FILE_STRATEGY') === 'recursive';
  const near = cwd === undefined ? [] : recursive ? upwards(cwd) : [cwd];
  const file = near.flatMap((at) => [join(at, '.node-version'), join(at, '.nvmrc')]).find((path) => statPath(path).status === 'ok');
  if (file !== undefined) {
    visited.add(file);
    const read = readBounded(file, 4096);
    const wanted = read.status === 'ok' ? nodeVersion(read.text.trim(), join(root, 'aliases'), versions) : undefined;
    // The version of the default says that the shell does not follow these files.
    return used === usual
      ? undefined
      : { isNew: newestChange([file]) > startedAt, bin: inFnm(versions, wanted === version ? undefined : wanted) };
  }
  visited.add(alias);
  return { isNew: newestChange([alias]) > startedAt, bin: usual === used || usual === undefined ? undefined : join(usual, 'bin') };
}

function inFnm(versions: string, version: string | undefined): string | undefined {
  return version === undefined ? undefined : join(versions, version, 'installation', 'bin');
}

/** Most aliases that lead to each other. */
const mostAliases = 8;

/** The installed version that a name or a prefix means: aliases first, then the newest that fits. @param counts which versions are looked at @returns with the `v`; undefined when none is installed */
function nodeVersion(name: string, aliases: string, versions: string, counts = (_: string): boolean => true): string | undefined {
  let wanted = name;
  for (let depth = 0; depth < mostAliases; depth += 1) {
    const alias = /^[\w./*-]+$/.test(wanted) && !wanted.includes('..') ? readBounded(join(aliases, wanted), 4096) : undefined;
    if (alias?.status !== 'ok') {
      break;
    }
    wanted = alias.text.trim();
  }
  const prefix = wanted === 'node' || wanted === 'stable' ? '' : wanted.replace(/^v/, '');
  if (wanted === '' || !/^(\d+(\.\d+)*)?$/.test(prefix)) {
    return undefined;
  }
  try {
    return readdirSync(versions)
      .filter((one) => /^v\d+\.\d+\.\d+$/.test(one) && (prefix === '' || `${one}.`.startsWith(`v${prefix}.`)) && counts(one))
      .sort((a, b) => Number(compareVersions('npm', b.slice(1), a.slice(1))))[0];
  } catch {
    return undefined;
  }
}
