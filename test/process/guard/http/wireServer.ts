import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it reached the server. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Of a message of JSON-RPC. */
  readonly rpc:
    | { readonly id?: string | number; readonly method?: string; readonly params?: Readonly<Record<string, unknown>> }
    | undefined;
}

export type Answering = (seen: Seen, response: ServerResponse, request: IncomingMessage) => void;

/**
 * A server that answers as recorded servers did (Python SDK, wrappers, servers without MCP). It runs in this process, so that a test controls each answer.
 */
export class WireServer {
  readonly seen: Seen[] = [];
  answer: Answering;
  #server: Server | undefined;
  #port = 0;

  constructor(answer: Answering) {
    this.answer = answer;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens, after the first time on the same port. */
  async start(): Promise<void> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('error', () => undefined);
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        const seen = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body, rpc: parsed(body) };
        this.seen.push(seen);
        this.answer(seen, response, request);
      });
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Cuts every connection, as when the process is killed. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server) {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    }
  }

  /** How many requests with this method of JSON-RPC came. */
  count(method: string): number {
    return this.seen.filter(({ rpc }) => rpc?.method === method).length;
  }
}

function parsed(body: string): Seen['rpc'] {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Answers with JSON. */
export function json(response: ServerResponse, status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
}

/** How servers refuse a session; the first two are the Python SDK before and since 1.26. */
export const refusals = {
  'python <= 1.25': [400, 'Bad Request: No valid session ID provided'],
  'python >= 1.26': [404, 'Session not found'],
  'fresh TypeScript transport': [400, 'Bad Request: Server not initialized'],
} as const;

/** A server with sessions whose memory can be lost, as after a restart. */
export function sessionServer(options: { readonly refusal?: readonly [number, string]; readonly protocolVersion?: () => string } = {}): {
  readonly answer: Answering;
  readonly forget: () => void;
  readonly known: ReadonlySet<string>;
  readonly executed: string[];
} {
  const known = new Set<string>();
  const executed: string[] = [];
  let count = 0;
  return {
    known,
    executed,
    forget: () => known.clear(),
    answer(seen, response) {
      const id = seen.headers['mcp-session-id'];
      const rpcId = seen.rpc?.id ?? null;
      if (seen.rpc?.method === 'initialize') {
        count += 1;
        const made = `session-${Math.random().toString(36).slice(2)}-${count}`;
        known.add(made);
        const protocolVersion = options.protocolVersion?.() ?? '2025-06-18';
        json(
          response,
          200,
          {
            jsonrpc: '2.0',
            id: rpcId,
            result: { protocolVersion, capabilities: { tools: { listChanged: true } }, serverInfo: { name: 'wire', version: '' } },
          },
          { 'mcp-session-id': made },
        );
        return;
      }
      if (typeof id !== 'string' || !known.has(id)) {
        const [status, message] = options.refusal ?? refusals['python >= 1.26'];
        json(response, id === undefined ? 400 : status, {
          jsonrpc: '2.0',
          id: 'server-error',
          error: { code: -32600, message: id === undefined ? 'Bad Request: Missing session ID' : message },
        });
        return;
      }
      if (seen.method === 'DELETE') {
        known.delete(id);
        response.writeHead(200).end();
        return;
      }
      if (seen.method === 'GET') {
        response.writeHead(200, { 'content-type': 'text/event-stream', 'mcp-session-id': id });
        response.flushHeaders();
        return;
      }
      executed.push(seen.body);
      if (seen.rpc?.id === undefined) {
        response.writeHead(202).end();
        return;
      }
      json(response, 200, { jsonrpc: '2.0', id: rpcId, result: { content: [{ type: 'text', text: id }] } }, { 'mcp-session-id': id });
    },
  };
}
