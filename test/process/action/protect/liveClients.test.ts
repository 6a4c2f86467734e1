// Sessions of real clients from npm go on while the server behind the guard is replaced from a terminal. Long: hundreds of megabytes are fetched once.
import { deepEqual, equal, notEqual } from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, it } from 'mocha';
import { waitFor } from '../../../../scripts/system/waitFor.ts';
import { assertNames } from '../../../names.ts';
import { installOpencode, startOpencode } from '../../../screen/realOpencode.ts';
import { childrenOf, isRunning } from '../../guard/guardedServer.ts';
import { run } from '../../package/command.ts';
import { clientProgram } from './clientProgram.ts';
import { nowhere, startCodexThread } from './codexAppServer.ts';
import { RealClientStage } from './realClientStage.ts';

/** Tells its PID in a tool and in the name of a resource; until it had the whole handshake it answers nothing. */
const program = `
const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
let ready = false;
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  const answers = {
    'tools/list': { tools: [{ name: 'pid', inputSchema: { type: 'object' } }] },
    'tools/call': { content: [{ type: 'text', text: String(process.pid) }] },
    'resources/list': { resources: [{ uri: 'pid://' + process.pid, name: 'pid-' + process.pid }] },
    ping: {},
  };
  if (method === 'initialize') {
    say({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {}, resources: {} }, serverInfo: { name: 'pid', version: '1' } } });
  } else if (method === 'notifications/initialized') {
    ready = true;
  } else if (id !== undefined) {
    say(ready && answers[method] ? { id, result: answers[method] } : { id, error: { code: -32601, message: ready ? method : 'not initialized' } });
  }
});`;

describe('a session of a real client over restarts of its guarded server', function () {
  const stage = new RealClientStage(this);
  let server = '';
  let project = '';

  beforeEach(() => {
    project = join(stage.world.root, 'shop');
    mkdirSync(project);
    server = join(project, 'server.cjs');
    writeFileSync(server, program);
  });

  /** The processes between a client and its server. */
  const guardOf = (serverPid: number): number => {
    const stat = readFileSync(`/proc/${serverPid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  };

  /** @param ask asks the client again, which answers with the server's PID */
  async function goesOn(ask: () => Promise<number>): Promise<void> {
    const old = await ask();
    const guard = guardOf(old);
    assertNames(readFileSync(`/proc/${guard}/cmdline`, 'latin1'), 'guard.cjs');
    assertNames(await stage.shepherd('restart', 'notes'), `PID ${old}`, 'PID', 'now');
    const now = await ask();
    notEqual(now, old);
    deepEqual([guardOf(now), isRunning(old)], [guard, false], 'the same guard, the old server gone');
    process.kill(now, 'SIGKILL');
    await waitFor('the server to be brought back', async () => {
      const third = await ask().catch(() => now);
      return third !== now && isRunning(third) && guardOf(third) === guard;
    });
  }

  it('Codex: tools are called through its app server, without an account', async () => {
    const codex = await clientProgram('@openai/codex', '0.169.0', 'codex');
    const file = stage.world.write('.codex/config.toml', nowhere);
    await run(codex, ['mcp', 'add', 'notes', '--', process.execPath, server], { cwd: project, env: stage.env });
    const before = readFileSync(file, 'utf8');
    await stage.shepherd('protect', 'notes', '--yes');
    assertNames(await run(codex, ['mcp', 'list'], { cwd: project, env: stage.env }), 'notes', 'mcp-shepherd', 'guard');
    // A session runs under the minimal environment that Codex gives to its servers.
    const thread = await startCodexThread(codex, project, stage.env);
    try {
      await goesOn(async () => Number(await thread.call('notes', 'pid')));
      deepEqual([...new Set(thread.startups)], ['notes starting', 'notes ready'], 'Codex has started it once, and noticed nothing');
    } finally {
      await thread.dispose();
    }
    await stage.shepherd('unprotect', 'notes', '--yes');
    equal(readFileSync(file, 'utf8'), before);
  });

  it('opencode serve: its resources are read on, and /mcp/notes/connect works as before', async () => {
    const opencode = await installOpencode();
    stage.world.write('.config/opencode/opencode.json', { mcp: { notes: { type: 'local', command: [process.execPath, server] } } });
    await stage.shepherd('protect', 'notes', '--yes');
    const serving = await startOpencode(opencode, project, stage.env);
    try {
      deepEqual(await serving.workIn(project), { notes: 'connected' });
      const resource = async (): Promise<number> =>
        Number(/pid-(\d+)/.exec(await serving.ask('GET', '/experimental/resource', project))?.[1]);
      await goesOn(resource);
      deepEqual(await serving.workIn(project), { notes: 'connected' });
      const last = await resource();
      const guard = guardOf(last);
      equal(await serving.ask('POST', '/mcp/notes/disconnect', project), 'true');
      await waitFor('guard and server to be gone', () => !isRunning(last) && !isRunning(guard));
      equal(await serving.ask('POST', '/mcp/notes/connect', project), 'true');
      deepEqual(await serving.workIn(project), { notes: 'connected' });
      notEqual(guardOf(await resource()), guard);
      equal(childrenOf(serving.pid).length, 1, 'one guard, nothing beside it');
    } finally {
      await serving.dispose();
    }
  });
});
