import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../base/errors.ts';
import { runDirOf } from './runFolder.ts';

/**
 * Path of the run folder (`runDirOf` has the rule).
 * @throws when an override is not an absolute path
 */
export function runDirFor(env: Readonly<Record<string, string | undefined>>, argument?: string): string {
  return runDirOf(env, argument).path;
}

/** A folder of our own below the run folder; the lock protocol's is `v1`. Created if needed, with mode 0700. @throws on I/O errors */
export function stateFolder(
  runDir: string,
  part: 'facts' | 'history' | 'notified' | 'registry' | 'requests' | 'scanner' | 'updates' | 'windows',
): string {
  const folder = statePath(runDir, part);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** The same for callers that can do without the folder: `refused` says why it could not be created. */
export function stateFolderIfPossible(runDir: string, part: 'facts' | 'windows'): { readonly folder: string; readonly refused?: string } {
  try {
    return { folder: stateFolder(runDir, part) };
  } catch (error) {
    return { folder: statePath(runDir, part), refused: writeErrorReason(error) };
  }
}

/** Why a file or folder could not be written, as part of a message. */
export function writeErrorReason(error: unknown): string {
  const code = errorCode(error) ?? '';
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EROFS':
      return 'the file system is read-only';
    case 'ENOSPC':
    case 'EDQUOT':
      return 'there is no space left';
    case 'ENOTDIR':
    case 'EEXIST':
      return 'a file stands where a folder is expected';
    default:
      return code === '' ? 'it cannot be written' : `it cannot be written: ${code}`;
  }
}

function statePath(runDir: string, part: string): string {
  return join(runDir, 'shepherd', part);
}
