import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemRandom } from '../base/random.ts';
import { type KernelLock, lockFile } from '../lock/kernelLock.ts';
import { writeWhole } from '../storage/atomicFile.ts';
import { privateFolder } from '../storage/privateFolder.ts';

/** The files of the one host of a user, while this process is that host. */
export interface HostFiles {
  /** Where relays connect. */
  readonly socket: string;
  /** What a relay has to know: only this user can read it. */
  readonly secret: string;
  /** Call it when the socket listens. */
  opened(): void;
  /** Another process may be the host from now on. @param isAwaited it is about to be: relays start none */
  release(isAwaited: boolean): void;
}

/** Makes this process the host. @returns undefined when another process is @throws when the folder is not this user's alone */
export async function takeHostFiles(runDir: string): Promise<HostFiles | undefined> {
  const folder = privateFolder(runDir, 'host');
  const path = (name: string): string => join(folder, name);
  const opened = (): void => rmSync(path('starting'), { force: true });
  const secret = systemRandom(32).toString('hex');
  let lock: KernelLock;
  try {
    // An older folder may be readable for others.
    chmodSync(folder, 0o700);
    const attempt = await lockFile(path('lock'));
    if (attempt.status !== 'locked') {
      if (attempt.status !== 'held') {
        opened();
      }
      return undefined;
    }
    lock = attempt.lock;
    rmSync(path('socket'), { force: true });
    writeWhole(path('secret'), secret);
  } catch (error) {
    // Relays wait for a host that is starting.
    opened();
    throw error;
  }
  return {
    socket: path('socket'),
    secret,
    opened,
    release(isAwaited) {
      if (isAwaited) {
        writeWhole(path('starting'), '');
      }
      rmSync(path('socket'), { force: true });
      lock.release();
    },
  };
}
