import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runDirOf } from './runFolder.ts';

/**
 * Where MCP Shepherd and the lock protocol keep their files; `runDir.ts` of src/lock has the rule.
 * @throws when an override is not an absolute path
 */
export function runDirFor(env: Readonly<Record<string, string | undefined>>, argument?: string): string {
  return runDirOf(env, argument).path;
}

/** Our own files below the run folder, apart from the protocol's (`v1`). Created on first use, for this user only. */
export function stateFolder(
  runDir: string,
  part: 'facts' | 'history' | 'notified' | 'registry' | 'requests' | 'scanner' | 'updates' | 'windows',
): string {
  const folder = statePath(runDir, part);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** The same for those that can do without: it is made where that is possible, and `refused` says why it was not. */
export function stateFolderIfPossible(runDir: string, part: 'facts' | 'windows'): { readonly folder: string; readonly refused?: string } {
  try {
    return { folder: stateFolder(runDir, part) };
  } catch (error) {
    return { folder: statePath(runDir, part), refused: writeErrorReason(error) };
  }
}

/** Why a file or folder could not be written, in words. */
export function writeErrorReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
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
