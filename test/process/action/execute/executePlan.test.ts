// Between the plan and the signal something else becomes true.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { waitFor } from '../../../../scripts/system/waitFor.ts';
import { appendHistory, historyEntry, readHistory } from '../../../../src/action/execute/actionHistory.ts';
import { actionResult, historyTarget, intentTarget, type Outcome, runExclusively } from '../../../../src/action/execute/exclusiveAction.ts';
import { type ActionContext, executePlan, executePlans } from '../../../../src/action/execute/executePlan.ts';
import { alreadyEndedMessage } from '../../../../src/action/execute/otherAction.ts';
import { serveRequests } from '../../../../src/action/execute/windowRequestServer.ts';
import { makePlan } from '../../../../src/action/plan/makePlan.ts';
import { type PlanContext, targetOf } from '../../../../src/action/plan/plan.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { writeInstanceRecord } from '../../../../src/lock/instanceRecord.ts';
import { openLockDirectory, protocolBase } from '../../../../src/lock/lockDirectory.ts';
import { readProcessStarts } from '../../../../src/lock/processStarts.ts';
import { identityKey, type ProcessRow, type ProcessTable } from '../../../../src/model/process.ts';
import type { Instance, Snapshot } from '../../../../src/model/snapshot.ts';
import { ProcTable } from '../../../../src/process/linux/procTable.ts';
import { assertNames, assertOmits } from '../../../names.ts';
import { otherUser } from '../../../otherUser.ts';
import { definition, instance, snapshot } from '../../../unit/cli/fixture.ts';
import { someRecord } from '../../../unit/lock/records.ts';
import { Children, firstLine, kill, readUntil, rowOf } from '../../process/children.ts';

const table = new ProcTable();
const unshare = ['--pid', '--fork', '--mount-proc', '--kill-child'];

