// What a call costs through `guard --http`, beside the least that any proxy on Node must do: `node bench/httpGuard.ts [--long]`.
// The added median counts (through it − direct), as a ratio to that of a bare pipe; the absolute times belong to the machine. Linux only (memory).
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const long = process.argv.includes('--long');
const rounds = long ? 60 : 15;
const callsPerRound = 200;

/** Answers each request at once: with JSON, as a stream of events, with as many bytes as asked for, or with an event every `pause` ms. */
const serverScript = `
const http = require('node:http');
http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const message = chunks.length ? JSON.parse(Buffer.concat(chunks)) : {};
    const session = { 'mcp-session-id': request.headers['mcp-session-id'] ?? 'bench-session' };
    const { bytes, events, pause, stream } = message.params ?? {};
    if (message.method === 'initialize') {
      response.writeHead(200, { 'content-type': 'application/json', ...session });
      response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: { protocolVersion: '2025-06-18', capabilities: {} } }));
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

/** Looks at nothing: head and body go on as they come, over connections that are kept. */
const pipeScript = `
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

const root = mkdtempSync(join(tmpdir(), 'bench-http-'));
const children: ChildProcess[] = [];

async function start(...args: readonly string[]): Promise<{ readonly origin: string; readonly pid: number }> {
  const child = spawn(process.execPath, [...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, MCP_RUN_DIR: join(root, 'run') },
  });
  children.push(child);
  let text = '';
  for await (const chunk of child.stderr) {
    text += chunk;
    const [, origin] = /listening on (http:\S+?),/.exec(text) ?? [];
    if (origin !== undefined && child.pid !== undefined) {
      child.stderr.resume();
      return { origin, pid: child.pid };
    }
  }
  throw new Error(`It did not start: ${text}`);
}

const agent = new Agent({ keepAlive: true });
let id = 0;

/** One call. @returns how many bytes the answer had */
async function call(origin: string, method: string, params: object): Promise<number> {
  id += 1;
  const body = JSON.stringify({ jsonrpc: '2.0', id, method, params });
  const request = httpRequest(`${origin}/mcp`, {
    agent,
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'content-length': Buffer.byteLength(body),
      ...(method === 'initialize' ? {} : { 'mcp-session-id': 'bench-session', 'mcp-protocol-version': '2025-06-18' }),
    },
  });
  request.end(body);
  const [response]: IncomingMessage[] = await once(request, 'response');
  let size = 0;
  for await (const chunk of response ?? []) {
    size += chunk.length;
  }
  return size;
}

const median = (times: readonly number[]): number => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
const peakMb = (pid: number): number => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;

try {
  const server = await start('-e', serverScript);
  const pipe = await start('-e', pipeScript, server.origin);
  const guard = await start(join(import.meta.dirname, '../dist/guard.cjs'), '--http', '--listen', '0', '--upstream', server.origin);
  const ways = [
    { name: 'direct', ...server },
    { name: 'bare pipe', ...pipe },
    { name: 'guard --http', ...guard },
  ];
  for (const { origin } of ways) {
    await call(origin, 'initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'bench', version: '1' } });
  }
  console.log(`${rounds} × ${callsPerRound} calls each, Node ${process.version}`);
  for (const [what, params] of [
    ['answer in JSON', { name: 'x' }],
    ['answer as an event stream', { stream: true }],
  ] as const) {
    const times = ways.map((): number[] => []);
    // In turn, so that what else the machine does hits all alike; the first round warms up.
    for (let round = 0; round <= rounds; round += 1) {
      for (const [way, { origin }] of ways.entries()) {
        for (let count = 0; count < callsPerRound; count += 1) {
          const begin = performance.now();
          await call(origin, 'tools/call', params);
          if (round > 0) {
            times[way]?.push(performance.now() - begin);
          }
        }
      }
    }
    const [direct = 0, bare = 0, ours = 0] = times.map(median);
    console.log(`\n${what}`);
    console.log(`  direct        ${direct.toFixed(3)} ms`);
    console.log(`  bare pipe     ${bare.toFixed(3)} ms, added ${(bare - direct).toFixed(3)} ms`);
    console.log(
      `  guard --http  ${ours.toFixed(3)} ms, added ${(ours - direct).toFixed(3)} ms = ${((ours - direct) / (bare - direct)).toFixed(2)} × the bare pipe's`,
    );
  }

  console.log('\nmemory at its peak, MB');
  const report = (what: string): void =>
    console.log(`  ${what.padEnd(34)} bare pipe ${peakMb(pipe.pid).toFixed(0)}, guard ${peakMb(guard.pid).toFixed(0)}`);
  report('after the calls');
  for (const count of [1, 10]) {
    for (const { origin } of [pipe, guard]) {
      for (let done = 0; done < count; done += 1) {
        await call(origin, 'tools/call', { bytes: 10 * 1_048_576 });
      }
    }
    report(`after ${count} more of 10 MB`);
  }
  const events = long ? 3_600 : 600;
  const pause = long ? 16 : 5;
  const begin = performance.now();
  await Promise.all([pipe, guard].map(({ origin }) => call(origin, 'tools/call', { events, pause })));
  report(`after ${events} events in ${((performance.now() - begin) / 1_000).toFixed(0)} s`);
} finally {
  for (const child of children) {
    child.kill('SIGKILL');
  }
  agent.destroy();
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
