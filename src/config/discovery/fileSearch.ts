import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, normalize, parse, resolve, sep } from 'node:path';
import type { ClientRow, ConfigFiles } from '../../clients/clientDescription.ts';
import { applicationData, configHome, type Places } from '../../clients/clientPaths.ts';
import { clientTable, familyAt, isVscode } from '../../clients/clientTable.ts';
import { defaultEditor } from '../../clients/vscodeClients.ts';
import type { ClientId } from '../../model/definition.ts';
import type { InstalledPlugin } from '../formats/serverFile.ts';
import { namesIn, withParents } from './projectFolders.ts';

/** Maximum number of files that one path with `*` stands for. */
const maxFound = 200;

/** One file to read, or several alternatives, of which the first existing one counts. */
export interface FileSearch {
  readonly paths: readonly string[];
  readonly files: ConfigFiles;
  /** The client that reads it, and the one whose file it is. */
  readonly reader: ClientId;
  readonly owner: ClientId;
  /** The project folder it belongs to. */
  readonly folder?: string;
  /** The folder of the plugin that it belongs to. */
  readonly plugin?: string;
  /** The user has switched that plugin off. */
  readonly off?: boolean;
}

/** What is looked for in one part of the machine. */
export interface SearchPlan {
  /** The files to read. */
  readonly searches: readonly FileSearch[];
  /** The directories whose entries decide about them. */
  readonly directories: readonly string[];
}

/** What is looked for in project folders. */
interface ProjectPlan extends SearchPlan {
  /** The other paths, where no file was, each with the client whose file it would be: thousands, which take longer to name than to rule out. */
  readonly absent: () => ReadonlyMap<string, ClientId>;
}

interface UserDir {
  readonly path: string;
  readonly owner: ClientId;
  /** Ids of the editors that may use it. */
  readonly readers: readonly ClientId[];
}

/** `User` directories of VS Code, of the editors made from it, and those that the caller adds. */
export function userDirsOf(places: Places, extra: readonly string[]): UserDir[] {
  const dirs = new Map<string, UserDir>();
  for (const row of clientTable) {
    for (const path of row.userDirs?.(places) ?? []) {
      dirs.set(resolve(path), { path: resolve(path), owner: row.id, readers: [row.id] });
    }
  }
  const builds = clientTable.filter((row) => row.userDirs && isVscode(row.id)).map((row) => row.id);
  for (const path of extra.map((item) => resolve(item))) {
    const family = familyAt(path);
    // A directory in an unusual place: the build that uses it is not certain.
    dirs.set(path, dirs.get(path) ?? { path, owner: isVscode(family) ? family : defaultEditor, readers: builds });
  }
  return [...dirs.values()];
}

/** The files that do not depend on project folders. */
export function fixedSearches(places: Places, userDirs: readonly UserDir[]): SearchPlan {
  const searches: FileSearch[] = [];
  const directories: string[] = [];
  const listed: Listed = new Map();
  const add = (paths: readonly string[], rest: Omit<FileSearch, 'paths'>, together: boolean): void => {
    const expanded = paths.map((path) => expand(path, listed));
    const busy = rest.files.at.kind === 'fixed' && rest.files.at.busy;
    directories.push(...(busy ? [] : expanded.flatMap((item) => item.directories)));
    const all = expanded.flatMap(({ found }) => found);
    searches.push(...(together ? [{ ...rest, paths: all }] : all.map((path) => ({ ...rest, paths: [path] }))));
  };
  for (const { row, files } of tableFiles(places)) {
    const { at } = files;
    if (at.kind === 'fixed') {
      add(at.paths(places), { files, reader: row.id, owner: files.of ?? row.id }, at.first === true);
    } else if (at.kind === 'user-dir') {
      for (const dir of userDirs.filter((item) => readsUserDir(row, item))) {
        // An extension has files of its own in the directories of every editor.
        const owner = row.userDirs === undefined && files.of === undefined ? row.id : dir.owner;
        add(
          at.paths.map((path) => inside(dir.path, normalize(path))),
          { files, reader: row.id, owner },
          false,
        );
      }
    }
  }
  return { searches: ownersFirst(searches), directories };
}

