import { flow } from './flow.ts';
import type { GuardOptions } from './guardOptions.ts';
import { type Ended, startServer } from './serverProcess.ts';

/** Starts the server, and stands between it and the client on our standard input and output until it ends. @returns the exit code */
export async function runStdioGuard(options: GuardOptions): Promise<number> {
  let server: Awaited<ReturnType<typeof startServer>>;
  try {
    server = await startServer(options);
  } catch (error) {
    process.stderr.write(
      `mcp-shepherd guard: ${options.command} could not be started: ${error instanceof Error ? error.message : error}\n`,
    );
    // As a shell says it: 127 = there is no such program.
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 127 : 126;
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => server.signal(signal));
  }
  process.stdout.on('error', () => undefined);
  void flow(process.stdin, server.stdin).then(() => server.stdin.end());
  const output = flow(server.stdout, process.stdout);
  const ended = await server.exited;
  await output;
  return exitAs(ended);
}

/** Ends as the server ended. */
function exitAs({ code, signal }: Ended): number {
  if (signal !== null) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }
  return code ?? 1;
}
