// Stands in for an MCP client (prepareDemo.ts copies it to where that client's own program would be). It is plain
// JavaScript because Node does not strip types below node_modules. It speaks the protocol for real.
//
// stdin: one line of JSON, a list of { name, command, args, copies, marks, ownGroup }; stdout: one line of JSON for each server
// that has answered, { name, pid, server }. It runs until it is signalled.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const children = [];

/** Starts one server as a child with pipes and waits for its answer to `initialize` and to `tools/list`. */
function start({ name, command, args, marks, ownGroup = false }) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'], detached: ownGroup, env: { ...process.env, ...marks } });
  children.push(child);
  child.once('error', (error) => report({ name, error: error.message }));
  const send = (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = JSON.parse(line);
    if (message.id === 1 && message.result) {
      send({ method: 'notifications/initialized' });
      send({ id: 2, method: 'tools/list' });
    } else if (message.id === 2 && message.result) {
      report({ name, pid: child.pid, tools: message.result.tools.length });
    }
  });
  const clientInfo = { name: 'claude-code', version: '2.0.0' };
  send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo } });
}

function report(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

createInterface({ input: process.stdin }).once('line', (line) => {
  for (const server of JSON.parse(line)) {
    for (let copy = 0; copy < server.copies; copy++) {
      start(server);
    }
  }
});

// On SIGTERM a client ends its servers; a killed client (SIGKILL) cannot.
process.once('SIGTERM', () => {
  for (const child of children) {
    child.kill('SIGTERM');
  }
  process.exit();
});
// Keeps the process alive after its stdin has closed.
setInterval(() => {}, 60_000);
