// The program of a package that the soak installs in many versions; its version stands in its own package.json, read once at its start as code is.
// `node soakServer.cjs CALLS`: each call of `echo` appends "PID VERSION n" to CALLS before it is answered with its text, PID and version.
const { appendFileSync, readFileSync } = require('node:fs');
const { createInterface } = require('node:readline');

const calls = process.argv[2];
const { version } = JSON.parse(readFileSync(`${__dirname}/package.json`, 'utf8'));
let ready = false;

function answer(message) {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === 'notifications/initialized') {
    ready = true;
  } else if (method === 'initialize') {
    answer({
      id,
      result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'soak', version: '0' } },
    });
  } else if (!ready) {
    answer({ id, error: { code: -32602, message: 'Received request before initialization was complete' } });
  } else if (method === 'tools/list') {
    answer({ id, result: { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] } });
  } else if (method === 'tools/call') {
    const { n, text } = params.arguments;
    appendFileSync(calls, `${process.pid} ${version} ${n}\n`);
    answer({ id, result: { content: [{ type: 'text', text }], structuredContent: { pid: process.pid, version, n } } });
  } else if (id !== undefined) {
    answer({ id, result: {} });
  }
});
