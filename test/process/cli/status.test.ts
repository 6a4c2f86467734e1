import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { whyNoNamespace } from '../../../scripts/suites/processNamespace.ts';
import { withoutClientMarks } from '../../../scripts/system/withoutClientMarks.ts';
import type { Snapshot } from '../../../src/model/snapshot.ts';
import { assertNames, assertOmits } from '../../names.ts';
import { schemaErrors } from '../../unit/cli/schemaErrors.ts';
import { makeProject, npm, servers } from '../package/npmServers.ts';
import { makeWorld, type World } from '../survey/world.ts';
import { buildCli, type Ended, nodesByMajor, RunningCli } from './bundle.ts';
import { startServer, stopServer } from './serverChild.ts';

const nodes = nodesByMajor();
const [older, newer] = servers.memory.versions;

/** The oldest that is supported; the newest too in test:long, and with every other test of the bundle. */
for (const major of process.env.TEST_LONG === '1' ? [20, 24] : [nodes.has(20) ? 20 : 24]) {
  describe(`a real server in the command line on Node ${major}`, function () {
    this.timeout(120_000);
    const node = nodes.get(major) ?? '';
    let world: World;
    let env: NodeJS.ProcessEnv = {};
    let folder = '';
    let bundle = '';
    let project = '';
    let server: ChildProcess | undefined;
    const open: RunningCli[] = [];

    before(async function () {
      if (node === '') {
        console.log(`No Node ${major} on PATH: the bundle is not tried on it.`);
        this.skip();
      }
      folder = mkdtempSync(join(tmpdir(), 'cli-status-'));
      bundle = await buildCli(folder);
    });

    after(() => rmSync(folder, { recursive: true, force: true }));

    beforeEach(async () => {
      world = makeWorld();
      env = { ...withoutClientMarks(process.env), HOME: world.home, USERPROFILE: world.home, MCP_RUN_DIR: world.runDir, NO_COLOR: '1' };
      project = join(world.root, 'shop');
      await makeProject(project, [`${servers.memory.name}@${older}`]);
      const entry = join(project, 'node_modules', '.bin', servers.memory.bin);
      world.write('.cursor/mcp.json', {
        mcpServers: { notes: { command: process.execPath, args: [entry], env: { SECRET_TOKEN: 'hunter2-hunter2' } } },
      });
      server = await startServer(process.execPath, [entry], { cwd: project, env: { ...env, SECRET_TOKEN: 'hunter2-hunter2' } });
    });

    afterEach(async () => {
      for (const cli of open.splice(0)) {
        cli.child.kill('SIGKILL');
        await cli.ended();
      }
      await stopServer(server);
      await world.remove();
    });

    function start(...args: readonly string[]): RunningCli {
      const cli = new RunningCli(node, bundle, args, { cwd: world.home, env });
      open.push(cli);
      return cli;
    }

    function run(...args: readonly string[]): Promise<Ended> {
      return start(...args).ended();
    }

    function upgrade(): Promise<string> {
      return npm(project, 'install', '--save-exact', `${servers.memory.name}@${newer}`);
    }

    async function snapshotOf(...args: readonly string[]): Promise<Snapshot> {
      const { code, stdout, stderr } = await run('status', '--json', ...args);
      assert.equal(code, 0, stderr);
      assertOmits(stdout, 'hunter2');
      const value: unknown = JSON.parse(stdout);
      assert.deepEqual(schemaErrors(value), []);
      return value as Snapshot;
    }

    it('is one snapshot that fits the schema, before and after an upgrade under it', async () => {
      const fresh = (await snapshotOf()).instances.find(({ pid }) => pid === server?.pid);
      assert.equal(fresh?.name, 'notes');
      assert.deepEqual([fresh?.package?.name, fresh?.package?.running, fresh?.package?.installed], [servers.memory.name, older, older]);
      assert.deepEqual(fresh?.findings, []);
      await upgrade();
      const stale = (await snapshotOf()).instances.find(({ pid }) => pid === server?.pid);
      assert.deepEqual([stale?.package?.running, stale?.package?.installed], [older, newer]);
      assert.deepEqual(
        stale?.findings.map(({ kind, confidence }) => [kind, confidence]),
        [['stale', 'proven']],
      );
    });

    it('is one line of the table, and of restart the client that has to act', async () => {
      await snapshotOf();
      await upgrade();
      const { stdout } = await run('status');
      const line = stdout.split('\n').find((candidate) => candidate.includes(` ${server?.pid} `)) ?? stdout;
      assertNames(line, '! notes', older, newer);
      assertNames(stdout, world.runDir, 'MCP_RUN_DIR');
      const restart = await run('restart', 'notes');
      assert.equal(restart.code, 3, restart.stderr);
      assertNames(restart.stdout, `PID ${server?.pid}`, `(PID ${process.pid})`);
      const byPid: { plan: { target: { pid: number }; steps: { kind: string }[] }; outcome: { status: string } } = JSON.parse(
        (await run('restart', String(server?.pid), '--json')).stdout,
      );
      assert.deepEqual(
        [byPid.plan.target.pid, byPid.plan.steps.map(({ kind }) => kind), byPid.outcome.status],
        [server?.pid, ['manual'], 'manual'],
      );
      assert.equal(server?.exitCode, null, 'restart has signalled the server');
    });

    it('is explained: process, entry and why, package, record, what changed, and the fix; no secret', async () => {
      await snapshotOf();
      await upgrade();
      const short = (await run('status', 'notes')).stdout;
      assertNames(short.split('\n')[0], 'notes', `PID ${server?.pid}`, 'stale');
      assertNames(short, older, newer);
      assert.ok(short.trimEnd().split('\n').length <= 12, short);
      const { code, stdout, stderr } = await run('explain', 'notes', '-v');
      assert.equal(code, 0, stderr);
      assertNames(stdout, 'Stale (proven)');
      type Told = {
        readonly instance: { readonly pid: number; readonly evidence: { readonly source: { readonly metadata: string } } };
        readonly sections: readonly { readonly rows: readonly { readonly name: string; readonly text: string }[] }[];
      };
      const json: Told = JSON.parse((await run('explain', String(server?.pid), '--json')).stdout);
      const rows = json.sections.flatMap((section) => section.rows);
      for (const [name, fact] of [
        ['since', '-'],
        ['fix', ''],
        ['identity', `PID ${server?.pid}, `],
        ['known', '(notes)'],
        ['found', 'mcp-server-memory'],
        ['record', `${world.runDir}/shepherd/facts/`],
        ['environment', 'SECRET_TOKEN'],
      ] as const) {
        const texts = rows.filter((row) => row.name === name).map(({ text }) => text);
        assert.ok(
          texts.some((text) => text.includes(fact)),
          `${name}: ${texts.join(' | ')}`,
        );
      }
      assert.equal(json.instance.pid, server?.pid);
      assertNames(json.instance.evidence.source.metadata, 'server-memory/package.json');
      assert.ok(json.sections.length >= 4);
      assertOmits(stdout + JSON.stringify(json), 'hunter2');
      assert.equal((await run('explain', 'nothing-like-it')).code, 2);
    });

    it('makes --check exit 1 when stale, 0 when not', async function () {
      const reason = whyNoNamespace();
      if (reason) {
        console.log(`The exit code depends on all servers of the machine. ${reason}`);
        this.skip();
      }
      assert.equal((await run('status', '--check')).code, 0);
      await upgrade();
      assert.equal((await run('status', '--check', '--json')).code, 1);
      await stopServer(server);
      const after = await run('status', '--check');
      assert.equal(after.code, 0);
      assert.match(after.stdout, /^Not running: notes\b/m);
    });

    it('says of a configured server that it does not run', async () => {
      await stopServer(server);
      const { code, stderr } = await run('restart', 'notes');
      assert.equal(code, 2);
      assertNames(stderr, 'notes');
      assert.match(stderr, /\.cursor\/mcp\.json:\d+\n$/);
    });

    it('is followed by watch, in lines and in JSON', async () => {
      const lines = start('watch');
      const json = start('watch', '--json');
      const pid = server?.pid;
      await lines.until((stdout) => stdout.includes(`+ notes (PID ${pid})`));
      await json.until((stdout) =>
        snapshots(stdout).some(({ instances }) => instances.some((one) => one.pid === pid && one.package?.running === older)),
      );
      await upgrade();
      await lines.until((stdout) => stdout.includes(`! notes (PID ${pid}) stale: runs ${older}, installed ${newer}`));
      await json.until(
        (stdout) =>
          snapshots(stdout)
            .at(-1)
            ?.instances.some((one) => one.pid === pid && one.findings.length === 1) === true,
      );
      await stopServer(server);
      await lines.until((stdout) => stdout.includes(`- notes (PID ${pid}) ended`));
      for (const cli of [lines, json]) {
        cli.child.kill('SIGINT');
        const { code, stderr } = await cli.ended();
        assert.deepEqual([code, stderr], [0, '']);
      }
      for (const snapshot of snapshots(json.stdout)) {
        assert.deepEqual(schemaErrors(snapshot), []);
      }
    });

    it('ends in silence when its reader goes', async () => {
      const watch = start('watch', '--json');
      await watch.until((stdout) => stdout.includes('\n'));
      watch.child.stdout?.destroy();
      await stopServer(server);
      const { code, stderr } = await watch.ended();
      assert.deepEqual([code, stderr], [0, '']);
      const status = start('status', '--json');
      status.child.stdout?.destroy();
      const ended = await status.ended();
      assert.deepEqual([ended.code, ended.stderr], [0, '']);
    });

    it('lets doctor say what was looked at', async () => {
      world.write('.gemini/settings.json', '{ "mcpServers": { "a": ');
      const { code, stdout } = await run('doctor', '-v');
      assert.equal(code, 0);
      const nodeVersion = new RegExp(`^ +Node +v${major}\\.`, 'm');
      assert.match(stdout, nodeVersion);
      assertNames(stdout, 'State folder', `${world.runDir}, from MCP_RUN_DIR`);
      assertNames(stdout, 'found', '/.cursor/mcp.json', '1', 'Cursor');
      assertNames(stdout, 'broken', '/.gemini/settings.json');
      assertNames(stdout, 'absent', '/.claude.json (Claude Code)');
      assertNames(stdout, '/.gemini/settings.json:');
      const report: { processes: { count: number; bootIdKnown: boolean } } = JSON.parse((await run('doctor', '--json')).stdout);
      assert.ok(report.processes.count > 1 && report.processes.bootIdKnown);
    });
  });
}

/** The whole lines of `watch --json` so far. */
function snapshots(stdout: string): Snapshot[] {
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}
