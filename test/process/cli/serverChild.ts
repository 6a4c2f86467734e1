import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A real server, started as a client starts it, that has answered `initialize`: only then has it loaded its code. */
export async function startServer(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<ChildProcess> {
  const child = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'ignore'] });
  const request = {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
  };
  child.stdin?.write(`${JSON.stringify(request)}\n`);
  const first = await Promise.race([
    once(child.stdout ?? child, 'data'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`the server ended with ${code}`);
    }),
  ]);
  if (!String(first[0]).includes('"serverInfo"')) {
    throw new Error(`the server answered ${String(first[0]).slice(0, 200)}`);
  }
  child.stdout?.resume();
  return child;
}

export async function stopServer(child: ChildProcess | undefined): Promise<void> {
  if (child && child.exitCode === null && child.signalCode === null) {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}
