import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { after, afterEach, before, describe, it } from 'mocha';
import type { RawDefinition } from '../../../../src/model/definition.ts';
import { npxHash } from '../../../../src/process/commandline/npmCommand.ts';
import { launcherKind } from '../../../../src/process/tree/launcherChain.ts';
import type { Attributed } from '../../../../src/survey/match/attributeServers.ts';
import { definition } from '../../../fixtures/argv/processRows.ts';
import { makeVenv, pip } from '../../package/pythonWheels.ts';
import { Workshop } from './clientStandIn.ts';

const run = promisify(execFile);
const everything = ['-y', '@modelcontextprotocol/server-everything', 'stdio'];
const memory = '@modelcontextprotocol/server-memory';

/** A wheel made by hand: installs without a build, a compiler or the network. */
const wheel = `
import zipfile, sys
with zipfile.ZipFile(sys.argv[1], 'w') as z:
    z.writestr('demo_mcp/__init__.py', 'import sys\\ndef main():\\n    sys.stdin.read()\\n')
    z.writestr('demo_mcp/__main__.py', 'from demo_mcp import main\\nmain()\\n')
    z.writestr('demo_mcp-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: demo-mcp\\nVersion: 1.0\\n')
    z.writestr('demo_mcp-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: hand\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    z.writestr('demo_mcp-1.0.dist-info/entry_points.txt', '[console_scripts]\\ndemo-mcp = demo_mcp:main\\n')
    z.writestr('demo_mcp-1.0.dist-info/RECORD', '')
`;

