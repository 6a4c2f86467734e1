import { errorCode } from '../base/errors.ts';
import { FolderRefused, privateFolder } from './privateFolder.ts';
import { runDirOf } from './runFolder.ts';

/**
 * Path of the run folder (`runDirOf` has the rule).
 * @throws when an override is not an absolute path
 */
export function runDirFor(env: Readonly<Record<string, string | undefined>>, argument?: string): string {
  return runDirOf(env, argument).path;
}

/** A folder of our own below the run folder; the lock protocol's is `v1`. @throws what `privateFolder` throws */
export function stateFolder(
  runDir: string,
  part: 'confirmed' | 'ensured' | 'facts' | 'history' | 'notified' | 'registry' | 'requests' | 'scanner' | 'updates' | 'windows',
): string {
  return privateFolder(runDir, part);
}

/** The same for callers that can do without the folder; undefined when it cannot be created or another user could have written there. */
export function stateFolderIfPossible(runDir: string, part: 'facts' | 'windows'): string | undefined {
  try {
    return stateFolder(runDir, part);
  } catch {
    return undefined;
  }
}

/** Why a file or folder could not be written, as part of a message. */
export function writeErrorReason(error: unknown): string {
  if (error instanceof FolderRefused) {
    return error.message;
  }
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
