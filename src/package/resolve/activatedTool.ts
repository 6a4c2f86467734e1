import { join } from 'node:path';
import { statPath } from '../../storage/boundedFile.ts';
import { followLinks, newestChange, type SearchPlace } from './commandPath.ts';
import { miseVersions } from './versionManagers.ts';

/**
 * The folder that a new shell has on PATH in place of one that `mise activate` put there: by the files that a shell in the directory of the client's start reads.
 * Undefined for every other folder, and while it is the same.
 * @param startedAt when the client took its environment, epoch ms
 * @param visited gets the files that decide
 */
export function activatedTool(
  folder: string,
  { cwd, environment, searched }: SearchPlace,
  startedAt: number,
  visited: Set<string>,
): { readonly isNew: boolean; readonly bin: string } | undefined {
  const [, root, tool = '', rest = ''] = /^(\/.*\/mise\/installs)\/([^/]+)\/[^/]+((?:\/.*)?)$/.exec(folder) ?? [];
  if (root === undefined || environment?.has('MISE_SHELL') !== true) {
    return undefined;
  }
  searched?.add('mise.toml');
  const files = new Set<string>();
  const tools = miseVersions({ cwd: environment.get('PWD') ?? cwd, environment }, files);
  const version = 'unknown' in tools ? undefined : tools.get(tool)?.find((one) => statPath(join(root, tool, one)).status === 'ok');
  if (version === undefined) {
    return undefined;
  }
  // `22` and `latest` are links, which an installation moves.
  const chosen = join(root, tool, version);
  for (const file of [...files, chosen]) {
    visited.add(file);
  }
  const bin = `${chosen}${rest}`;
  return followLinks(bin, new Set()) === followLinks(folder, new Set())
    ? undefined
    : { isNew: newestChange([...files, chosen]) > startedAt, bin };
}