/** The files of project folders, of the directories above them where the client searches these, and of workspace files. */
export function projectSearches(places: Places, folders: readonly string[], workspaceFiles: readonly string[]): ProjectPlan {
  const home = resolve(places.home);
  const withHome = [...new Set(folders.flatMap((folder) => withParents(folder, home)))];
  const belowHome = withHome.filter((folder) => folder !== home || folders.includes(home));
  // Clients look for dozens of files in each project: one listing of each folder shows which cannot be there.
  const listed = new Map(withHome.map((folder) => [folder, namesIn(folder)]));
  const searches: FileSearch[] = [];
  const directories: string[] = [];
  const wanted: Wanted[] = [];
  for (const { row, files } of tableFiles(places)) {
    const { at } = files;
    const rest = { files, reader: row.id, owner: files.of ?? row.id };
    if (at.kind === 'workspace-file') {
      searches.push(...workspaceFiles.map((path) => ({ ...rest, paths: [path] })));
    } else if (at.kind === 'folder') {
      const searched = at.parents === 'with-home' ? withHome : at.parents === 'below-home' ? belowHome : folders;
      for (const path of at.paths) {
        const first = path.split(/[\\/]/)[0]?.toLowerCase() ?? '';
        const one = { rest, folders: searched, path: normalize(path), first, pattern: path.includes('*') };
        wanted.push(one);
        for (const folder of searched) {
          if (mayBeThere(one, listed.get(folder))) {
            const expanded = one.pattern ? expand(inside(folder, one.path)) : { found: [inside(folder, one.path)], directories: [] };
            directories.push(...expanded.directories);
            searches.push(...expanded.found.map((file) => ({ ...rest, paths: [file], folder })));
          } else if (one.pattern) {
            directories.push(inside(folder, dirname(one.path)));
          }
        }
      }
    }
  }
  const nowhere = (one: Wanted): FileSearch[] =>
    one.pattern
      ? []
      : [
          {
            ...one.rest,
            paths: one.folders.filter((folder) => !mayBeThere(one, listed.get(folder))).map((folder) => inside(folder, one.path)),
          },
        ];
  return { searches: ownersFirst(searches), directories, absent: () => ownersOf(wanted.flatMap(nowhere)) };
}

/** A path that a client looks for in project folders. */
interface Wanted {
  readonly rest: Omit<FileSearch, 'paths'>;
  readonly folders: readonly string[];
  readonly path: string;
  /** Its first segment, in lower case. */
  readonly first: string;
  readonly pattern: boolean;
}

/** @param names in the folder, in lower case; undefined where it could not be listed */
function mayBeThere({ first }: Wanted, names: ReadonlySet<string> | undefined): boolean {
  return names?.has(first) !== false;
}

/** @param path normal, so that nothing is left to resolve */
function inside(folder: string, path: string): string {
  return folder.endsWith(sep) ? folder + path : folder + sep + path;
}

/** The client whose file it is, by path. */
export function ownersOf(searches: readonly Pick<FileSearch, 'paths' | 'owner' | 'reader'>[]): Map<string, ClientId> {
  const owners = new Map<string, ClientId>();
  for (const { paths, owner, reader } of searches) {
    for (const path of paths) {
      // Where several clients read a file, the search of its owner has the right names.
      if (owner === reader || !owners.has(path)) {
        owners.set(path, owner);
      }
    }
  }
  return owners;
}

/**
 * The clients that were installed or used on this machine: one of their traces exists. These are the paths that a row names, else the folders of the user's files, or the
 * files where these lie in a folder of all programs.
 */
export function presentClients(places: Places, userDirs: readonly UserDir[]): ClientId[] {
  const shared = [places.home, configHome(places), applicationData(places)].map((path) => resolve(path));
  const ofFile = (path: string): string => (shared.includes(dirname(path)) ? path : dirname(path));
  return [...new Set(tableFiles(places).map(({ row }) => row))].flatMap((row) => {
    const own = row.files.filter((files) => files.of === undefined && files.scope === 'user' && files.format !== 'plugin-mcp');
    const traces =
      row.traces?.(places) ??
      own.flatMap(({ at }) =>
        at.kind === 'fixed'
          ? at.paths(places).map(ofFile)
          : at.kind === 'user-dir' && row.userDirs === undefined
            ? userDirs.flatMap((dir) => at.paths.filter((path) => path.includes('/')).map((path) => inside(dir.path, dirname(path))))
            : [],
      );
    const data = userDirs.filter((dir) => dir.owner === row.id).map((dir) => dirname(dir.path));
    return [...traces, ...data].some((path) => !path.includes('*') && existsSync(path)) ? [row.id] : [];
  });
}

