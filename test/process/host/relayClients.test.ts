// Real clients from npm connect through the launcher and a relay to a lazily started server. Long: hundreds of megabytes are fetched once.
import { deepEqual, equal, ok } from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { assertNames } from '../../names.ts';
import { installOpencode } from '../../screen/realOpencode.ts';
import { until } from '../../until.ts';
import { clientProgram } from '../action/protect/clientProgram.ts';
import { type CodexThread, nowhere, startCodexThread } from '../action/protect/codexAppServer.ts';
import { RealClientStage } from '../action/protect/realClientStage.ts';
import { childrenOf, commandOf, isRunning, processesWith, publishedGuards } from '../guard/guardedServer.ts';
import { run } from '../package/command.ts';

const quiet = {
  DISABLE_AUTOUPDATER: '1',
  OPENCODE_DISABLE_AUTOUPDATE: '1',
  OPENCODE_DISABLE_MODELS_FETCH: '1',
  NPM_CONFIG_OFFLINE: 'true',
};

/** Notes each start, and answers a call with its PID. */
const text = `
require('node:fs').appendFileSync(__dirname + '/../../starts', process.pid + '\\n');
const results = {
  initialize: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'notes', version: '1.0.0' } },
  'tools/list': { tools: [{ name: 'pid', description: 'its PID', inputSchema: { type: 'object' } }] },
};
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line);
  if (id === undefined) return;
  const result = method === 'tools/call' ? { content: [{ type: 'text', text: String(process.pid) }] } : results[method];
  const answer = result ? { result } : { error: { code: -32601, message: 'unknown' } };
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, ...answer }) + '\\n');
}).on('close', () => process.exit(0));
`;

