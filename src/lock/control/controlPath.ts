import { lstatSync, mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode } from '../../base/errors.ts';
import { systemRandom } from '../../base/random.ts';
import type { InstanceRecord } from '../instanceRecord.ts';
import { checkPrivate, type LockDirectory } from '../lockDirectory.ts';

/** Where an instance listens, as its record says it. */
export type ControlEndpoint = NonNullable<InstanceRecord['control']>;

/** Systems cut longer paths of sockets off, or refuse them (104 bytes on macOS, 108 on Linux, with the closing zero). */
const maxPathBytes = 100;
const pipePattern = /^\\\\\.\\pipe\\mcp-[0-9a-f]{32}$/;

/**
 * A path for a new control endpoint, that nobody can guess before it exists; its folder is there. Where the run folder's own path is too long for a socket
 * it is a folder of its own in `/tmp`; on Windows a named pipe with 128 random bits. (Instance Lock Protocol 1, 4.2.)
 * @throws when the folder cannot be made or is not this user's alone
 */
export function newControlPath(directory: LockDirectory, platform: NodeJS.Platform = process.platform): string {
  if (platform === 'win32') {
    return `\\\\.\\pipe\\mcp-${systemRandom(16).toString('hex')}`;
  }
  const folder = join(directory.base, 's');
  const path = join(folder, `${systemRandom(6).toString('hex')}.sock`);
  if (Buffer.byteLength(path) <= maxPathBytes) {
    const refused = checkPrivate(folder, directory.uid, true);
    if (refused !== undefined) {
      throw new Error(refused);
    }
    return path;
  }
  const own = `/tmp/mcp-${directory.uid ?? 0}-${systemRandom(8).toString('hex')}`;
  // Not recursive: a folder that is there already is somebody else's.
  mkdirSync(own, { mode: 0o700 });
  return join(own, 'c.sock');
}

/** Whether a path is one that the protocol gives to control endpoints of this folder and user. Looks at the text alone. */
function isControlPath(directory: LockDirectory, path: string, platform: NodeJS.Platform = process.platform): boolean {
  if (platform === 'win32') {
    return pipePattern.test(path);
  }
  const folder = join(directory.base, 's');
  if (path.startsWith(`${folder}/`)) {
    return /^[0-9a-f]{12}\.sock$/.test(path.slice(folder.length + 1));
  }
  return path.startsWith(`/tmp/mcp-${directory.uid ?? 0}-`) && /^\/tmp\/mcp-\d+-[0-9a-f]{8,32}\/c\.sock$/.test(path);
}

/**
 * Why a record's endpoint must not be spoken to; undefined when it may. A record is a hint that any program of this user can write: the path has to be one of
 * the protocol's own, in a folder that is this user's alone, and a socket of this user. Never throws.
 */
export function controlPathRefusal(
  directory: LockDirectory,
  control: Pick<ControlEndpoint, 'type' | 'path'>,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  if (control.type !== (platform === 'win32' ? 'pipe' : 'unix') || !isControlPath(directory, control.path, platform)) {
    return 'its record names a control path that is not one of the protocol';
  }
  if (platform === 'win32') {
    return undefined;
  }
  const refused = checkPrivate(dirname(control.path), directory.uid, false);
  if (refused !== undefined) {
    return refused;
  }
  try {
    const info = lstatSync(control.path);
    if (!info.isSocket()) {
      return `${control.path} is no socket`;
    }
    return directory.uid !== undefined && info.uid !== directory.uid ? `${control.path} belongs to user ${info.uid}` : undefined;
  } catch (error) {
    const code = errorCode(error) ?? 'error';
    return code === 'ENOENT' ? 'its control endpoint is gone' : `${control.path} cannot be looked at (${code})`;
  }
}

/** Removes what an endpoint leaves behind: only a socket of this user at a path of the protocol, so that no record can name a victim. Never throws. */
export function removeControlEndpoint(directory: LockDirectory, control: Pick<ControlEndpoint, 'type' | 'path'> | undefined): void {
  if (control?.type !== 'unix' || !isControlPath(directory, control.path)) {
    return;
  }
  try {
    if (controlPathRefusal(directory, control) === undefined) {
      rmSync(control.path, { force: true });
    }
    if (dirname(control.path) !== join(directory.base, 's')) {
      rmdirSync(dirname(control.path));
    }
  } catch {
    // Gone already, or not empty: then it is not ours alone.
  }
}
