import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { ProcessDetail, ProcessRow } from '../../../src/model/process.ts';

/** A stdio MCP server that a test started, with a way to ask it. */
export interface RunningServer {
  readonly pid: number;
  /** Before the process existed, epoch ms. */
  readonly startedAt: number;
  request(method: string, params?: object): Promise<unknown>;
  /** Closes its input and waits for its end. */
  stop(): Promise<void>;
}

/** Starts a server and waits for its answer to `initialize`. */
export async function startServer(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly uid?: number; readonly gid?: number },
): Promise<RunningServer> {
  const startedAt = Date.now();
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'ignore'] });
  const waiting = new Map<number, (value: unknown) => void>();
  const failing = new Set<(error: Error) => void>();
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const failAll = (error: Error): void => {
    for (const fail of failing) {
      fail(error);
    }
  };
  child.once('error', failAll);
  child.once('close', (code) => failAll(new Error(`the server ended with ${code}`)));
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith('{')) {
      return;
    }
    const message: unknown = JSON.parse(line);
    if (typeof message === 'object' && message !== null && 'id' in message && 'result' in message) {
      waiting.get(Number(message.id))?.(message.result);
    }
  });
  let next = 0;
  const request = (method: string, params: object = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      next += 1;
      waiting.set(next, resolve);
      failing.add(reject);
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: next, method, params })}\n`);
    });
  const stop = (): Promise<void> => {
    child.stdin.end();
    const force = setTimeout(() => child.kill('SIGKILL'), 3_000);
    return ended.finally(() => clearTimeout(force));
  };
  try {
    await request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } });
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: child.pid ?? 0, startedAt, request, stop };
}

/** What /proc shows of a process, in the shape of the process table; independent of the product's own reader. */
export function observe(pid: number): { readonly row: ProcessRow; readonly detail: ProcessDetail } {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0+$/, '').split('\0');
  const variables = readFileSync(`/proc/${pid}/environ`, 'utf8')
    .split('\0')
    .filter((line) => line.includes('='));
  return {
    row: rowOf(words, pid),
    detail: {
      exe: readlinkSync(`/proc/${pid}/exe`),
      cwd: readlinkSync(`/proc/${pid}/cwd`),
      environment: new Map(
        variables.map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
      ),
      stdin: 'unknown',
      listens: 'unknown',
      missing: [],
    },
  };
}

/** A process row of these arguments. */
export function rowOf(argv: readonly string[], pid = 4711, argvExact = true): ProcessRow {
  return {
    identity: { bootId: 'b', pidNamespace: '-', pid, start: 'lx:1' },
    pid,
    ppid: 1,
    startedAt: 0,
    startErrorMs: 10,
    name: 'x',
    argv,
    argvExact,
    commandLine: argv.join(' '),
    rssBytes: 0,
    state: 'S',
  };
}
