import { lstatSync, mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode } from '../../base/errors.ts';
import { because } from '../../base/language/because.ts';
import { systemRandom } from '../../base/random.ts';
import { checkPrivate } from '../../storage/privateFolder.ts';
import type { InstanceRecord } from '../instanceRecord.ts';
import type { LockDirectory } from '../lockDirectory.ts';

/** The `control` field of a record: where an instance listens. */
export type ControlEndpoint = NonNullable<InstanceRecord['control']>;

/** Limit for socket paths, bytes. Systems cut off or refuse longer ones (104 on macOS, 108 on Linux, with the final zero). */
const maxPathBytes = 100;
const pipePattern = /^\\\\\.\\pipe\\mcp-[0-9a-f]{32}$/;

/**
 * A random path for a new control endpoint, in a folder that exists. When the path of the run folder is too long for a socket, the folder is a new one in
 * `/tmp`; on Windows the endpoint is a named pipe with 128 random bits (Instance Lock Protocol 1, 4.2).
 * @throws when the folder cannot be created, or other users have access to it
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
  // Not recursive: an existing folder belongs to another program.
  mkdirSync(own, { mode: 0o700 });
  return join(own, 'c.sock');
}

/** Whether a path has the form that the protocol gives to control endpoints of this folder and user. Reads no file. */
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

/** Why an endpoint must not be used. */
interface EndpointFault {
  readonly reason: string;
  /** Its socket does not exist. */
  readonly gone: boolean;
}

/**
 * Why a record's endpoint must not be used; undefined when it may be. Any program of this user can write a record, so the path must have the form of the
 * protocol, in a folder that only this user can enter, and must be a socket of this user. Never throws.
 */
export function endpointFault(
  directory: LockDirectory,
  control: Pick<ControlEndpoint, 'type' | 'path'>,
  platform: NodeJS.Platform = process.platform,
): EndpointFault | undefined {
  if (control.type !== (platform === 'win32' ? 'pipe' : 'unix') || !isControlPath(directory, control.path, platform)) {
    return { reason: because`its record names a control path that is not valid in the protocol`, gone: false };
  }
  if (platform === 'win32') {
    return undefined;
  }
  const refused = checkPrivate(dirname(control.path), directory.uid, false);
  if (refused !== undefined) {
    return { reason: refused, gone: false };
  }
  try {
    const info = lstatSync(control.path);
    if (!info.isSocket()) {
      return { reason: because`${control.path} is not a socket`, gone: false };
    }
    return directory.uid !== undefined && info.uid !== directory.uid
      ? { reason: because`${control.path} belongs to user ${info.uid}`, gone: false }
      : undefined;
  } catch (error) {
    const code = errorCode(error) ?? 'error';
    return code === 'ENOENT'
      ? { reason: because`its control endpoint is gone`, gone: true }
      : { reason: because`${control.path} cannot be read (${code})`, gone: false };
  }
}

/** Removes the socket of an endpoint and its folder in `/tmp`, if they are private ones of this user at a valid path: a record cannot make it remove others. Never throws. */
export function removeControlEndpoint(directory: LockDirectory, control: Pick<ControlEndpoint, 'type' | 'path'> | undefined): void {
  if (control?.type !== 'unix' || !isControlPath(directory, control.path)) {
    return;
  }
  try {
    const fault = endpointFault(directory, control);
    if (fault === undefined) {
      rmSync(control.path, { force: true });
    }
    if ((fault === undefined || fault.gone) && dirname(control.path) !== join(directory.base, 's')) {
      rmdirSync(dirname(control.path));
    }
  } catch {
    // Removed already, or the folder is not empty.
  }
}
