import { guardHelp } from './options/guardHelp.ts';
import { parseGuardOptions } from './options/guardOptions.ts';
import { collectAll } from './stdio/memoryUse.ts';
import { runStdioGuard } from './stdio/stdioGuard.ts';

/**
 * The launcher runs us by an editor's own program where there is no other Node, and says so. The variable by which that program becomes Node is no
 * concern of the server, which may be an editor's program itself.
 */
export function removeElectronVariables(env: NodeJS.ProcessEnv): void {
  if (env.MCP_SHEPHERD_ELECTRON === '1') {
    delete env.ELECTRON_RUN_AS_NODE;
  }
  delete env.MCP_SHEPHERD_ELECTRON;
}

/**
 * The guard of one server.
 * @param words what follows `mcp-shepherd guard`
 * @returns the exit code; when the server was ended by a signal, this process ends by the same one and never returns
 */
export async function runGuard(words: readonly string[]): Promise<number> {
  removeElectronVariables(process.env);
  const code = await run(words);
  // A compiler thread of V8 that waits for memory waits for us to collect, and Node waits at its end for the thread (nodejs/node issue 54918).
  await collectAll();
  return code;
}

async function run(words: readonly string[]): Promise<number> {
  const end = words.indexOf('--');
  if (words.slice(0, end === -1 ? words.length : end).includes('--http')) {
    const { runHttpGuard } = await import('./http/httpMain.ts');
    return runHttpGuard(words);
  }
  const parsed = parseGuardOptions(words);
  switch (parsed.status) {
    case 'help':
      process.stdout.write(guardHelp);
      return 0;
    case 'wrong':
      process.stderr.write(`mcp-shepherd guard: ${parsed.message}. "mcp-shepherd guard --help" says more.\n`);
      return 2;
    case 'run':
      return runStdioGuard(parsed.options);
  }
}
