import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findPython } from '../../package/pythonWheels.ts';

/** A server on a port that a test started. */
export interface RunningHttp {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

export const imitation = join(import.meta.dirname, '..', '..', '..', 'fixtures', 'http', 'imitation.py');

/** A loopback port that is free. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  server.close();
  await once(server, 'close');
  return port;
}

/** The imitation in Python; it says itself when it listens. */
export async function startImitation(args: readonly string[], port = 0): Promise<RunningHttp> {
  const python = await findPython();
  if (!python) {
    throw new Error('No python3 on this machine.');
  }
  const child = spawn(python, [imitation, String(port), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const [, port = '', pid = ''] = /^listening (\d+) (\d+)$/.exec(line) ?? [];
    if (port !== '') {
      return { child, pid: Number(pid), port: Number(port), stop: () => stop(child) };
    }
  }
  throw new Error('The imitation ended before it listened.');
}

/** Any program that listens on a port; waits until the port accepts. */
export async function startListening(
  command: string,
  args: readonly string[],
  port: number,
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<RunningHttp> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'ignore', 'ignore'] });
  await once(child, 'spawn');
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`${command} ended with ${child.exitCode ?? child.signalCode} before it listened.`);
    }
    const answered = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2_000) }).then(
      (response) => response.text().then(() => true),
      () => false,
    );
    if (answered) {
      return { child, pid: child.pid ?? 0, port, stop: () => stop(child) };
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}