describe('host: a real client through a relay', function () {
  const stage = new RealClientStage(this);
  let project = '';
  let server = '';

  beforeEach(async () => {
    project = join(stage.world.root, 'shop');
    server = join(project, 'node_modules', 'notes-mcp', 'index.js');
    mkdirSync(dirname(server), { recursive: true });
    writeFileSync(server, text);
    writeFileSync(join(dirname(server), 'package.json'), JSON.stringify({ name: 'notes-mcp', version: '1.0.0', main: 'index.js' }));
    await until('the code is two seconds old: younger code is not trusted', () => Date.now() - statSync(dirname(server)).ctimeMs > 2_100);
  });
  afterEach(() => {
    for (const pid of hosts()) {
      process.kill(pid, 'SIGKILL');
    }
  });
  const hosts = (): number[] => processesWith(`\0host\0${stage.world.runDir}`);
  const starts = (): number =>
    existsSync(join(project, 'starts')) ? readFileSync(join(project, 'starts'), 'utf8').trim().split('\n').length : 0;
  const ask = (program: string, ...args: readonly string[]): Promise<string> =>
    run(program, args, { cwd: project, env: { ...stage.env, ...quiet } });
  /** The entry in this file starts the server lazily, through a relay. @param more options of the guard, as they stand in the file */
  async function useRelay(client: string, file: string, more = ''): Promise<void> {
    await stage.shepherd('protect', 'notes', '--client', client, '--start', 'lazy', '--yes');
    const before = readFileSync(file, 'utf8');
    const after = before.replace(/"guard",/, `"guard", "--relay",${more}`);
    ok(after !== before, before);
    writeFileSync(file, after);
  }

  it('Claude Code connects, and from the second session on no server is started for it', async () => {
    const claude = await clientProgram('@anthropic-ai/claude-code', '2.1.329', 'claude');
    await ask(claude, 'mcp', 'add', '--scope', 'user', 'notes', '--', process.execPath, server);
    await useRelay('claude-code', join(stage.world.home, '.claude.json'));
    assertNames(await ask(claude, 'mcp', 'list'), 'notes:', '--relay', 'Connected');
    const first = starts();
    ok(first > 0, 'control: its answers are not known yet');
    equal(hosts().length, 1);
    assertNames(await ask(claude, 'mcp', 'list'), 'notes:', 'Connected');
    equal(starts(), first);
  });

  it('opencode connects, and from the second session on no server is started for it', async () => {
    const opencode = await installOpencode();
    const file = stage.world.write('.config/opencode/opencode.jsonc', {
      mcp: { notes: { type: 'local', command: [process.execPath, server] } },
    });
    await useRelay('opencode', file);
    assertNames(await ask(opencode, 'mcp', 'list'), 'notes', 'connected', '--relay');
    const first = starts();
    ok(first > 0, 'control: its answers are not known yet');
    equal(hosts().length, 1);
    assertNames(await ask(opencode, 'mcp', 'list'), 'notes', 'connected');
    equal(starts(), first);
  });

  it('Codex lists the tools before the server runs, and calls one through its app server', async () => {
    const codex = await clientProgram('@openai/codex', '0.169.0', 'codex');
    const file = stage.world.write('.codex/config.toml', nowhere);
    await ask(codex, 'mcp', 'add', 'notes', '--', process.execPath, server);
    await useRelay('codex', file);
    const ready = ({ startups }: Pick<CodexThread, 'startups'>): Promise<unknown> =>
      until('Codex has its tools', () => startups.includes('notes ready'));
    const first = await startCodexThread(codex, project, stage.env);
    await ready(first).finally(() => first.dispose());
    const before = starts();
    equal(before, 1, 'control: its answers are not known yet');
    const thread = await startCodexThread(codex, project, stage.env);
    try {
      await ready(thread);
      deepEqual([...new Set(thread.startups)], ['notes starting', 'notes ready']);
      equal(starts(), before, 'the tools are listed, and no server runs');
      const [relay = 0] = childrenOf(thread.pid).filter((pid) => commandOf(pid).includes('--relay'));
      ok(relay > 0);
      const pid = Number(await thread.call('notes', 'pid'));
      equal(starts(), before + 1);
      deepEqual(childrenOf(relay), [pid], 'the server is a child of the relay');
      const [host = 0] = hosts();
      await until('the host has published it', () =>
        publishedGuards(stage.world.runDir).some(
          ({ guard, record }) => guard === relay && record.x !== undefined && (record.x as { hostPid?: number }).hostPid === host,
        ),
      );
      ok(isRunning(host));
    } finally {
      await thread.dispose();
    }
  });

  it('Codex: two sessions share one server, which is a child of the host', async () => {
    const codex = await clientProgram('@openai/codex', '0.169.0', 'codex');
    const file = stage.world.write('.codex/config.toml', nowhere);
    await ask(codex, 'mcp', 'add', 'notes', '--', process.execPath, server);
    await useRelay('codex', file, ' "--share",');
    const threads = [await startCodexThread(codex, project, stage.env), await startCodexThread(codex, project, stage.env)];
    try {
      await until('both have its tools', () => threads.every(({ startups }) => startups.includes('notes ready')));
      const pids = [await threads[0]?.call('notes', 'pid'), await threads[1]?.call('notes', 'pid')];
      const told = publishedGuards(stage.world.runDir).map(({ guard, record }) => [guard, record.x]);
      equal(pids[0], pids[1], JSON.stringify(told));
      equal(starts(), 1);
      deepEqual(
        hosts()
          .flatMap(childrenOf)
          .filter((pid) => `${pid}` === pids[0]).length,
        1,
      );
    } finally {
      await Promise.all(threads.map((thread) => thread.dispose()));
    }
  });

  it('Codex: an idle server sleeps, and the next call starts it again', async () => {
    const codex = await clientProgram('@openai/codex', '0.169.0', 'codex');
    const file = stage.world.write('.codex/config.toml', nowhere);
    await ask(codex, 'mcp', 'add', 'notes', '--', process.execPath, server);
    await useRelay('codex', file, ' "--sleep-after", "0.02",');
    const thread = await startCodexThread(codex, project, stage.env);
    try {
      await until('Codex has its tools', () => thread.startups.includes('notes ready'));
      const pid = Number(await thread.call('notes', 'pid'));
      ok(pid > 0);
      await until('it sleeps', () => !isRunning(pid));
      const next = Number(await thread.call('notes', 'pid'));
      ok(next > 0 && next !== pid);
    } finally {
      await thread.dispose();
    }
  });
});
