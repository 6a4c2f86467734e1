// A stateful server on the TypeScript SDK 1.x, wired as its published example: `node v1Server.ts PORT EXECUTED_FILE [MODE]`.
// MODE: `example` (400 "No valid session ID provided"), `404`, `single` (one transport for all), `stateless`, `json` (no event streams), `counted` (ids 1, 2, 3 …).
// Each executed call appends its key to EXECUTED_FILE before it answers, so that what was executed is known whatever becomes of this process.
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { SetLevelRequestSchema, SubscribeRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

const [port, executed = '', mode = 'example', toolName = 'extra'] = process.argv.slice(2);
const transports = new Map<string, StreamableHTTPServerTransport>();
let count = 0;

function note(text: string): void {
  appendFileSync(executed, `${text}\n`);
}

function makeServer(): McpServer {
  const server = new McpServer({ name: 'v1', version: '1.0.0' }, { capabilities: { logging: {}, resources: { subscribe: true } } });
  server.registerTool('count', { inputSchema: { key: z.string() } }, ({ key }) => {
    note(key);
    return { content: [{ type: 'text', text: `counted ${key} in ${process.pid}` }] };
  });
  server.registerTool('slow', { inputSchema: { key: z.string() } }, async ({ key }) => {
    note(key);
    // Until the test ends this process.
    await new Promise(() => setInterval(() => undefined, 60_000));
    return { content: [] };
  });
  server.registerTool('wait', { inputSchema: { key: z.string(), file: z.string() } }, async ({ key, file }) => {
    note(key);
    while (!existsSync(file)) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return { content: [{ type: 'text', text: `waited ${key}` }] };
  });
  server.registerTool('big', { inputSchema: { bytes: z.number() } }, ({ bytes }) => ({
    content: [{ type: 'text', text: 'x'.repeat(bytes) }],
  }));
  server.registerTool('size', { inputSchema: { text: z.string() } }, ({ text }) => ({
    content: [{ type: 'text', text: String(text.length) }],
  }));
  server.registerTool(toolName, {}, () => ({ content: [] }));
  server.server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    note(`subscribe ${params.uri}`);
    return {};
  });
  server.server.setRequestHandler(SetLevelRequestSchema, ({ params }) => {
    note(`level ${params.level}`);
    return {};
  });
  server.server.oninitialized = () => note('initialized');
  return server;
}

function newId(): string {
  note('session');
  count += 1;
  return mode === 'counted' ? String(count) : randomUUID();
}

async function makeTransport(): Promise<StreamableHTTPServerTransport> {
  const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
    ...(mode === 'stateless' ? {} : { sessionIdGenerator: newId }),
    enableJsonResponse: mode === 'json',
    onsessioninitialized: (id) => {
      transports.set(id, transport);
    },
  });
  transport.onclose = () => {
    if (transport.sessionId) {
      transports.delete(transport.sessionId);
    }
  };
  // The SDK's own example casts here too: its types do not fit with exactOptionalPropertyTypes.
  await makeServer().connect(transport as Parameters<McpServer['connect']>[0]);
  return transport;
}

const only = mode === 'single' ? await makeTransport() : undefined;

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const id = request.headers['mcp-session-id'];
  if (request.url !== '/mcp') {
    response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not found</h1>');
    return;
  }
  if (only) {
    await only.handleRequest(request, response);
    return;
  }
  const known = typeof id === 'string' ? transports.get(id) : undefined;
  if (known) {
    await known.handleRequest(request, response);
    return;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  const body: unknown = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString('utf8')) : undefined;
  if (mode === 'stateless' || (request.method === 'POST' && id === undefined && isInitialize(body))) {
    await (await makeTransport()).handleRequest(request, response, body);
    return;
  }
  note('refused');
  const [status, code, message] =
    mode === '404' ? [404, -32001, 'Session not found'] : [400, -32000, 'Bad Request: No valid session ID provided'];
  response
    .writeHead(Number(status), { 'content-type': 'application/json' })
    .end(JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null }));
}

function isInitialize(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'method' in body && body.method === 'initialize';
}

const server = createServer((request, response) => {
  void answer(request, response);
});
server.listen(Number(port), '127.0.0.1', () => note(`listening ${process.pid}`));
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  for (const transport of transports.values()) {
    void transport.close();
  }
});