/** A plugin of a client, and whether it is switched off. */
export interface PluginFolder extends Pick<InstalledPlugin, 'folder'> {
  readonly off: boolean;
}

/** The plugins that clients keep in folders of their own, and the directories whose entries decide about them. */
export function keptPlugins(places: Places): {
  readonly plugins: readonly (InstalledPlugin & { readonly client: ClientId })[];
  readonly directories: readonly string[];
} {
  const found = rowsFor(places).flatMap(({ id: client, plugins }) =>
    (plugins?.folders?.(places) ?? []).map((path) => ({ client, versioned: plugins?.versioned, ...expand(path) })),
  );
  return {
    plugins: found.flatMap(({ client, versioned, found: folders }) =>
      folders.map((folder) => {
        const named = versioned ? dirname(folder) : folder;
        return { client, folder, id: `${basename(named)}@${basename(dirname(named))}` };
      }),
    ),
    directories: found.flatMap(({ directories }) => directories),
  };
}

/** The lists of plugins in the marketplaces that the settings of a client name. */
export function marketplaceSearches(places: Places, marketplaces: (client: ClientId) => readonly string[]): FileSearch[] {
  return rowsFor(places).flatMap(({ id, plugins }) =>
    (plugins?.lists ? marketplaces(id) : []).map((root) => ({
      paths: (plugins?.lists ?? []).map((path) => join(root, path)),
      files: { scope: 'user', format: 'marketplace', at: { kind: 'plugin', paths: [] } },
      reader: id,
      owner: id,
    })),
  );
}

/** The files of plugins. */
export function pluginSearches(places: Places, plugins: (client: ClientId) => readonly PluginFolder[]): FileSearch[] {
  return tableFiles(places).flatMap(({ row, files }) => {
    const { at } = files;
    const rest = { files, reader: row.id, owner: row.id };
    return at.kind !== 'plugin'
      ? []
      : plugins(row.id).flatMap(({ folder: plugin, off }) =>
          at.paths.map((path) => ({ ...rest, plugin, paths: [join(plugin, path)], ...(off ? { off } : {}) })),
        );
  });
}

/** An editor uses its own directories, a part of VS Code those of its builds, an extension those of every editor. */
function readsUserDir(row: ClientRow, dir: UserDir): boolean {
  return row.userDirs === undefined ? row.product === undefined || dir.readers.some(isVscode) : dir.readers.includes(row.id);
}

function rowsFor({ platform }: Places): readonly ClientRow[] {
  return clientTable.filter(({ systems }) => systems?.includes(platform) ?? true);
}

function tableFiles(places: Places): { readonly row: ClientRow; readonly files: ConfigFiles }[] {
  return rowsFor(places).flatMap((row) => row.files.map((files) => ({ row, files })));
}

/** A file's scope and format are those of the client that owns it. */
function ownersFirst(searches: readonly FileSearch[]): FileSearch[] {
  return [...searches.filter((search) => search.reader === search.owner), ...searches.filter((search) => search.reader !== search.owner)];
}

/** The names in directories that were listed before for other paths. */
type Listed = Map<string, readonly string[]>;

/** Replaces each segment with a `*` by the existing names. @returns also the directories whose names decide */
function expand(path: string, listed: Listed = new Map()): { readonly found: readonly string[]; readonly directories: readonly string[] } {
  if (!path.includes('*')) {
    return { found: [normalize(path)], directories: [] };
  }
  const whole = normalize(path);
  const { root } = parse(whole);
  const directories: string[] = [];
  let found = [root];
  for (const segment of whole.slice(root.length).split(sep)) {
    if (!segment.includes('*')) {
      found = found.map((at) => inside(at, segment));
      continue;
    }
    directories.push(...found);
    found = found.flatMap((at) => fittingNames(at, segment, listed).map((name) => inside(at, name))).slice(0, maxFound);
  }
  return { found, directories };
}

function fittingNames(directory: string, pattern: string, listed: Listed): string[] {
  const [before = '', after = ''] = pattern.split('*');
  const names = listed.get(directory) ?? allNames(directory);
  listed.set(directory, names);
  return names.filter((name) => name.length >= pattern.length - 1 && name.startsWith(before) && name.endsWith(after)).sort();
}

function allNames(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
