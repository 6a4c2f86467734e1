import { join } from 'node:path';
import { readJsonObject, statPath } from '../../storage/boundedFile.ts';
import { followLinks } from '../resolve/commandPath.ts';
import { upwards } from '../resolve/versionManagers.ts';

/** Files and folders at the top of a work tree of a version control system, or of a workspace. */
const marks = ['.git', '.hg', '.jj', '.svn', 'pnpm-workspace.yaml'];

/**
 * Whether a package of npm, as it is in a directory, is source that its user works on: a link in `node_modules` leads to it (`npm link`), or it lies in a work tree
 * or a workspace. Its content decides, because its version changes without its code and the other way round. Other code outside of `node_modules` is a release
 * that was unpacked there.
 * @param entry the path by which it is started
 * @param directory links resolved
 */
export function isOwnSource(entry: string, directory: string): boolean {
  if (!isOutside(directory)) {
    return false;
  }
  const visited = new Set<string>();
  followLinks(entry, visited);
  return ![...visited].every(isOutside) || upwards(directory).some(isTop);
}

/** Whether a path is outside of `node_modules`: a dependency there is found by a link alone. */
export function isOutside(path: string): boolean {
  return !/[\\/]node_modules([\\/]|$)/.test(path);
}

function isTop(folder: string): boolean {
  return (
    marks.some((name) => statPath(join(folder, name)).status === 'ok') ||
    readJsonObject(join(folder, 'package.json'))?.workspaces !== undefined
  );
}
