// The real clients from npm write their files in an empty home, by their own `mcp add`; each entry is found with client, scope, command and arguments, and the short-lived
// servers that their `mcp list` starts are no finding. On line and large (600 MB): with TEST_LONG=1 only.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { after, before, describe, it } from 'mocha';
import { withoutClientMarks } from '../../../scripts/system/withoutClientMarks.ts';
import { discoverDefinitions } from '../../../src/config/discovery/discoverDefinitions.ts';
import { makeSurveyor } from '../survey/world.ts';

const server = ['-y', '@modelcontextprotocol/server-memory'];

/**
 * Package and program of each client, its words before the server, and where the entry is then. `list`: its words that list the servers, where these are others than
 * `mcp list`; most of them start each server for a moment.
 */
const clients = [
  {
    id: 'claude-code',
    scope: 'local',
    package: '@anthropic-ai/claude-code',
    words: ['claude', 'mcp', 'add', 'mem', '-e', 'K=v1', '--', 'npx', ...server],
  },
  { id: 'codex', scope: 'user', package: '@openai/codex', words: ['codex', 'mcp', 'add', 'mem', '--env', 'K=v1', '--', 'npx', ...server] },
  {
    id: 'gemini',
    scope: 'user',
    package: '@google/gemini-cli',
    words: ['gemini', 'mcp', 'add', '-s', 'user', 'mem', 'npx', '-e', 'K=v1', '--', ...server],
  },
  {
    id: 'qwen',
    scope: 'user',
    package: '@qwen-code/qwen-code',
    words: ['qwen', 'mcp', 'add', '-s', 'user', 'mem', 'npx', '-e', 'K=v1', '--', ...server],
  },
  {
    id: 'opencode',
    scope: 'user',
    package: 'opencode-ai',
    words: ['opencode', 'mcp', 'add', 'mem', '--env', 'K=v1', '--', 'npx', ...server],
  },
  {
    id: 'copilot-cli',
    scope: 'user',
    package: '@github/copilot',
    words: ['copilot', 'mcp', 'add', 'mem', '--env', 'K=v1', '--', 'npx', ...server],
  },
  {
    id: 'auggie',
    scope: 'user',
    package: '@augmentcode/auggie',
    words: ['auggie', 'mcp', 'add', 'mem', '--command', 'npx', '--args', server.join(' '), '--env', 'K=v1'],
  },
  {
    id: 'mcporter',
    scope: 'user',
    package: 'mcporter',
    words: [
      ...['mcporter', 'config', 'add', 'mem', '--command', 'npx', '--env', 'K=v1', '--scope', 'home'],
      ...server.flatMap((word) => ['--arg', word]),
    ],
    list: ['list'],
  },
  {
    id: 'amp',
    scope: 'user',
    package: '@sourcegraph/amp',
    words: ['amp', 'mcp', 'add', 'mem', '--env', 'K=v1', '--', 'npx', ...server],
  },
] as const;

const describeLong = process.env.TEST_LONG === '1' ? describe : undefined;

describeLong?.('files that the real clients write', function () {
  this.timeout(600_000);
  let root = '';
  /** How many servers the list of each client has started, as far as a scan saw them. */
  const allSeen = new Map<string, number>();
  before(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'shepherd-clients-')));
    const names = clients.map((client) => client.package);
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--prefix', join(root, 'programs'), ...names], { stdio: 'pipe' });
    // So that npx starts the server at once.
    const env = { ...process.env, NPM_CONFIG_CACHE: join(root, 'npm') };
    execFileSync('npm', ['exec', '--yes', `--package=${server[1]}`, '--call=node -e 0'], { cwd: root, stdio: 'pipe', env });
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  for (const { id, scope, words, ...more } of clients) {
    it(`${id} mcp add, and its list`, async () => {
      const home = join(root, id);
      const project = join(home, 'project');
      mkdirSync(project, { recursive: true });
      const [name, ...args] = words;
      const program = join(root, 'programs', 'node_modules', '.bin', name);
      const env = { ...withoutClientMarks(process.env), HOME: home, NPM_CONFIG_CACHE: join(root, 'npm') };
      execFileSync(program, args, { cwd: project, env, stdio: 'pipe', timeout: 120_000 });
      const reading = await discoverDefinitions({ home, platform: process.platform, env: {}, folders: [project], vscodeUserDirs: [] });
      assert.deepEqual(reading.problems, []);
      assert.ok(reading.present.includes(id));
      assert.deepEqual(
        reading.definitions.map((entry) => [
          entry.client,
          entry.scope,
          entry.name,
          entry.transport,
          entry.command,
          ...entry.args,
          entry.env.K,
        ]),
        [[id, scope, 'mem', 'stdio', 'npx', ...server, 'v1']],
      );

      const observer = await makeSurveyor(home, join(home, 'run'), { folders: [project] });
      const told = new Set<string>();
      const seen = new Set<number>();
      let isOver = false;
      // What it answers is not the subject: without an account or a network some end with an error.
      const list = new Promise<void>((resolve) => {
        const words = 'list' in more ? more.list : ['mcp', 'list'];
        execFile(program, words, { cwd: project, env, timeout: 120_000 }, () => resolve()).stdin?.end();
      }).then(() => {
        isOver = true;
      });
      for (let after = 0; after < 3; after += Number(isOver)) {
        await wait(20);
        for (const { pid, name: server, findings } of (await observer.survey()).instances) {
          seen.add(pid);
          for (const { kind, confidence, message } of findings) {
            told.add(`${server}: ${kind}, ${confidence}: ${message}`);
          }
        }
      }
      await list;
      observer.dispose();
      allSeen.set(id, seen.size);
      assert.deepEqual([...told], []);
    });
  }

  it('control: servers were seen while the lists ran', () => {
    console.log([...allSeen].map(([id, count]) => `${id} ${count}`).join(', '));
    assert.ok((allSeen.get('claude-code') ?? 0) > 0);
  });
});
