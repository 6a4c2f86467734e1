import { homedir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** The run folder, and whether somebody named it. */
export interface RunFolder {
  readonly path: string;
  readonly explicit: boolean;
}

/**
 * `~/.mcp-run`, or what `--run-dir` or `MCP_RUN_DIR` say; the same as the survey has it (`survey/stateFolder.ts`), which is no part of the guard.
 * @throws when the variable is not an absolute path
 */
export function runFolder(argument: string | undefined, env: Readonly<Record<string, string | undefined>>): RunFolder {
  const override = argument ?? (env.MCP_RUN_DIR || undefined);
  if (override !== undefined && !isAbsolute(override)) {
    throw new Error(`MCP_RUN_DIR must be an absolute path, and is "${override}"`);
  }
  return override === undefined ? { path: join(home(), '.mcp-run'), explicit: false } : { path: override, explicit: true };
}

function home(): string {
  try {
    return userInfo().homedir;
  } catch {
    // No entry in the user database (some containers).
    return homedir();
  }
}
