import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { build } from 'esbuild';
import { until } from '../../../until.ts';
import { ended } from '../../lock/lockHome.ts';
import { guardBundle } from '../guardedServer.ts';

let v1Bundle: Promise<string> | undefined;

/** `v1Server.ts` with all that it needs in one file, built once: it starts in a fraction of the time. */
export function v1Program(): Promise<string> {
  v1Bundle ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), 'v1-server-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    const outfile = join(folder, 'v1Server.mjs');
    const banner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
    const entryPoints = [join(import.meta.dirname, 'v1Server.ts')];
    await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm', banner: { js: banner }, logLevel: 'error' });
    return outfile;
  })();
  return v1Bundle;
}

/** A program that runs, and what it has said on stderr. */
export interface Program {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly said: () => string;
}

/** A run folder of its own, servers and guards; all that was started here ends with it. */
export class HttpWorld {
  readonly root: string = mkdtempSync(join(tmpdir(), 'http-guard-'));
  readonly runDir: string = join(this.root, 'run');
  readonly executedFile: string = join(this.root, 'executed');
  readonly #programs: Program[] = [];
  readonly #clients: Client[] = [];

  constructor() {
    writeFileSync(this.executedFile, '');
  }

  start(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    cwd: string = process.cwd(),
    interpreter: string = process.execPath,
  ): Program {
    const child = spawn(interpreter, [...args], {
      cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, MCP_RUN_DIR: this.runDir, ...env },
    });
    const { pid } = child;
    if (pid === undefined) {
      throw new Error(`${interpreter} did not start`);
    }
    let text = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    child.stdout.resume();
    const program = { child, pid, said: () => text };
    this.#programs.push(program);
    return program;
  }

  /** A guard that listens. @param from the bundle, and the folder that it is started in @returns its address beside it */
  async guard(
    args: readonly string[],
    from: { readonly bundle?: string; readonly cwd?: string } = {},
  ): Promise<Program & { readonly origin: string }> {
    const program = this.start([from.bundle ?? (await guardBundle()), '--http', ...args], {}, from.cwd);
    await until(
      `the guard listens: ${args.join(' ')}`,
      () => {
        if (program.child.exitCode !== null) {
          throw new Error(`The guard ended with ${program.child.exitCode}: ${program.said()}`);
        }
        return /listening on \S+,/.test(program.said());
      },
      60_000,
    );
    return { ...program, origin: /listening on (http:\S+?),/.exec(program.said())?.[1] ?? '' };
  }

  /** A guard that is not expected to listen. @returns once it ended */
  async failingGuard(args: readonly string[]): Promise<Program> {
    const program = this.start([await guardBundle(), '--http', ...args]);
    await until('the guard ends', () => program.child.exitCode !== null, 60_000);
    return program;
  }

  /** The server of `v1Server.ts`, once it listens. */
  async v1(port: number, mode = 'example', ...more: readonly string[]): Promise<Program> {
    return this.server([await v1Program(), String(port), this.executedFile, mode, ...more]);
  }

  /** A server that notes `listening PID` when it does. */
  async server(args: readonly string[], interpreter?: string): Promise<Program> {
    const program = this.start(args, {}, undefined, interpreter);
    await until(
      `the server listens: ${args.join(' ')}`,
      () => {
        if (program.child.exitCode !== null) {
          throw new Error(`The server ended with ${program.child.exitCode}: ${program.said()}`);
        }
        return this.executed().includes(`listening ${program.pid}`);
      },
      60_000,
    );
    return program;
  }

  /** What the servers noted, in order. */
  executed(): string[] {
    return readFileSync(this.executedFile, 'utf8').split('\n').filter(Boolean);
  }

  timesExecuted(key: string): number {
    return this.executed().filter((line) => line === key).length;
  }

  /** A connected client of the TypeScript SDK 1.x. */
  async client(
    origin: string,
    headers: Readonly<Record<string, string>> = {},
    request: typeof fetch = fetch,
  ): Promise<Client & { readonly errors: Error[] }> {
    const errors: Error[] = [];
    const client = new Client({ name: 'test', version: '1.0.0' });
    client.onerror = (error) => errors.push(error);
    const transport = new StreamableHTTPClientTransport(new URL(`${origin}/mcp`), { requestInit: { headers }, fetch: request });
    await client.connect(transport as Parameters<Client['connect']>[0]);
    this.#clients.push(client);
    return Object.assign(client, { errors });
  }

  async #end(child: ChildProcess): Promise<void> {
    if (child.spawnargs.includes('--http') && child.exitCode === null && child.signalCode === null) {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, 15_000).unref())]);
    }
    await ended(child);
  }

  async clean(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    // A guard ends the server that it started; if it is killed, its watchdog does.
    await Promise.all(this.#programs.map(({ child }) => this.#end(child)));
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Ends a program with SIGKILL and waits until it is gone. */
export async function kill({ child }: Program): Promise<void> {
  await ended(child);
}

/** What a guard says of itself. */
export async function health(origin: string): Promise<Health> {
  const response = await fetch(`${origin}/health`);
  return (await response.json()) as Health;
}

export interface Health {
  readonly status: string;
  readonly version: string;
  readonly pid: number;
  readonly started: string;
  readonly uptime: number;
  readonly sessions: { readonly open: number; readonly recovered: number };
  readonly upstream: { readonly status: string; readonly url: string | null; readonly pid: number | null; readonly lastFault?: string };
}

/** The text of a tool's answer. */
export async function call(client: Client, name: string, args: Readonly<Record<string, unknown>>): Promise<string> {
  const result = await client.callTool({ name, arguments: args });
  const { content } = result;
  const [first] = Array.isArray(content) ? content : [];
  return typeof first?.text === 'string' ? first.text : JSON.stringify(result);
}
