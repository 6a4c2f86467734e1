import { homedir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * The run folder, in which MCP Shepherd and the lock protocol keep their files: `--run-dir`, otherwise `MCP_RUN_DIR`, otherwise `~/.mcp-run`.
 * The home comes from the user database and not from `HOME`: clients start servers with different environments, and all must use the same folder.
 *
 * @throws when an override is not an absolute path
 */
export function runDirOf(
  env: Readonly<Record<string, string | undefined>>,
  argument?: string,
): { readonly path: string; readonly explicit: boolean } {
  const override = argument ?? env.MCP_RUN_DIR;
  if (override !== undefined && override !== '') {
    if (!isAbsolute(override)) {
      throw new Error(`${argument === undefined ? 'MCP_RUN_DIR' : '--run-dir'} must be an absolute path, and is "${override}"`);
    }
    return { path: override, explicit: true };
  }
  return { path: join(userHome(), '.mcp-run'), explicit: false };
}

/** This user's home folder, from the user database. */
export function userHome(): string {
  try {
    return userInfo().homedir;
  } catch {
    // Some containers have no entry for the user in the database: HOME remains.
    return homedir();
  }
}
