import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { ClientRow, ConfigFiles } from '../../clients/clientDescription.ts';
import type { Places } from '../../clients/clientPaths.ts';
import { clientTable, familyAt, isVscode } from '../../clients/clientTable.ts';
import { defaultEditor } from '../../clients/vscodeClients.ts';
import type { ClientId } from '../../model/definition.ts';
import { withParents } from './projectFolders.ts';

/** One file to read, or several alternatives, of which the first existing one counts. */
export interface FileSearch {
  readonly paths: readonly string[];
  readonly files: ConfigFiles;
  /** The client that reads it, and the one whose file it is. */
  readonly reader: ClientId;
  readonly owner: ClientId;
  /** The project folder it belongs to. */
  readonly folder?: string;
}

/** The files to read, and the directories whose entries decide about them. */
interface Searches {
  readonly searches: readonly FileSearch[];
  readonly directories: readonly string[];
}

interface UserDir {
  readonly path: string;
  readonly owner: ClientId;
  /** Ids of the builds of VS Code that may use it. */
  readonly readers: readonly ClientId[];
}

/** `User` directories of all builds of VS Code, and those that the caller adds. */
export function userDirsOf(places: Places, extra: readonly string[]): UserDir[] {
  const dirs = new Map<string, UserDir>();
  for (const row of clientTable) {
    for (const path of row.userDirs?.(places) ?? []) {
      dirs.set(resolve(path), { path: resolve(path), owner: row.id, readers: [row.id] });
    }
  }
  const builds = clientTable.filter((row) => row.userDirs).map((row) => row.id);
  for (const path of extra.map((item) => resolve(item))) {
    const family = familyAt(path);
    // A directory in an unusual place: the build that uses it is not certain.
    dirs.set(path, dirs.get(path) ?? { path, owner: isVscode(family) ? family : defaultEditor, readers: builds });
  }
  return [...dirs.values()];
}

/** The files that do not depend on project folders. */
export async function fixedSearches(places: Places, userDirs: readonly UserDir[]): Promise<Searches> {
  const searches: FileSearch[] = [];
  const directories: string[] = [];
  const add = async (paths: readonly string[], rest: Omit<FileSearch, 'paths'>, together: boolean): Promise<void> => {
    const expanded = await Promise.all(paths.map((path) => expand(path)));
    directories.push(...expanded.flatMap(({ directory }) => directory ?? []));
    const all = expanded.flatMap(({ found }) => found);
    searches.push(...(together ? [{ ...rest, paths: all }] : all.map((path) => ({ ...rest, paths: [path] }))));
  };
  for (const { row, files } of tableFiles()) {
    const { at } = files;
    if (at.kind === 'fixed') {
      await add(at.paths(places), { files, reader: row.id, owner: files.of ?? row.id }, at.first === true);
    } else if (at.kind === 'user-dir') {
      for (const dir of userDirs.filter((item) => row.userDirs === undefined || item.readers.includes(row.id))) {
        await add(
          at.paths.map((path) => join(dir.path, path)),
          { files, reader: row.id, owner: dir.owner },
          false,
        );
      }
    }
  }
  return { searches: ownersFirst(searches), directories };
}

/** The files of project folders, of the directories above them where the client searches these, and of workspace files. */
export function projectSearches(folders: readonly string[], workspaceFiles: readonly string[], home: string): FileSearch[] {
  const withHome = [...new Set(folders.flatMap((folder) => withParents(folder, home)))];
  const belowHome = withHome.filter((folder) => folder !== home || folders.includes(home));
  const searches: FileSearch[] = [];
  for (const { row, files } of tableFiles()) {
    const { at } = files;
    const rest = { files, reader: row.id, owner: files.of ?? row.id };
    if (at.kind === 'folder') {
      for (const folder of at.parents === 'with-home' ? withHome : at.parents === 'below-home' ? belowHome : folders) {
        searches.push(...at.paths.map((path) => ({ ...rest, paths: [join(folder, path)], folder })));
      }
    } else if (at.kind === 'workspace-file') {
      searches.push(...workspaceFiles.map((path) => ({ ...rest, paths: [path] })));
    }
  }
  return ownersFirst(searches);
}

function tableFiles(): { readonly row: ClientRow; readonly files: ConfigFiles }[] {
  return clientTable.flatMap((row) => row.files.map((files) => ({ row, files })));
}

/** A file's scope and format are those of the client that owns it. */
function ownersFirst(searches: readonly FileSearch[]): FileSearch[] {
  return [...searches.filter((search) => search.reader === search.owner), ...searches.filter((search) => search.reader !== search.owner)];
}

/**
 * Replaces the segment with a `*` by the existing names. The directory is watched, unless the names are files in a directory that the client writes to all the
 * time.
 */
async function expand(path: string): Promise<{ readonly found: readonly string[]; readonly directory?: string }> {
  const rest: string[] = [];
  for (let at = path; dirname(at) !== at; at = dirname(at)) {
    const pattern = basename(at);
    if (pattern.includes('*')) {
      const [before = '', after = ''] = pattern.split('*');
      const names = await readdir(dirname(at)).catch(() => []);
      const fitting = names.filter((name) => name.length >= pattern.length - 1 && name.startsWith(before) && name.endsWith(after)).sort();
      const found = fitting.slice(0, 200).map((name) => join(dirname(at), name, ...rest));
      return rest.length === 0 ? { found } : { found, directory: dirname(at) };
    }
    rest.unshift(pattern);
  }
  return { found: [path] };
}
