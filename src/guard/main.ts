import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { useCompileCache } from '../base/compileCache.ts';
import { reasonOf } from '../base/errors.ts';

const program = fileURLToPath(import.meta.url);

/**
 * `mcp-shepherd guard`. The command line loads this bundle and calls it.
 * @param args the arguments after `guard`
 * @returns the exit code; when a signal ended the server, the same signal ends this process and the function does not return
 */
export async function startGuard(args: readonly string[]): Promise<number> {
  useCompileCache(program);
  // A piece of its own: the compile cache must be in use before it is loaded.
  const guard = await import('./runGuard.ts');
  return guard.runGuard(args);
}

function isStartedDirectly(): boolean {
  try {
    return realpathSync(process.argv[1] ?? '') === realpathSync(program);
  } catch {
    return false;
  }
}

if (isStartedDirectly()) {
  void startGuard(process.argv.slice(2)).then(
    (code) => process.exit(code),
    (error: unknown) => {
      process.stderr.write(`mcp-shepherd guard: ${reasonOf(error)}. Install MCP Shepherd again\n`);
      process.exit(126);
    },
  );
}
