import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listInstanceRecords } from '../../../src/lock/instanceRecord.ts';
import { findLockDirectory } from '../../../src/lock/lockDirectory.ts';
import { until } from '../../until.ts';
import { ended } from '../lock/lockHome.ts';
import { shippedProgram } from '../shippedProgram.ts';

export type Message = { readonly [key: string]: unknown };

export const strictServer = fileURLToPath(new URL('strictServer.py', import.meta.url));

let bundle: Promise<{ readonly folder: string; readonly file: string }> | undefined;

/** The guard as it ships, built once. */
export async function guardBundle(): Promise<string> {
  bundle ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), 'guard-bundle-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    return { folder, file: await shippedProgram('guard', folder) };
  })();
  return (await bundle).file;
}

/** What a client can start in place of a guard. */
export type Relay = 'perl' | 'python' | 'node';

export const interpreters: Readonly<Partial<Record<Relay, readonly [program: string, script: string, ...options: string[]]>>> = {
  perl: ['perl', 'relay.pl'],
  python: ['python3', 'relay.py', '-I', '-S'],
};

/** A home, a run folder and the guards of one test. */
export class GuardHome {
  readonly root: string = mkdtempSync(join(tmpdir(), 'guard-home-'));
  readonly run: string = join(this.root, 'run');
  readonly clients: RawClient[] = [];
  #host: ChildProcess | undefined;
  /** Where sessions run in the host: what the client starts. `TEST_RELAY` runs the tests of the guard so. */
  relay = process.env.TEST_RELAY as Relay | undefined;
  /** Whether the test starts the host before its first relay. */
  startsHost = true;
  /** The guard of an installed version, instead of the one built for the tests. */
  programs: string | undefined;
  /** More variables of every process of the test. */
  variables: NodeJS.ProcessEnv = {};

  /** The environment that every process of the test gets. */
  get env(): NodeJS.ProcessEnv {
    return { ...process.env, HOME: this.root, MCP_RUN_DIR: this.run, ...this.variables };
  }

  path(name: string): string {
    return join(this.root, name);
  }

  /** A guard before a strict server. @param before the guard's own options */
  async strict(before: readonly string[] = [], after: readonly string[] = []): Promise<RawClient> {
    return this.guard([...before, '--', 'python3', strictServer, ...after]);
  }

  async guard(words: readonly string[]): Promise<RawClient> {
    const bundle = this.programs ?? (await guardBundle());
    if (this.relay !== undefined && this.startsHost && !this.#host) {
      await this.startHost(bundle);
    }
    const interpreter = this.relay === undefined ? undefined : interpreters[this.relay];
    if (interpreter) {
      const [program, script, ...options] = interpreter;
      return this.start(program, [...options, join(dirname(bundle), script), process.execPath, bundle, '--relay', ...words]);
    }
    return this.start(process.execPath, [bundle, ...(this.relay ? ['--relay'] : []), ...words]);
  }

  /** Starts the host, so that no relay has to do without it because the machine is busy. */
  async startHost(bundle: string): Promise<ChildProcess> {
    const host = spawn(process.execPath, [bundle, 'host', this.run], { stdio: ['ignore', 'ignore', 'inherit'], env: this.env });
    this.#host = host;
    const socket = join(this.run, 'shepherd', 'host', 'socket');
    await until('the host listens', () => existsSync(socket) && host.exitCode === null);
    return host;
  }

  start(program: string, args: readonly string[]): RawClient {
    const client = new RawClient(spawn(program, args, { cwd: this.root, env: this.env, stdio: ['pipe', 'pipe', 'pipe'] }));
    this.clients.push(client);
    return client;
  }

  /** What the strict server has carried out, of `--log=calls`. */
  calls(name = 'calls'): string[] {
    try {
      return readFileSync(this.path(name), 'utf8').trim().split('\n');
    } catch {
      return [];
    }
  }

