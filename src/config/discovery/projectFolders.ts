import { opendirSync, readdirSync, stat, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isRecord } from '../../base/json.ts';
import { parseJsonc, plainValue, property } from '../formats/jsonc.ts';
import { readConfigFile } from './readConfigFile.ts';

/** Maximum number of project folders that are searched, the most recently used first. */
const maxFolders = 200;
/** Maximum number of folders that are searched from one folder upwards: more lie in no real project. */
const maxParents = 64;
/** Maximum number of names that are read of one directory or file. */
const maxLooked = 2_000;

/** A project folder or workspace file that a client has worked in, and when it did last, where known (epoch ms). */
interface Learnt {
  readonly path: string;
  readonly usedAt: number;
}

/** The directories that a client searches upwards from a folder: the folder itself, then its parents up to the home directory or the root; the nearest 64. */
export function withParents(folder: string, home: string): string[] {
  const folders = [folder];
  for (let at = folder; at !== home && dirname(at) !== at && folders.length < maxParents; ) {
    at = dirname(at);
    folders.push(at);
  }
  return folders;
}

/**
 * The folders that VS Code (or a build of it) has opened, by `User/workspaceStorage/HASH/workspace.json`.
 * In the directory of a server (remote windows, code-server) its own folders have `vscode-remote:` addresses.
 */
export function openedInVscode(userDir: string): { readonly folders: Learnt[]; readonly workspaceFiles: Learnt[] } {
  const root = join(userDir, 'workspaceStorage');
  const used = listed(root).map((name) => ({ path: join(root, name), usedAt: changedAt(join(root, name)) }));
  const recent = used.sort((a, b) => b.usedAt - a.usedAt).slice(0, maxFolders);
  const folders: Learnt[] = [];
  const workspaceFiles: Learnt[] = [];
  const isServer = /-server$|^code-server$/.test(basename(dirname(userDir))) || basename(dirname(userDir)) === 'data';
  for (const { path, usedAt } of recent) {
    const file = readConfigFile(join(path, 'workspace.json'));
    const content = file.status === 'text' ? plainValue(parseJsonc(file.text).root) : undefined;
    if (isRecord(content)) {
      const folder = pathOf(content.folder, isServer);
      const workspace = pathOf(content.workspace ?? content.configuration, isServer);
      folders.push(...(folder === undefined ? [] : [{ path: folder, usedAt }]));
      workspaceFiles.push(...(workspace === undefined ? [] : [{ path: workspace, usedAt }]));
    }
  }
  return { folders, workspaceFiles };
}

/** The folders that a `.code-workspace` names, absolute. */
export function workspaceFolders(text: string, file: string): string[] {
  const list = plainValue(property(parseJsonc(text).root, 'folders'));
  return (Array.isArray(list) ? list : []).slice(0, maxFolders).flatMap((item) => {
    if (!isRecord(item)) {
      return [];
    }
    const path = typeof item.path === 'string' ? resolve(dirname(file), item.path) : pathOf(item.uri, false);
    return path === undefined ? [] : [path];
  });
}

/**
 * The existing ones of the folders that clients name, most recently used first; a folder without a time is ordered by the directory's modification time.
 * Network shares of Windows are left out: a stat of an unreachable one takes long.
 */
export async function existingFolders(learnt: readonly { readonly path: string; readonly usedAt?: number }[]): Promise<string[]> {
  const unique = new Map<string, number | undefined>();
  for (const { path, usedAt } of learnt.slice(0, maxLooked)) {
    const folder = isLocalPath(path) ? resolve(path) : undefined;
    if (folder !== undefined && folder !== dirname(folder)) {
      unique.set(folder, Math.max(unique.get(folder) ?? 0, usedAt ?? 0));
    }
  }
  const found = await Promise.all(
    [...unique].map(async ([path, usedAt = 0]) => {
      // `node:fs/promises` loads the line editor of Node's prompt.
      const seen = await promisify(stat)(path).catch(() => undefined);
      return seen?.isDirectory() ? [{ path, usedAt: usedAt || seen.mtimeMs }] : [];
    }),
  );
  return found
    .flat()
    .sort((a, b) => b.usedAt - a.usedAt)
    .slice(0, maxFolders)
    .map(({ path }) => path);
}

/** The names in a folder in lower case, because some file systems ignore the case; undefined where it cannot be listed or has more than 2,000. */
export function namesIn(folder: string): ReadonlySet<string> | undefined {
  try {
    const names = namesUpTo(folder, maxLooked + 1);
    return names.length > maxLooked ? undefined : new Set(names.map((name) => name.toLowerCase()));
  } catch {
    return undefined;
  }
}

/** The first names in a folder, up to a number. Listing it as a whole would cost memory for each of a million files. @throws the system's error */
function namesUpTo(folder: string, most: number): string[] {
  const directory = opendirSync(folder, { bufferSize: 256 });
  try {
    const names: string[] = [];
    for (let entry = directory.readSync(); entry !== null && names.length < most; entry = directory.readSync()) {
      names.push(entry.name);
    }
    return names;
  } finally {
    directory.closeSync();
  }
}

/** Whether a path is absolute and names no network share of Windows. */
export function isLocalPath(path: string): boolean {
  return isAbsolute(path) && !/^[\\/]{2}/.test(path);
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder).slice(0, maxLooked);
  } catch {
    return [];
  }
}

function changedAt(path: string): number {
  try {
    return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  } catch {
    return 0;
  }
}

function pathOf(uri: unknown, isServer: boolean): string | undefined {
  if (typeof uri !== 'string') {
    return undefined;
  }
  try {
    const url = new URL(uri);
    if (url.protocol === 'file:' && url.host === '') {
      return fileURLToPath(url);
    }
    return url.protocol === 'vscode-remote:' && isServer && sep === '/' ? decodeURIComponent(url.pathname) : undefined;
  } catch {
    return undefined;
  }
}
