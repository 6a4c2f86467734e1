import type { HostParts } from './hostParts.ts';
import { logLine, say } from './message/ownAnswers.ts';
import { guardOptionTable, parseGuardOptions } from './options/guardOptions.ts';
import { staleSection } from './options/sharedOptions.ts';
import { endServer } from './process/endServer.ts';
import { begun, collect } from './process/guardPlace.ts';
import { isGroupAlive } from './process/serverProcess.ts';
import { startOf, Watchdog } from './process/watchdog.ts';
import { runStdioGuard, sessionOutcome } from './stdio/stdioGuard.ts';

/**
 * Without another Node, the launcher runs the guard with an editor's program and marks that in `MCP_SHEPHERD_ELECTRON`. The variable that makes this program a
 * Node must not reach the server, which may be an Electron program itself.
 */
function removeElectronVariables(env: NodeJS.ProcessEnv): void {
  if (env.MCP_SHEPHERD_ELECTRON === '1') {
    delete env.ELECTRON_RUN_AS_NODE;
  }
  delete env.MCP_SHEPHERD_ELECTRON;
}

/**
 * Runs the guard of one server.
 * @param args the arguments after `mcp-shepherd guard`
 * @returns the exit code; when a signal ended the server, the same signal ends this process and the function does not return
 */
export async function runGuard(args: readonly string[]): Promise<number> {
  removeElectronVariables(process.env);
  const code = await run(args);
  // At its end Node waits for V8's compiler threads, and one that needs memory waits for a collection (nodejs/node issue 54918).
  await collect();
  return code;
}

/** What the host takes from the pieces that are loaded here. */
export const hostParts: HostParts = {
  readOptions: parseGuardOptions,
  runSession: sessionOutcome,
  endServer,
  logLine,
  watchdog: (graceMs) => new Watchdog(graceMs),
  isGroupAlive,
  startOf,
  begun,
  collect,
};

async function run(args: readonly string[]): Promise<number> {
  const end = args.indexOf('--');
  if (args.slice(0, end === -1 ? args.length : end).includes('--http')) {
    const { runHttpGuard } = await import('./http/runHttpGuard.ts');
    return runHttpGuard(args);
  }
  const parsed = parseGuardOptions(args);
  switch (parsed.status) {
    case 'help': {
      const { guardHelp } = await import('./options/guardHelp.ts');
      process.stdout.write(guardHelp(process.stdout.columns ?? Number.POSITIVE_INFINITY, guardOptionTable, staleSection));
      return 0;
    }
    case 'wrong': {
      const { describeProblem } = await import('../base/optionHelp.ts');
      say(describeProblem(parsed.problem, guardOptionTable));
      process.stderr.write('See "mcp-shepherd guard --help".\n');
      return 2;
    }
    case 'run':
      return runStdioGuard(parsed.options);
  }
}
