import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { useCompileCache } from '../base/compileCache.ts';
import { reasonOf } from '../base/errors.ts';
import type { HostParts } from './hostParts.ts';

/** `relay/runRelay.ts` and `host/runHost.ts`, builds of their own: as pieces of the guard they would split its start. */
interface RelayProgram {
  runRelay(args: readonly string[], node: string, guard: string): Promise<number | undefined>;
}
interface HostProgram {
  runHost(words: readonly string[], parts: HostParts): Promise<number>;
}

const program = fileURLToPath(import.meta.url);

/**
 * `mcp-shepherd guard`. The command line loads this bundle and calls it.
 * @param args the arguments after `guard`
 * @returns the exit code; when a signal ended the server, the same signal ends this process and the function does not return
 */
export async function startGuard(args: readonly string[]): Promise<number> {
  useCompileCache(program);
  const load = createRequire(program);
  const hasRelay = args.includes('--relay') && existsSync(`${dirname(program)}/relay.cjs`);
  const code = hasRelay ? await (load('./relay.cjs') as RelayProgram).runRelay(args, process.execPath, program) : undefined;
  if (code !== undefined) {
    return code;
  }
  // A piece of its own: the compile cache must be in use before it is loaded.
  const guard = await import('./runGuard.ts');
  return args[0] === 'host' ? (load('./host.cjs') as HostProgram).runHost(args.slice(1), guard.hostParts) : guard.runGuard(args);
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