describe('launchers as they really are', function () {
  this.timeout(180_000);
  let shop: Workshop;
  let tools = '';
  let venv = '';

  before(async function () {
    if (process.platform !== 'linux') {
      console.log('skipped: reads /proc');
      this.skip();
    }
    shop = new Workshop();
    tools = join(shop.dir, 'tools', 'node_modules', '.bin');
    venv = join(shop.dir, 'venv');
    mkdirSync(join(shop.dir, 'tools'));
  });

  afterEach(() => shop?.close());
  after(() => shop?.remove());

  /** Starts an entry under a client and expects exactly one server, matched to the entry and to the client. */
  async function expectOne(
    command: string,
    args: readonly string[],
    launchers: readonly string[],
    more: { cwd?: string; env?: Record<string, string> } = {},
  ): Promise<Attributed> {
    const child = shop.start(command, args, more);
    const found = await shop.settled(child, [definition('wanted', 'claude-code', command, args), ...decoys(command, args)]);
    const [one] = found;
    assert.ok(one);
    const seen = `${one.server.argv.join(' ')} below ${one.launchers.map((row) => row.commandLine).join(' > ')}`;
    assert.equal(found.length, 1, found.map((each) => each.server.commandLine).join(' ; '));
    assert.deepEqual(
      one.definitions.map((each) => each.name),
      ['wanted'],
      seen,
    );
    assert.deepEqual(
      one.launchers.map((row) => launcherKind(row)),
      launchers,
      seen,
    );
    assert.deepEqual([one.client?.id, one.client?.row.pid, one.parent?.pid], ['claude-code', child.pid, child.pid]);
    return one;
  }

  function decoys(command: string, args: readonly string[]): RawDefinition[] {
    return [
      definition('other-client', 'cursor', command, args),
      definition('other-argument', 'claude-code', command, [...args.slice(0, -1), `${args.at(-1) ?? ''}-other`]),
      definition('other-package', 'claude-code', 'npx', ['-y', 'some-other-mcp']),
    ];
  }

  it('npx: title rewritten and padded, shell, node', async () => {
    const one = await expectOne('npx', everything, ['npm exec', 'sh']);
    assert.equal(one.confidence, 'proven');
    const title = one.launchers[0];
    assert.equal(title?.commandLine, 'npm exec @modelcontextprotocol/server-everything stdio');
    assert.equal(title.argvExact, false);
    assert.ok(one.server.commandLine.includes(`/_npx/${npxHash(['@modelcontextprotocol/server-everything'])}/`), one.server.commandLine);
  });

  it('npx: the launchers killed, the server leads back to its entry and its client by itself', async () => {
    const child = shop.start('npx', everything, { env: { LAUNCHER_MAY_GO: '1' } });
    const entries = [definition('wanted', 'claude-code', 'npx', everything), ...decoys('npx', everything)];
    const [one] = await shop.settled(child, entries);
    assert.ok(one);
    for (const row of one.launchers) {
      process.kill(row.pid, 'SIGKILL');
    }
    const mine = async (): Promise<Attributed | undefined> =>
      (await shop.everything(entries)).find((each) => each.server.pid === one.server.pid);
    let alone = await mine();
    for (const end = Date.now() + 10_000; alone && alone.launchers.length > 0 && Date.now() < end; ) {
      alone = await mine();
    }
    assert.deepEqual([alone?.client, alone?.markedClient, alone?.launchers], [undefined, 'claude-code', []]);
    assert.deepEqual(
      alone?.definitions.map((each) => each.name),
      ['wanted'],
    );
  });

  it('npx -p: the package is not in the title', async () => {
    await expectOne('npx', ['-y', '-p', '@modelcontextprotocol/server-everything', 'mcp-server-everything', 'stdio'], ['npm exec', 'sh']);
  });

  it('npm exec -- and npm run', async () => {
    await expectOne('npm', ['exec', '--yes', '--', ...everything.slice(1)], ['npm exec', 'sh']);
    await shop.close();
    const project = join(shop.dir, 'project');
    mkdirSync(project);
    shop.write('project/package.json', JSON.stringify({ name: 'p', version: '1.0.0', scripts: { mcp: 'node ../server.mjs' } }));
    await expectOne('npm', ['run', 'mcp'], ['npm run', 'sh'], { cwd: project });
    await shop.close();
    await expectOne('npm', ['--prefix', project, 'run', 'mcp'], ['npm run', 'sh']);
  });

  it('shells: cd and node, and a wrapper that replaces itself', async () => {
    await expectOne('sh', ['-c', `cd ${shop.dir} && node server.mjs; exit $?`], ['sh']);
    await shop.close();
    await expectOne('sh', ['-c', `cd ${shop.dir} && exec node server.mjs`], []);
    await shop.close();
    await expectOne('bash', ['-c', `exec -a pretty-name ${process.execPath} ${shop.dir}/server.mjs`], []);
    await shop.close();
    await expectOne('/usr/bin/env', ['-u', 'NOTHING', 'A=1', 'node', 'server.mjs'], []);
  });

  it('a script that waits for its server, and node --watch', async () => {
    const script = shop.write('start.sh', '#!/bin/bash\necho starting >&2\nnode "$(dirname "$0")/server.mjs"\nexit $?\n');
    await expectOne('bash', [script], ['bash']);
    await shop.close();
    await expectOne('node', ['--watch', join(shop.dir, 'server.mjs')], ['node --watch']);
  });

  it('a server that wipes its command line', async () => {
    const child = shop.start('node', [join(shop.dir, 'server.mjs')], { env: { TITLE: 'wanted' } });
    const entries = [definition('wanted', 'claude-code', 'node', [join(shop.dir, 'server.mjs')]), ...decoys('node', ['x'])];
    const until = Date.now() + 20_000;
    let found = await shop.settled(child, entries);
    while (found[0]?.server.commandLine !== 'wanted' && Date.now() < until) {
      found = await shop.below(child.pid ?? 0, entries);
    }
    assert.deepEqual(
      found.map((one) => [one.server.commandLine, one.definitions.map((each) => each.name), one.confidence]),
      [['wanted', ['wanted'], 'likely']],
    );
  });

  it('same command, other environment: another entry', async () => {
    const args = [join(shop.dir, 'server.mjs')];
    const entries = ['one', 'two'].map((db) => definition(db, 'claude-code', 'node', args, { env: { DB: db } }));
    const children = ['one', 'two', 'three'].map((db) => shop.start('node', args, { env: { DB: db } }));
    const names: string[] = [];
    for (const child of children.slice(0, 2)) {
      const found = await shop.settled(child, entries);
      names.push(...found.map((one) => one.definitions.map((each) => each.name).join('+')));
    }
    assert.deepEqual(names, ['one', 'two']);
    assert.deepEqual(await shop.below(children[2]?.pid ?? 0, entries), [], 'the third has no client');
  });

  describe('other package managers', () => {
    before(async function () {
      try {
        await run(
          'npm',
          [
            'install',
            '--no-audit',
            '--no-fund',
            '--prefix',
            join(shop.dir, 'tools'),
            'pnpm@12',
            'pnpm10@npm:pnpm@10',
            'bun',
            '@yarnpkg/cli-dist',
            'deno',
          ],
          {
            env: shop.environment,
          },
        );
      } catch (error) {
        console.log(`skipped: pnpm, bun, yarn and deno could not be installed: ${String(error).slice(0, 300)}`);
        this.skip();
      }
    });

    it('pnpm dlx, native: watchdog beside the server, version in the path', async () => {
      const one = await expectOne(join(tools, 'pnpm'), ['dlx', memory], ['pnpm dlx']);
      assert.match(one.server.commandLine, /server-memory@\d/);
    });

    it('pnpm dlx, as a node script', async () => {
      await expectOne('node', [join(shop.dir, 'tools', 'node_modules', 'pnpm10', 'bin', 'pnpm.cjs'), 'dlx', memory], ['pnpm dlx']);
    });

    it('bunx', async () => {
      await expectOne(join(tools, 'bunx'), [memory], ['bunx']);
    });

    it('yarn dlx', async () => {
      // server-memory does not run under Plug'n'Play: it requires a package that it does not declare.
      await expectOne(join(tools, 'yarn'), ['dlx', '@modelcontextprotocol/server-everything', 'stdio'], ['yarn dlx']);
    });

    it('deno run', async () => {
      await expectOne(join(tools, 'deno'), ['run', '-A', `npm:${memory}`], []);
    });
  });

  describe('Python', () => {
    let file = '';
    before(async function () {
      file = join(shop.dir, 'demo_mcp-1.0-py3-none-any.whl');
      try {
        await run('python3', ['-c', wheel, file]);
        await makeVenv(venv);
        await pip(venv, 'install', '--quiet', file);
      } catch (error) {
        console.log(`skipped: no venv could be made: ${String(error).slice(0, 300)}`);
        this.skip();
      }
    });

    it('console script and python -m', async () => {
      const script = await expectOne(join(venv, 'bin', 'demo-mcp'), ['--flag'], []);
      assert.deepEqual(script.server.argv.slice(1), [join(venv, 'bin', 'demo-mcp'), '--flag']);
      await shop.close();
      await expectOne(join(venv, 'bin', 'python'), ['-m', 'demo_mcp', '--flag'], []);
      await shop.close();
      await expectOne('sh', ['-c', `cd ${venv} && bin/python -m demo_mcp`], ['sh']);
    });

    it('pipx run', async function () {
      if (!existsSync('/usr/bin/pipx')) {
        console.log('skipped: no pipx here');
        this.skip();
      }
      if (process.env.TEST_LONG !== '1') {
        console.log('skipped: pipx brings its own pip up to date first (40 s); in test:long');
        this.skip();
      }
      await expectOne('pipx', ['run', '--spec', file, 'demo-mcp', '--flag'], []);
    });
  });
});