describe('Carrying out a plan', function () {
  this.timeout(60_000);
  const children = new Children();
  let runDir = '';
  before(function () {
    if (process.platform !== 'linux') {
      console.log('skipped: only the real processes of Linux were tried');
      this.skip();
    }
  });
  beforeEach(() => {
    runDir = mkdtempSync(join(tmpdir(), 'carry-out-'));
  });
  afterEach(async () => {
    await children.end();
    rmSync(runDir, { recursive: true, force: true });
  });

  const noWindows: PlanContext = { windows: new Set(), ownPids: new Set([process.pid]) };
  function contextOf(scan: () => Promise<Snapshot>, around: Partial<ActionContext['planContext']> = {}): ActionContext {
    return {
      requester: { by: 'a test', runDir, explicitRunDir: true, log: silentLog },
      planContext: { ...noWindows, table: table as ProcessTable, ownIdentity: undefined, windowIdentities: new Map(), ...around },
      scan,
      requestLimits: { acceptMs: 200, answerMs: 400 },
    };
  }
  const outcomes = (): unknown[] => readHistory(runDir).map(({ verb, outcome, target: { pid }, by }) => [verb, outcome, pid, by]);

  /** A client with a server below it, both real, and what a survey says of them. */
  async function served(
    clientId = 'claude-code',
    server: readonly [string, ...string[]] = ['sleep', '600'],
  ): Promise<{ client: Awaited<ReturnType<Children['start']>>; one: Instance; seen: Snapshot }> {
    const { client, pid } = await children.startClient(process.execPath, [
      '-e',
      "const [file, ...args] = process.argv.slice(1); const c = require('node:child_process').spawn(file, args, { stdio: 'ignore' }); c.once('spawn', () => console.log(c.pid)); process.stdin.resume();",
      '--',
      ...server,
    ]);
    const [owner, row] = [await rowOf(table, client.pid), await rowOf(table, pid)];
    const one: Instance = {
      ...instance({ name: 'memory', pid, definitions: ['d1'] }),
      id: identityKey(row.identity),
      client: { id: clientId, name: 'Claude Code', pid: owner.pid, identity: identityKey(owner.identity) },
    };
    const entry = definition({ id: 'd1', name: 'memory', vscodeCollection: 'user' });
    return { client, one, seen: snapshot({ definitions: [entry], instances: [one] }) };
  }
  const isRunning = async (id: string): Promise<boolean> => (await table.list()).some((row) => identityKey(row.identity) === id);

  it('a requester who finds the process gone is told who restarts it, and later who did', async () => {
    const { one } = await served();
    const { requester } = contextOf(async () => snapshot());
    const others = { runDir, explicitRunDir: true };
    const meant = { instance: one.id };
    assertOmits(await alreadyEndedMessage(others, meant), 'by a test');
    let during = '';
    await runExclusively(
      targetOf(one),
      'restart',
      requester,
      () => isRunning(one.id),
      async () => {
        process.kill(one.pid, 'SIGKILL');
        await waitFor('it to be gone', async () => !(await isRunning(one.id)));
        during = await alreadyEndedMessage(others, meant);
        return { outcome: 'done', message: 'restarted', steps: [] };
      },
    );
    assertNames(during, '"a test"');
    assertNames(await alreadyEndedMessage(others, meant), `memory (PID ${one.pid})`, 'a test');
  });

  it('does not name a requester that was killed while it acted', async () => {
    const { client, one } = await served();
    const { requester } = contextOf(async () => snapshot());
    const opened = openLockDirectory(protocolBase(runDir, true));
    assert.ok('directory' in opened);
    const start = (await (await readProcessStarts()).startOf(client.pid)) ?? '';
    const actor = { by: 'a window', pid: client.pid, start, verb: 'restart', expect: one.id, since: new Date().toISOString() };
    writeFileSync(join(opened.directory.intents, `${intentTarget(one.id)}.json`), JSON.stringify(actor));
    const late = async (): Promise<string> =>
      (
        await runExclusively(
          targetOf(one),
          'stop',
          requester,
          async () => false,
          async () => actionResult('failed', 'acted'),
        )
      ).message;
    assertNames(await late(), '"a window"');
    await kill(client);
    assertOmits(await late(), 'window');
  });

  it('control: stops the target of the plan, and records it', async () => {
    const { one, seen } = await served();
    const outcome = await executePlan(
      makePlan('stop', one, seen, noWindows),
      contextOf(async () => seen),
    );
    assert.equal(outcome.status, 'done', outcome.message);
    assert.equal(await isRunning(one.id), false);
    assert.deepEqual(outcomes(), [['stop', 'done', one.pid, 'a test']]);
  });

  it('stops no more of several where the user cancels: those that have not begun run on and have no outcome', async () => {
    const several = [await served(), await served(), await served()];
    const seen = { ...(several[0]?.seen ?? snapshot()), instances: several.map(({ one }) => one) };
    const context = contextOf(async () => seen);
    const plans = seen.instances.map((one) => makePlan('stop', one, seen, context.planContext));
    const begun: number[] = [];
    const done = await executePlans(plans, context, { begins: (index) => begun.push(index), isCancelled: () => begun.length === 2 });
    assert.deepEqual([begun, done.length], [[0, 1], 2]);
    assert.deepEqual(await Promise.all(seen.instances.map(({ id }) => isRunning(id))), [false, false, true]);
  });

  it('B8: names the process of another user below the server that keeps running', async function () {
    if (process.getuid?.() !== 0) {
      console.log('skipped: only root can start a process of another user');
      this.skip();
    }
    const code = `import subprocess; subprocess.Popen(['sleep', '600'], user=${otherUser.uid}, group=${otherUser.gid}, cwd='/').wait()`;
    const { one, seen } = await served('claude-code', ['python3', '-c', code]);
    const other = await readUntil(
      async () => (await table.list()).find(({ ppid, uid }) => ppid === one.pid && uid === otherUser.uid)?.pid,
      (pid) => pid !== undefined,
    );
    children.remember(other ?? 0);
    const outcome = await executePlan(
      makePlan('stop', one, seen, noWindows),
      contextOf(async () => seen),
    );
    assert.equal(outcome.status, 'done');
    assertNames(outcome.message, `PID ${other}`, 'another user');
    assert.deepEqual('steps' in outcome && outcome.steps.map(({ text }) => text), [`PID ${one.pid}`, `PID ${other}`]);
    assert.ok((await table.list()).some(({ pid }) => pid === other));
  });

  it('sends nothing when the parent changed after the last scan, right before the signal', async () => {
    const { client, one, seen } = await served();
    let raced = false;
    const scan = async (): Promise<Snapshot> => {
      if (!raced) {
        raced = true;
        return seen;
      }
      // The second scan is the one under the intent: its result is outdated when it is read.
      await kill(client);
      await waitFor('another parent', async () => (await rowOf(table, one.pid)).ppid !== client.pid);
      return seen;
    };
    const outcome = await executePlan(makePlan('stop', one, seen, noWindows), contextOf(scan));
    assert.equal(outcome.status, 'refused');
    assertNames(outcome.message, 'Claude Code (PID');
    children.remember(one.pid);
    assert.equal(await isRunning(one.id), true);
    assert.deepEqual(outcomes(), [['stop', 'refused', one.pid, 'a test']]);
  });

  it('sends nothing when another client has the server now, or it is no longer recognised as one', async () => {
    const { one, seen } = await served();
    const plan = makePlan('stop', one, seen, noWindows);
    const stolen: Instance = { ...one, client: { id: 'cursor', name: 'Cursor', pid: 2, identity: 'boot:1:2:lx:2' } };
    const other = await executePlan(
      plan,
      contextOf(async () => ({ ...seen, instances: [stolen] })),
    );
    assertNames(other.message, 'Cursor');
    const none = await executePlan(
      plan,
      contextOf(async () => ({ ...seen, instances: [] })),
    );
    assert.deepEqual([other.status, none.status, await isRunning(one.id)], ['refused', 'refused', true]);
    assert.deepEqual(
      outcomes(),
      [1, 2].map(() => ['stop', 'refused', one.pid, 'a test']),
    );
  });

  it('A34 B7: a stranger that has the PID by then lives, whenever it got it', async function () {
    const trial = spawnSync('unshare', [...unshare, 'sh', '-c', 'echo 100 > /proc/sys/kernel/ns_last_pid'], { encoding: 'utf8' });
    if (trial.status !== 0) {
      console.log(`skipped: no PID namespace in which PIDs can be chosen: ${(trial.error?.message ?? trial.stderr).trim()}`);
      this.skip();
    }
    const script = join(import.meta.dirname, '../../process/endReused.ts');
    const { stdout } = await promisify(execFile)('unshare', [...unshare, process.execPath, '--no-warnings', script], { timeout: 30_000 });
    assert.deepEqual(JSON.parse(stdout), [
      { swapped: 'never', sent: ['SIGTERM'], status: 'ended', strangerLives: null },
      { swapped: 'before the list', sent: [], status: 'gone', strangerLives: true },
      { swapped: 'between list and signal', sent: [], status: 'ended', strangerLives: true },
    ]);
  });

  it('records what led to nothing: refused, a window that is gone, a window that does not answer, another requester that was first', async () => {
    const { one, seen } = await served('vscode');
    const windowPid = one.client?.pid ?? 0;
    const here = { windows: new Set([windowPid]), windowIdentities: new Map([[windowPid, one.client?.identity ?? '']]) };
    const refused = makePlan('stop', { ...one, tree: [one.pid, process.pid] }, seen, noWindows);
    const asked = makePlan('restart', one, seen, { ...noWindows, ...here });
    const all: Outcome[] = [
      await executePlan(
        refused,
        contextOf(async () => seen),
      ),
      await executePlan(
        asked,
        contextOf(async () => seen),
      ),
      await executePlan(
        asked,
        contextOf(async () => seen, here),
      ),
    ];
    assert.deepEqual(
      all.map(({ status }) => status),
      ['refused', 'failed', 'failed'],
    );
    assert.equal(all[0]?.message, refused.refused);
    assertNames(all[2]?.message, '0.2 s');
    process.kill(one.pid, 'SIGKILL');
    await waitFor('it to be gone', async () => !(await isRunning(one.id)));
    const claude: Instance = { ...one, client: one.client && { ...one.client, id: 'claude-code' } };
    all.push(
      await executePlan(
        makePlan('stop', claude, seen, noWindows),
        contextOf(async () => seen),
      ),
    );
    assert.deepEqual(outcomes(), [
      ['stop', 'refused', one.pid, 'a test'],
      ['restart', 'failed', one.pid, 'a test'],
      ['restart', 'failed', one.pid, 'a test'],
      ['stop', 'already', one.pid, 'a test'],
    ]);
    // A step that is the user's own is no action.
    const manual = await executePlan(
      makePlan('restart', claude, seen, noWindows),
      contextOf(async () => seen),
    );
    assert.deepEqual([manual.status, outcomes().length], ['manual', 4]);
  });

  it('leaves to the window what the window has recorded itself', async () => {
    const { one, seen } = await served('vscode');
    const windowPid = one.client?.pid ?? 0;
    const identity = one.client?.identity ?? '';
    const here = { windows: new Set([windowPid]), windowIdentities: new Map([[windowPid, identity]]) };
    for (const via of ['VS Code window (PID 1)', undefined]) {
      const server = serveRequests(
        runDir,
        { pid: windowPid, identity },
        async ({ by }) => {
          const target = historyTarget(targetOf(one));
          const result = { outcome: 'done', message: 'restarted', steps: [] } as const;
          appendHistory(runDir, historyEntry({ by, ...(via === undefined ? {} : { via }), verb: 'restart', target, ...result }));
          return { status: 'done', message: 'restarted', steps: [] };
        },
        silentLog,
      );
      const plan = makePlan('restart', one, seen, { ...noWindows, ...here });
      await executePlan(plan, { ...contextOf(async () => seen, here), requestLimits: { acceptMs: 10_000, answerMs: 10_000 } });
      server.dispose();
    }
    // The control: without `via` the entry is not the window's.
    assert.deepEqual(
      readHistory(runDir).map(({ by, via }) => [by, via]),
      [
        ['a test', 'VS Code window (PID 1)'],
        ['a test', undefined],
        ['a test', undefined],
      ],
    );
  });

  it('test 20: waits for a program that acts on the record alone, and only then acts itself', async () => {
    const { one, seen } = await served();
    const id = 'c'.repeat(32);
    const record = { id, serverId: 'memory', state: 'running', exclusion: 'flock', locks: [], control: [] } as const;
    const published: Instance = { ...one, record };
    const all = { ...seen, instances: [published] };
    const opened = openLockDirectory(protocolBase(runDir, true));
    assert.ok('directory' in opened);
    const { intents } = opened.directory;
    const other = await children.start(
      'perl',
      ['-e', 'open(my $f, "+>>", $ARGV[0]) or die; flock($f, 6) or die; $| = 1; print "held\n"; <STDIN>', join(intents, `${id}.lock`)],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    assert.equal(await firstLine(other), 'held');
    const outcome = executePlan(
      makePlan('stop', published, all, noWindows),
      contextOf(async () => all),
    );
    await waitFor('our intent on the process', () => existsSync(join(intents, `${intentTarget(one.id)}.json`)));
    assert.equal(await isRunning(one.id), true);
    assert.deepEqual(outcomes(), []);
    other.stdin?.end();
    assert.equal((await outcome).status, 'done');
    assert.equal(await isRunning(one.id), false);
  });

  it('test 8: signals nothing because of a record that names the client, or an endpoint elsewhere', async () => {
    const { client, one, seen } = await served();
    const starts = await readProcessStarts();
    const opened = openLockDirectory(protocolBase(runDir, true));
    assert.ok('directory' in opened);
    const host = { boot: starts.boot, pidns: starts.pidns };
    const mark = async (pid: number) => ({ pid, start: (await starts.startOf(pid)) ?? '?' });
    const hostile = async (serverPid: number, path: string): Promise<Outcome> => {
      const id = randomBytes(16).toString('hex');
      const control = { type: 'unix' as const, path, caps: ['restart', 'stop'] };
      writeInstanceRecord(
        opened.directory,
        someRecord({ id, host, server: await mark(serverPid), guard: await mark(client.pid), control }),
      );
      const record = {
        id,
        serverId: 'memory',
        state: 'running',
        exclusion: 'flock',
        locks: [],
        control: ['restart', 'stop'],
        guardPid: client.pid,
      } as const;
      const published: Instance = { ...one, record };
      const all = { ...seen, instances: [published] };
      return executePlan(
        makePlan('restart', published, all, noWindows),
        contextOf(async () => all),
      );
    };
    const stolen = await hostile(client.pid, join(opened.directory.base, 's', '0123456789ab.sock'));
    assert.equal(stolen.status, 'refused', stolen.message);
    const elsewhere = await hostile(one.pid, join(runDir, 'of-mine.sock'));
    assert.equal(elsewhere.status, 'failed', elsewhere.message);
    assert.deepEqual([await isRunning(one.id), client.exitCode, client.signalCode], [true, null, null]);
  });

  it('never signals a thread’s id, the first process, or an ancestor of this program, whatever the plan says', async () => {
    const { one, seen } = await served();
    const forged = async (row: ProcessRow): Promise<Outcome> => {
      const target: Instance = { ...one, id: identityKey(row.identity), pid: row.pid, tree: [row.pid], client: null, background: true };
      return executePlan(
        makePlan('stop', target, { ...seen, instances: [target] }, { windows: new Set(), ownPids: new Set() }),
        contextOf(async () => ({ ...seen, instances: [target] })),
      );
    };
    const rows = await table.list();
    const first = rows.find(({ pid }) => pid === 1);
    const own = rows.find(({ pid }) => pid === process.pid);
    const above = rows.find(({ pid }) => pid === process.ppid);
    assert.ok(first && own && above);
    for (const row of [first, own, above]) {
      const outcome = await forged(row);
      assert.equal(outcome.status, 'refused', `${row.pid}: ${outcome.message}`);
    }
    // A thread of this very process, with its true start.
    const tid = Number(readdirSync('/proc/self/task').find((name) => name !== String(process.pid)));
    const fields = readFileSync(`/proc/self/task/${tid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    const thread = await forged({ ...own, pid: tid, identity: { ...own.identity, pid: tid, start: `lx:${fields[19]}` } });
    assert.equal(thread.status, 'already', thread.message);
  });
});
