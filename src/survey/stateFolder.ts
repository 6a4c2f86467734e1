import { mkdirSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * Where MCP Shepherd and the lock protocol keep their files: `~/.mcp-run`, or what `--run-dir` or `MCP_RUN_DIR` say.
 * The home comes from the user database, not from `HOME`: clients give their servers other environments, and all must meet in one place.
 *
 * @throws when an override is not an absolute path
 */
export function runDirFor(env: Readonly<Record<string, string | undefined>>, argument?: string): string {
  const override = argument ?? env.MCP_RUN_DIR;
  if (override !== undefined && override !== '') {
    if (!isAbsolute(override)) {
      throw new Error(`${argument === undefined ? 'MCP_RUN_DIR' : '--run-dir'} must be an absolute path, and is "${override}"`);
    }
    return override;
  }
  return join(userHome(), '.mcp-run');
}

function userHome(): string {
  try {
    return userInfo().homedir;
  } catch {
    // No entry in the user database (some containers): HOME is all there is.
    return homedir();
  }
}

/** Our own files below the run folder, apart from the protocol's (`v1`). Created on first use, for this user only. */
export function stateFolder(runDir: string, part: 'facts' | 'notified' | 'windows'): string {
  const folder = join(runDir, 'shepherd', part);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}
