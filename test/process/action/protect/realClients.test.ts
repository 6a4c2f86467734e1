// Real clients from npm connect to a server that was put behind the guard in their own files. Long: hundreds of megabytes are fetched once.
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { beforeEach, describe, it } from 'mocha';
import type { Definition } from '../../../../src/model/definition.ts';
import { assertNames } from '../../../names.ts';
import { installOpencode } from '../../../screen/realOpencode.ts';
import { until } from '../../../until.ts';
import { run } from '../../package/command.ts';
import { makeProject, servers } from '../../package/npmServers.ts';
import { clientProgram } from './clientProgram.ts';
import { RealClientStage } from './realClientStage.ts';

const quiet = {
  DISABLE_AUTOUPDATER: '1',
  OPENCODE_DISABLE_AUTOUPDATE: '1',
  OPENCODE_DISABLE_MODELS_FETCH: '1',
  NPM_CONFIG_OFFLINE: 'true',
};

describe('a protected entry in a real client', function () {
  const stage = new RealClientStage(this);
  let server = '';

  beforeEach(async () => {
    const project = join(stage.world.root, 'shop');
    await makeProject(project, [`${servers.memory.name}@${servers.memory.versions[1]}`]);
    server = join(project, 'node_modules', '.bin', servers.memory.bin);
  });

  it('Claude Code connects, and its own file comes back to the byte', async () => {
    const claude = await clientProgram('@anthropic-ai/claude-code', '2.1.329', 'claude');
    const ask = (...args: readonly string[]): Promise<string> =>
      run(claude, args, { cwd: stage.world.home, env: { ...stage.env, ...quiet } });
    await ask('mcp', 'add', '--scope', 'local', 'notes', '--', process.execPath, server);
    assertNames(await ask('mcp', 'list'), 'notes:', 'Connected');
    await stage.shepherd('protect', 'notes', '--yes');
    assertNames(await ask('mcp', 'list'), 'notes:', 'mcp-shepherd guard', 'Connected');
    const guarded = readFileSync(join(stage.world.home, '.claude.json'), 'utf8');
    await stage.shepherd('unprotect', 'notes', '--yes');
    await stage.shepherd('protect', 'notes', '--yes');
    equal(readFileSync(join(stage.world.home, '.claude.json'), 'utf8'), guarded);
    await stage.shepherd('unprotect', 'notes', '--yes');
    match(await ask('mcp', 'list'), /notes: (?!\S*mcp-shepherd).*Connected/);
  });

  it('a lazily started server: two sessions of one client have one key, and the second starts no server', async () => {
    const claude = await clientProgram('@anthropic-ai/claude-code', '2.1.329', 'claude');
    const opencode = await installOpencode();
    stage.world.write('.config/opencode/opencode.jsonc', { mcp: { notes: { type: 'local', command: [process.execPath, server] } } });
    const ask = (program: string, ...args: readonly string[]): Promise<string> =>
      run(program, args, { cwd: stage.world.home, env: { ...stage.env, ...quiet } });
    await ask(claude, 'mcp', 'add', '--scope', 'local', 'notes', '--', process.execPath, server);
    for (const [id, program] of [
      ['claude-code', claude],
      ['opencode', opencode],
    ] as const) {
      await stage.shepherd('protect', 'notes', '--client', id, '--start', 'lazy', '--yes');
      const before = keptAnswers();
      // Of code that is younger than two seconds nothing is kept.
      await until('the code to be old enough', () => Date.now() - statSync(server).ctimeMs > 3_000);
      await ask(program, 'mcp', 'list');
      const once = keptAnswers();
      // One of `initialize`, and one of the probe `server/discover` with which some clients begin.
      ok(once.keys > before.keys && once.keys <= before.keys + 2, id);
      assertNames(await ask(program, 'mcp', 'list'), 'notes');
      const twice = keptAnswers();
      equal(twice.keys, once.keys, `${id}: the same keys`);
      equal(twice.spared, once.spared + 1, `${id}: no start`);
    }
  });

  /** How many keys have answers, and how many sessions started no server. */
  function keptAnswers(): { readonly keys: number; readonly spared: number } {
    const folder = join(stage.world.runDir, 'shepherd', 'lazy');
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => /^[0-9a-f]{32}/.test(name)) : [];
    const files = names.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as { sets: unknown[]; spared: number });
    return { keys: files.reduce((sum, { sets }) => sum + sets.length, 0), spared: files.reduce((sum, { spared }) => sum + spared, 0) };
  }

  it('Continue, whose file is YAML, offers the tools of the server to its model, and its file comes back to the byte', async () => {
    const continueCli = await clientProgram('@continuedev/cli', '1.5.47', 'cn');
    const offered: string[] = [];
    // Stands in for the model: it notes which tools it is offered, and answers one word.
    const model = createServer((request, answer) => {
      request.setEncoding('utf8');
      let body = '';
      request.on('data', (text: string) => {
        body += text;
      });
      request.on('end', () => {
        const { tools = [] } = JSON.parse(body) as { readonly tools?: readonly { readonly function: { readonly name: string } }[] };
        offered.push(...tools.map((tool) => tool.function.name));
        const chunk = (delta: object, reason: string | null): string =>
          `data: ${JSON.stringify({ id: '1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`;
        answer.writeHead(200, { 'content-type': 'text/event-stream' });
        answer.end(`${chunk({ role: 'assistant', content: 'done' }, null)}${chunk({}, 'stop')}data: [DONE]\n\n`);
      });
    });
    await new Promise<void>((resolve) => model.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = model.address() as AddressInfo;
      const before = [
        'name: Mine # kept',
        'version: 1.0.0',
        'schema: v1',
        'models:',
        `  - { name: m, provider: openai, model: m, apiKey: x, apiBase: "http://127.0.0.1:${port}/v1" }`,
        'mcpServers:',
        '  # the notes',
        '  - name: notes',
        `    command: ${process.execPath}`,
        `    args: ["${server}"] # why`,
        '',
      ].join('\n');
      const file = join(stage.world.home, '.continue', 'config.yaml');
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, before);
      const ask = (): Promise<string> =>
        run(continueCli, ['-p', 'hello'], { cwd: stage.world.home, env: { ...stage.env, CONTINUE_TELEMETRY_ENABLED: '0' } });
      assertNames(await ask(), 'done');
      ok(offered.includes('read_graph'), offered.join());
      const found = JSON.parse(await stage.shepherd('status', '--json')) as { readonly definitions: readonly Definition[] };
      deepEqual(
        found.definitions.map(({ client, scope, name, command, args, line }) => [client, scope, name, command, args, line]),
        [['continue', 'user', 'notes', process.execPath, [server], 8]],
      );
      await stage.shepherd('protect', 'notes', '--yes');
      assertNames(readFileSync(file, 'utf8'), 'guard', '# the notes', '# why', '# kept');
      offered.length = 0;
      assertNames(await ask(), 'done');
      ok(offered.includes('read_graph'), offered.join());
      await stage.shepherd('unprotect', 'notes', '--yes');
      equal(readFileSync(file, 'utf8'), before);
    } finally {
      model.close();
    }
  });

  it('opencode connects', async () => {
    const opencode = await installOpencode();
    const file = stage.world.write('.config/opencode/opencode.jsonc', {
      mcp: { notes: { type: 'local', command: [process.execPath, server] } },
    });
    const list = (): Promise<string> => run(opencode, ['mcp', 'list'], { cwd: stage.world.home, env: { ...stage.env, ...quiet } });
    assertNames(await list(), 'notes', 'connected');
    const before = readFileSync(file, 'utf8');
    await stage.shepherd('protect', 'notes', '--yes');
    assertNames(await list(), 'notes', 'connected', 'mcp-shepherd guard');
    await stage.shepherd('unprotect', 'notes', '--yes');
    equal(readFileSync(file, 'utf8'), before);
  });
});
