// Shared by the HTTP benches: the server, a minimal proxy, the started programs, and a client without an SDK.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Answers each request at once: with JSON, as an event stream, with the requested number of bytes, or with an event every `pause` ms. */
export const serverScript = `
const http = require('node:http');
http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const message = chunks.length ? JSON.parse(Buffer.concat(chunks)) : {};
    const session = { 'mcp-session-id': request.headers['mcp-session-id'] ?? 'bench-session' };
    const { bytes, events, pause, stream } = message.params ?? {};
    if (request.method !== 'POST') {
      response.writeHead(405).end();
    } else if (message.id === undefined) {
      response.writeHead(202).end();
    } else if (message.method === 'initialize') {
      response.writeHead(200, { 'content-type': 'application/json', ...session });
      response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'bench', version: '1' } } }));
    } else if (bytes) {
      response.writeHead(200, { 'content-type': 'text/event-stream', ...session });
      response.end('data: {"jsonrpc":"2.0","id":' + message.id + ',"result":"' + 'x'.repeat(bytes) + '"}\\n\\n');
    } else if (events) {
      response.writeHead(200, { 'content-type': 'text/event-stream', ...session });
      let count = 0;
      const timer = setInterval(() => {
        response.write('id: ' + count + '\\ndata: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":' + count + '}}\\n\\n');
        count += 1;
        if (count === events) {
          clearInterval(timer);
          response.end('data: {"jsonrpc":"2.0","id":' + message.id + ',"result":{}}\\n\\n');
        }
      }, pause);
    } else if (stream) {
      response.writeHead(200, { 'content-type': 'text/event-stream', ...session });
      response.end('event: message\\ndata: {"jsonrpc":"2.0","id":' + message.id + ',"result":{"content":[{"type":"text","text":"hello"}]}}\\n\\n');
    } else {
      response.writeHead(200, { 'content-type': 'application/json', ...session });
      response.end('{"jsonrpc":"2.0","id":' + message.id + ',"result":{"content":[{"type":"text","text":"hello"}]}}');
    }
  });
}).listen(0, '127.0.0.1', function () { process.stderr.write('listening on http://127.0.0.1:' + this.address().port + ',\\n'); });
`;

/** Reads nothing: passes head and body on as they arrive, over kept connections. */
export const pipeScript = `
const http = require('node:http');
const agent = new http.Agent({ keepAlive: true });
const target = new URL(process.argv[1]);
http.createServer((request, response) => {
  const up = http.request({ agent, hostname: target.hostname, port: target.port, method: request.method, path: request.url, headers: request.headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  request.pipe(up);
}).listen(0, '127.0.0.1', function () { process.stderr.write('listening on http://127.0.0.1:' + this.address().port + ',\\n'); });
`;

/** Address and PID of a listening program. */
export interface Started {
  readonly origin: string;
  readonly pid: number;
}

/** The programs of one bench, in a folder of their own. All of them end with the bench. */
export class Programs {
  readonly root: string = mkdtempSync(join(tmpdir(), 'bench-http-'));
  readonly #children: ChildProcess[] = [];

  /** @param input standard input of a program that uses it; others get none */
  spawn(args: readonly string[], input: 'ignore' | 'pipe' = 'ignore'): ChildProcess {
    const child = spawn(process.execPath, [...args], {
      stdio: [input, input === 'pipe' ? 'pipe' : 'ignore', 'pipe'],
      env: { ...process.env, MCP_RUN_DIR: join(this.root, 'run'), MCP_REMOTE_CONFIG_DIR: join(this.root, 'remote') },
    });
    this.#children.push(child);
    return child;
  }

  /** Starts a program that prints its address on stderr. */
  async start(...args: readonly string[]): Promise<Started> {
    const child = this.spawn(args);
    let text = '';
    for await (const chunk of child.stderr ?? []) {
      text += chunk;
      const [, origin] = /listening on (http:\S+?),/.exec(text) ?? [];
      if (origin !== undefined && child.pid !== undefined) {
        child.stderr?.resume();
        return { origin, pid: child.pid };
      }
    }
    throw new Error(`It did not start: ${text}`);
  }

  async stop(): Promise<void> {
    const running = this.#children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    await Promise.all(
      running.map(async (child) => {
        const exited = once(child, 'exit');
        child.kill('SIGTERM');
        // Some programs end the servers that they started; the remaining ones are ended here.
        const deaf = setTimeout(() => child.kill('SIGKILL'), 3_000);
        await exited;
        clearTimeout(deaf);
      }),
    );
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Parameters of a client's `initialize`. */
export const hello = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'bench', version: '1' } };

/** A client of Streamable HTTP, over kept connections. */
export class HttpCaller {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #url: string;
  #session: string | undefined;
  #id = 0;

  constructor(origin: string) {
    this.#url = `${origin}/mcp`;
  }

  async begin(): Promise<void> {
    await this.call('initialize', hello);
    await this.#send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }));
  }

  /** One call. @returns number of bytes of the answer @throws when it was refused */
  async call(method: string, params: object): Promise<number> {
    this.#id += 1;
    return this.#send(JSON.stringify({ jsonrpc: '2.0', id: this.#id, method, params }));
  }

  close(): void {
    this.#agent.destroy();
  }

  async #send(body: string): Promise<number> {
    const request = httpRequest(this.#url, {
      agent: this.#agent,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'content-length': Buffer.byteLength(body),
        ...(this.#session === undefined ? {} : { 'mcp-session-id': this.#session, 'mcp-protocol-version': '2025-06-18' }),
      },
    });
    request.end(body);
    const [response]: IncomingMessage[] = await once(request, 'response');
    const id = response?.headers['mcp-session-id'];
    this.#session ??= typeof id === 'string' ? id : undefined;
    let size = 0;
    for await (const chunk of response ?? []) {
      size += chunk.length;
    }
    if ((response?.statusCode ?? 500) >= 300) {
      throw new Error(`${this.#url} answered with status ${response?.statusCode}`);
    }
    return size;
  }
}

export const peakMb = (pid: number): number => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;

/** The load of the machine, without which the times mean little. */
export function load(): string {
  return `load ${readFileSync('/proc/loadavg', 'utf8').split(' ', 1)[0]}`;
}