  async clean(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.kill()));
    if (this.#host) {
      await ended(this.#host);
    }
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** A client without any SDK: writes bytes, and keeps every line that comes back. */
export class RawClient {
  readonly child: ChildProcess;
  readonly lines: Buffer[] = [];
  readonly messages: Message[] = [];
  stderr = '';
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  #rest: Buffer[] = [];
  #next = 1;
  readonly #waiting = new Map<unknown, (message: Message) => void>();

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on('data', (chunk: Buffer) => this.#take(chunk));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    child.stdin?.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  #take(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      this.#rest.push(chunk.subarray(start, end + 1));
      const line = Buffer.concat(this.#rest);
      this.#rest = [];
      start = end + 1;
      this.lines.push(line);
      let message: Message;
      try {
        message = JSON.parse(line.toString('utf8'));
      } catch {
        continue;
      }
      if (typeof message !== 'object' || message === null) {
        continue;
      }
      this.messages.push(message);
      if (!('method' in message)) {
        const waiter = this.#waiting.get(message.id);
        this.#waiting.delete(message.id);
        waiter?.(message);
      }
    }
    this.#rest.push(chunk.subarray(start));
  }

  write(bytes: string | Buffer): void {
    this.child.stdin?.write(bytes);
  }

  send(message: Message): void {
    this.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  /** Sends a request and waits for its answer, however long that takes. */
  request(method: string, params: Message = {}, id: unknown = this.#next++): Promise<Message> {
    const answer = new Promise<Message>((resolve, reject) => {
      this.#waiting.set(id, resolve);
      void this.ended.then(({ code, signal }) => reject(new Error(`ended with ${code ?? signal}, ${method} unanswered:\n${this.stderr}`)));
    });
    this.send({ id, method, params });
    return answer;
  }

  async handshake(): Promise<Message> {
    const answer = await this.request('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: { sampling: {} },
      clientInfo: { name: 'raw', version: '1' },
    });
    this.send({ method: 'notifications/initialized' });
    return answer;
  }

  call(name: string, args: Message = {}): Promise<Message> {
    return this.request('tools/call', { name, arguments: args });
  }

  /** The text of a tool's result. */
  async text(name: string, args: Message = {}): Promise<string> {
    return resultText(await this.call(name, args));
  }

  notifications(method: string): Message[] {
    return this.messages.filter((message) => message.method === method);
  }

  /** Kills the process. What it started may live on, and keep its pipes open. */
  async kill(): Promise<void> {
    await ended(this.child);
  }
}

export function resultText(message: Message): string {
  const { result } = message;
  const content: unknown = typeof result === 'object' && result !== null && 'content' in result ? result.content : undefined;
  const first: unknown = Array.isArray(content) ? content[0] : undefined;
  return typeof first === 'object' && first !== null && 'text' in first ? String(first.text) : `no text: ${JSON.stringify(message)}`;
}

/** The PID that a refusal names as the holder of the resource; undefined for every other answer. */
export function holderOf(answer: Message): number | undefined {
  const pid = / is in use by PID (\d+)/.exec(JSON.stringify(answer))?.[1];
  return pid === undefined ? undefined : Number(pid);
}

/** What the guard tells of a call that it answered itself: whether the server has carried it out. Undefined: the server answered. */
export function carriedOut(text: string): 'no' | 'unknown' | undefined {
  if (/nothing was (?:carried out|written|done)/i.test(text)) {
    return 'no';
  }
  return text.includes('may have been carried out') && text.includes('not repeated') ? 'unknown' : undefined;
}

/**
 * What the refusal of a stale server tells programs: "NAME SERVING INSTALLED CHANGE" for each package, sorted by name; [] for every other answer.
 * @param answer a message with the result of `tools/call`, or such a result in `result`
 */
export function stalePackages(answer: { readonly result?: unknown }): string[] {
  const { isError, _meta: meta } = (answer.result ?? {}) as { isError?: boolean; _meta?: Message };
  if (isError !== true || meta?.action_required !== 'restart_mcp_server') {
    return [];
  }
  const { packages } = meta['mcp-shepherd/stale'] as {
    packages: { package: string; serving: string; installed: string; change: string }[];
  };
  return packages.map(({ package: name, serving, installed, change }) => [name, serving, installed, change].join(' ')).sort();
}

/** Whether a process runs; a zombie does not. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/** The watchdog of a guard: its child with that name. */
export function watchdogOf(guard: number): number | undefined {
  return childrenOf(guard).find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('mcp-shepherd-watchdog');
    } catch {
      // It ended a moment ago: a server that is being replaced.
      return false;
    }
  });
}

/** Running processes whose command line has a text in it; arguments are parted by NUL, as in /proc. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isRunning(pid) && commandOf(pid).includes(text));
}

/** The command line of a process as in /proc; empty when it is gone. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

/** Direct children that run. */
export function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isRunning(Number(name)))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent;
      } catch {
        return false;
      }
    });
}

export interface PublishedGuard {
  readonly id: string;
  readonly guard: number;
  readonly server: number | undefined;
  readonly control: boolean;
  readonly record: Message;
}

/** The records of a run folder. */
export function publishedGuards(run: string): PublishedGuard[] {
  const opened = findLockDirectory(join(run, 'v1'));
  return !opened || 'refused' in opened
    ? []
    : listInstanceRecords(opened.directory).flatMap((reading) =>
        reading.status === 'ok'
          ? [
              {
                id: reading.id,
                guard: reading.record.guard?.pid ?? -1,
                server: reading.record.server?.pid,
                control: reading.record.control !== undefined,
                record: reading.record,
              },
            ]
          : [],
      );
}
