// A server on the TypeScript SDK 2.x; copied into a folder where it is installed: `node v2Server.mjs PORT EXECUTED_FILE sessions|modern`.
import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

const [port, executed, mode] = process.argv.slice(2);
const transports = new Map();
const note = (text) => appendFileSync(executed, `${text}\n`);

function makeServer() {
  const server = new McpServer({ name: 'v2', version: '1.0.0' });
  server.registerTool('count', { inputSchema: z.object({ key: z.string() }) }, ({ key }) => {
    note(key);
    return { content: [{ type: 'text', text: `counted ${key} in ${process.pid}` }] };
  });
  return server;
}

const modern = toNodeHandler(createMcpHandler(makeServer, { legacy: 'reject' }));

// As docs/serving/sessions-state-scaling.md of the SDK has it.
async function withSessions(request, response) {
  const id = request.headers['mcp-session-id'];
  const known = transports.get(id);
  if (known) {
    return known.handleRequest(request, response);
  }
  if (id !== undefined) {
    note('refused');
    const body = { jsonrpc: '2.0', error: { code: -32001, message: 'Session not found' }, id: null };
    return response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (made) => {
      note('session');
      transports.set(made, transport);
    },
  });
  await makeServer().connect(transport);
  return transport.handleRequest(request, response);
}

createServer((request, response) => {
  note(`${request.method} ${request.headers['mcp-session-id'] ? 'session' : 'plain'} ${request.headers['mcp-method'] ?? '-'}`);
  void (mode === 'modern' ? modern : withSessions)(request, response);
}).listen(Number(port), '127.0.0.1', () => note(`listening ${process.pid}`));
