import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../until.ts';

/**
 * A server that several clients may share, as the text of a program. Its tools: `echo` (logs and repeats `text`, after `ms`, with progress where the request has a
 * token; a cancelled call is not answered where `text` ends with `!`), `pid`, `ask` (asks its client for input, and repeats the answer), `stray` (sends a request after its answer), `crash`, `state`.
 * The file `mode` in its working directory says what else it does: `caller` gives each client another list, `isolated` and `shared` declare themselves.
 */
const text = (version: string): string => `#!/usr/bin/env node
const { readFileSync, appendFileSync } = require('node:fs');
let mode = '';
try { mode = readFileSync('mode', 'utf8'); } catch {}
appendFileSync('starts', process.pid + '\\n');
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
const methods = [];
const asked = new Map();
const cancelled = new Set();
let lists = 0;
const mux = mode === 'isolated' || mode === 'shared' ? { 'x-mux': { sharing: mode } } : {};
const tools = ['echo', 'pid', 'ask', 'stray', 'crash', 'state'].map((name) => ({ name, description: '${version}', inputSchema: { type: 'object' } }));
async function call(id, { name, arguments: given = {}, _meta }) {
  const answer = (text) => (cancelled.has(id) && String(given.text).endsWith('!')) || send({ id, result: { content: [{ type: 'text', text: String(text) }] } });
  if (name === 'echo') {
    appendFileSync('calls', given.text + '\\n');
    if (_meta?.progressToken !== undefined) send({ method: 'notifications/progress', params: { progressToken: _meta.progressToken, progress: 1, message: given.text } });
    if (given.ms > 0) await new Promise((resolve) => setTimeout(resolve, given.ms));
    answer(given.text);
  } else if (name === 'ask') {
    const own = 'ask-' + asked.size;
    const got = new Promise((resolve) => asked.set(own, resolve));
    send({ id: own, method: 'elicitation/create', params: { message: given.text, requestedSchema: { type: 'object', properties: {} } } });
    answer(JSON.stringify(await got));
  } else if (name === 'stray') {
    answer('strayed');
    setTimeout(() => send({ id: 'stray', method: 'roots/list' }), 20);
  } else if (name === 'crash') {
    process.kill(process.pid, 'SIGKILL');
  } else {
    answer(name === 'pid' ? process.pid : methods.join(' '));
  }
}
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params, result, error } = JSON.parse(line);
  if (method === undefined) { asked.get(id)?.(result ?? error); return; }
  methods.push(method + (params?.level ?? params?.uri ?? ''));
  if (method === 'notifications/cancelled') { cancelled.add(params.requestId); return; }
  if (id === undefined) return;
  if (method === 'tools/call') { void call(id, params); return; }
  const results = {
    initialize: { protocolVersion: params?.protocolVersion, capabilities: { tools: {}, logging: {}, resources: { subscribe: true }, ...mux }, serverInfo: { name: 'demo', version: '${version}' } },
    'tools/list': { tools: mode === 'caller' ? [...tools, { ...tools[0], name: 'for' + ++lists }] : tools },
    'resources/list': { resources: [] },
  };
  send({ id, result: results[method] ?? {} });
}).on('close', () => process.exit(0));
`;

/** Installs it as a package. @returns the program */
export async function installSharing(folder: string, version = '1.0.0'): Promise<string> {
  const place = join(folder, 'node_modules', 'sharing-demo');
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'package.json'), JSON.stringify({ name: 'sharing-demo', version, main: 'index.js', bin: 'index.js' }));
  writeFileSync(join(place, 'index.js'), text(version), { mode: 0o755 });
  // Code that has just changed may be half of an installation, and is not trusted.
  await until('the code is two seconds old', () => Date.now() - statSync(place).ctimeMs > 2_100);
  return join(place, 'index.js');
}
