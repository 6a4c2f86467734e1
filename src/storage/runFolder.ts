import { homedir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * Where MCP Shepherd and the lock protocol keep their files: `~/.mcp-run`, or what `--run-dir` or `MCP_RUN_DIR` say.
 * The home comes from the user database, not from `HOME`: clients give their servers other environments, and all must meet in one place.
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

/** This user's home, from the user database. */
export function userHome(): string {
  try {
    return userInfo().homedir;
  } catch {
    // No entry in the user database (some containers): HOME is all there is.
    return homedir();
  }
}
