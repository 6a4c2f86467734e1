import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { useCompileCache } from '../base/compileCache.ts';
import { reasonOf } from '../base/errors.ts';

const program = fileURLToPath(import.meta.url);

/**
 * `mcp-shepherd guard` with the words that follow. Loaded by the command line, which starts this bundle beside it and nothing else of its own.
 * @returns the exit code; when the server was ended by a signal, this process ends by the same one and never returns
 */
export async function startGuard(words: readonly string[]): Promise<number> {
  useCompileCache(program);
  // A piece of its own, so that it is loaded only now.
  const guard = await import('./runGuard.ts');
  return guard.runGuard(words);
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
