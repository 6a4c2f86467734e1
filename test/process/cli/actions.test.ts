import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { whyNoNamespace } from '../../../scripts/suites/processNamespace.ts';
import { waitFor } from '../../../scripts/system/waitFor.ts';
import { withoutClientMarks } from '../../../scripts/system/withoutClientMarks.ts';
import type { HistoryEntry } from '../../../src/action/execute/actionHistory.ts';
import type { Outcome } from '../../../src/action/execute/exclusiveAction.ts';
import type { Plan } from '../../../src/action/plan/plan.ts';
import { ProcTable } from '../../../src/process/linux/procTable.ts';
import { assertNames } from '../../names.ts';
import { makeProject, servers } from '../package/npmServers.ts';
import { Children, deadPipesCanBeProven, kill } from '../process/children.ts';
import { makeWorld, type World } from '../survey/world.ts';
import { buildCli, type Ended, RunningCli } from './bundle.ts';

const [, newer] = servers.memory.versions;

interface Answer {
  readonly plan: Plan;
  readonly outcome: Outcome | null;
}

describe('stop, prune and history on real servers', function () {
  this.timeout(120_000);
  const children = new Children();
  let world: World;
  let env: NodeJS.ProcessEnv = {};
  let folder = '';
  let bundle = '';
  let entry = '';

  before(async function () {
    const reason = whyNoNamespace();
    if (reason) {
      console.log(`These tests end processes, and look at all of them. ${reason}`);
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'cli-actions-'));
    bundle = await buildCli(folder);
  });
  after(() => folder && rmSync(folder, { recursive: true, force: true }));
  beforeEach(async () => {
    world = makeWorld();
    env = { ...withoutClientMarks(process.env), HOME: world.home, USERPROFILE: world.home, MCP_RUN_DIR: world.runDir, NO_COLOR: '1' };
    const project = join(world.root, 'shop');
    await makeProject(project, [`${servers.memory.name}@${newer}`]);
    entry = join(project, 'node_modules', '.bin', servers.memory.bin);
    world.write('.cursor/mcp.json', { mcpServers: { notes: { command: process.execPath, args: [entry] } } });
  });
  afterEach(async () => {
    await children.end();
    await world.remove();
  });

  const run = (...args: readonly string[]): Promise<Ended> =>
    new RunningCli(process.execPath, bundle, args, { cwd: world.home, env }).ended();
  const json = async <T>(...args: readonly string[]): Promise<T> => JSON.parse((await run(...args, '--json')).stdout);
  /** A zombie does not count as alive. */
  const isAlive = async (pid: number): Promise<boolean> => (await new ProcTable().list()).some((row) => row.pid === pid);

  /** A client with the real server below it; each line of the client is the PID of a server that it has started. */
  async function startClient(mode: 'once' | 'again', deaf = false) {
    const script = join(import.meta.dirname, '../action/execute/respawningClient.ts');
    const keepAlive = deaf ? { SERVER_NODE_OPTIONS: '--import data:text/javascript,setInterval(()=>{},1000)' } : {};
    const args = ['--no-warnings', script, mode, process.execPath, entry];
    const client = await children.start(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...env, ...keepAlive } });
    const lines = createInterface({ input: client.stdout ?? process.stdin })[Symbol.asyncIterator]();
    const nextServer = async (): Promise<number> => {
      const pid = Number((await lines.next()).value);
      children.remember(pid);
      return pid;
    };
    return { client, nextServer };
  }

  it('stop asks first, and without anybody to ask does nothing; --dry-run shows the plan', async () => {
    const { client, nextServer } = await startClient('once');
    const server = await nextServer();
    const asked = await run('stop', 'notes');
    assert.equal(asked.code, 3, asked.stderr);
    assertNames(asked.stdout, 'Note:');
    assertNames(asked.stdout, '--force');
    assert.equal((await run('stop', 'notes', '--yes')).code, 3, 'one yes is not enough where a client may use it');
    const dry = await json<Answer>('stop', 'notes', '--dry-run');
    assert.deepEqual([dry.plan.target.pid, dry.plan.confirm, dry.outcome], [server, 'twice', null]);
    assert.equal(dry.plan.target.client?.pid, client.pid);
    assert.equal(await isAlive(server), true);
    assert.deepEqual((await json<{ entries: HistoryEntry[] }>('history')).entries, []);
  });

  it('test 20, B10: of five that stop the same at once, one acts and the others say who it was', async () => {
    const { nextServer } = await startClient('once');
    const server = await nextServer();
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => json<Answer>('stop', String(server), '--force')));
    const outcomes = answers.map(({ outcome }) => outcome);
    assert.equal(await isAlive(server), false);
    assert.equal(outcomes.filter((outcome) => outcome?.status === 'done').length, 1, JSON.stringify(outcomes));
    const others = outcomes.filter((outcome) => outcome?.status !== 'done');
    for (const other of others) {
      assert.equal(other?.status, 'already');
      assert.match(
        other?.message ?? '',
        new RegExp(`^(?:notes \\()?PID ${server}\\)? (?:was already|is already being) stopped by "?terminal \\(PID \\d+\\)`),
      );
    }
    const { entries } = await json<{ entries: HistoryEntry[] }>('history');
    const acted = entries.filter(({ outcome }) => outcome !== 'already');
    assert.deepEqual(
      acted.map(({ verb, outcome, target }) => [verb, outcome, target.pid]),
      [['stop', 'done', server]],
    );
    // Those who did nothing stand there as well, each with its own terminal.
    const late = entries.filter(({ outcome }) => outcome === 'already');
    assert.deepEqual(
      late.map(({ verb, target }) => [verb, target.pid]),
      [1, 2, 3, 4].map(() => ['stop', server]),
    );
    assert.equal(new Set(entries.map(({ by }) => by)).size, 5);
    assertNames(acted[0]?.steps[0]?.result, 'SIGTERM');
  });

  it('B18: a client that starts it again is named, and it is not ended a second time', async () => {
    const { nextServer } = await startClient('again');
    const first = await nextServer();
    const [answer, second] = await Promise.all([json<Answer>('stop', String(first), '--force'), nextServer()]);
    assert.equal(answer.outcome?.status, 'done');
    assertNames(answer.outcome?.message, `PID ${second}`);
    assert.equal(await isAlive(second), true);
    const { entries } = await json<{ entries: HistoryEntry[] }>('history');
    assert.deepEqual(
      entries.map(({ outcome, target, after }) => [outcome, target.pid, after?.pid]),
      [
        ['done', first, undefined],
        ['started-again', first, second],
      ],
    );
    const { sections } = await json<{ sections: { rows: { name: string; text: string }[] }[] }>('explain', String(second));
    const told = sections.flatMap(({ rows }) => rows).find(({ name }) => name === 'stopped');
    assertNames(told?.text, '1 copy', 'after 1 of them');
  });

  it('B16, B17, B20: prune ends the proven orphan and nothing else; before its client ended, it was none', async function () {
    if (!deadPipesCanBeProven()) {
      this.skip();
    }
    const living = await startClient('once');
    const used = await living.nextServer();
    const { client, nextServer } = await startClient('once', true);
    const left = await nextServer();
    type List = {
      candidates: { class: string; chosen: boolean; plan: Plan }[];
      freedBytes: number;
      outcomes: { pid: number; outcome: Outcome }[];
    };
    const before = await json<List>('prune', '--dry-run');
    assert.deepEqual(
      before.candidates.filter(({ chosen }) => chosen),
      [],
    );
    await kill(client);
    assert.equal(await isAlive(left), true, 'control: it outlives its client');
    const orphaned = async (): Promise<List | undefined> => {
      const seen = await json<List>('prune', '--dry-run');
      return seen.candidates.some(({ class: kind }) => kind === 'orphan') ? seen : undefined;
    };
    // It has to be 30 seconds old; each look is a program of its own.
    const list = await waitFor('the orphan to be proven', orphaned, { limit: 90_000, every: 3_000 });
    assert.deepEqual(
      list.candidates.filter(({ chosen }) => chosen).map(({ plan }) => plan.target.pid),
      [left],
    );
    assert.ok(list.freedBytes > 10_000_000);
    const refused = await run('prune');
    assert.equal(refused.code, 3);
    assertNames(refused.stdout, '[x]', left);
    assert.equal((await run('prune', '--yes', '999999')).code, 2);
    const done = await run('prune', '--yes');
    assert.equal(done.code, 0, done.stdout + done.stderr);
    assertNames(done.stdout, `PID ${left}`);
    assert.deepEqual([await isAlive(left), await isAlive(used)], [false, true]);
    const history = await run('history', 'notes');
    assertNames(history.stdout, `PID ${left}`);
    assert.deepEqual(
      (await json<List>('prune', '--dry-run')).candidates.filter(({ chosen }) => chosen),
      [],
    );
  });
});
