import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, afterEach, describe, it } from 'mocha';
import type { ProcessRow } from '../../../src/model/process.ts';
import { ProcTable } from '../../../src/process/linux/procTable.ts';
import { type EndReport, systemTerminator, terminateTree } from '../../../src/process/terminateTree.ts';
import { assertNames } from '../../names.ts';
import { openProgram, otherUser } from '../../otherUser.ts';
import { onlyOnLinux } from '../onlyOnLinux.ts';
import { Children, firstLine, readUntil, rowOf } from './children.ts';

const table = new ProcTable();
const idle = 'setInterval(() => {}, 1000);';
/** A server that has loaded a child, and says so. */
const withChild = (script: string, child: string): string =>
  `${script} const c = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'ignore', detached: true }); c.once('spawn', () => console.log(c.pid)); ${idle}`;

async function isRunning(pid: number): Promise<boolean> {
  return (await table.list()).some((row) => row.pid === pid);
}

describe('Ending a tree', function () {
  this.timeout(60_000);
  const children = new Children();
  onlyOnLinux('only the real processes of Linux were tried');
  afterEach(() => children.end());

  const end = async (row: ProcessRow, options: { objection?: string; politeMs?: number; launchers?: number[] } = {}): Promise<EndReport> =>
    terminateTree(
      {
        server: row.identity,
        launchers: options.launchers ?? [],
        objection: () => options.objection,
        ...(options.politeMs === undefined ? {} : { politeMs: options.politeMs }),
      },
      systemTerminator(table),
    );

  it('asks politely first, and that is enough for most', async () => {
    const child = await children.start(process.execPath, ['-e', idle]);
    const report = await end(await rowOf(table, child.pid));
    assert.deepEqual(report, { status: 'ended', processes: [{ pid: child.pid, how: 'SIGTERM' }] });
  });

  it('B17, test 24: ends the launcher above and the helper in a session of its own below, and no other process', async () => {
    const server = withChild('', idle);
    const launcher = await children.start('sh', ['-c', `"${process.execPath}" -e "$0"; true`, server], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const helper = Number(await firstLine(launcher));
    children.remember(helper);
    const stranger = await children.start(process.execPath, ['-e', idle]);
    const row = (await table.list()).find((one) => one.ppid === launcher.pid);
    assert.ok(row);
    const report = await end(row, { launchers: [launcher.pid] });
    assert.equal(report.status, 'ended');
    assert.deepEqual(
      'processes' in report && report.processes.map(({ pid }) => pid).sort((a, b) => a - b),
      [launcher.pid, row.pid, helper].sort((a, b) => a - b),
    );
    assert.equal(await isRunning(stranger.pid), true);
  });

  it('test 23: ends what ignores SIGTERM hard, and says so', async () => {
    const child = await children.start(process.execPath, ['-e', `process.on('SIGTERM', () => {}); console.log('deaf'); ${idle}`], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await firstLine(child);
    const report = await end(await rowOf(table, child.pid), { politeMs: 200 });
    assert.deepEqual(report, { status: 'ended', processes: [{ pid: child.pid, how: 'SIGKILL' }] });
  });

  it('test 24: ends what a dying server starts in its last moment, in a session of its own', async () => {
    const last = `process.on('SIGTERM', () => { const c = require('node:child_process').spawn('sleep', ['600'], { stdio: 'ignore', detached: true }); c.once('spawn', () => { console.log(c.pid); }); }); console.log('ready'); ${idle}`;
    const child = await children.start(process.execPath, ['-e', last], { stdio: ['pipe', 'pipe', 'inherit'] });
    await firstLine(child);
    const lateChild = firstLine(child).then((line) => {
      children.remember(Number(line));
      return Number(line);
    });
    const report = await end(await rowOf(table, child.pid), { politeMs: 1_000 });
    assert.equal(report.status, 'ended');
    assert.equal(await isRunning(await lateChild), false);
  });

  it('ends a server that was stopped (SIGSTOP)', async () => {
    const child = await children.start(process.execPath, ['-e', idle]);
    process.kill(child.pid, 'SIGSTOP');
    const row = await readUntil(
      () => rowOf(table, child.pid),
      (one) => one.state === 'T',
    );
    const report = await end(row, { politeMs: 200 });
    assert.equal(report.status, 'ended');
  });

  it('A34 B7: sends nothing to another process that has the PID', async () => {
    const child = await children.start(process.execPath, ['-e', idle]);
    const row = await rowOf(table, child.pid);
    const report = await end({ ...row, identity: { ...row.identity, start: 'lx:1' } });
    assert.deepEqual(report, { status: 'gone' });
    assert.equal(await isRunning(child.pid), true);
  });

  it('sends nothing where there is an objection, and repeats its words', async () => {
    const child = await children.start(process.execPath, ['-e', idle]);
    const report = await end(await rowOf(table, child.pid), { objection: 'it has another owner' });
    assert.deepEqual(report, { status: 'refused', reason: 'it has another owner', processes: [] });
    assert.equal(await isRunning(child.pid), true);
  });

  it('A34: asks the objection again before SIGKILL', async () => {
    const child = await children.start(process.execPath, ['-e', `process.on('SIGTERM', () => {}); console.log('deaf'); ${idle}`], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await firstLine(child);
    const row = await rowOf(table, child.pid);
    const began = performance.now();
    const report = await terminateTree(
      {
        server: row.identity,
        launchers: [],
        politeMs: 300,
        objection: () => (performance.now() - began > 250 ? 'adopted' : undefined),
      },
      systemTerminator(table),
    );
    assert.equal(report.status, 'refused');
    assert.equal(await isRunning(child.pid), true);
  });

  it('never signals this program or what runs it', async () => {
    const report = await end(await rowOf(table, process.pid));
    assert.equal(report.status, 'refused');
    assertNames('reason' in report ? report.reason : '', 'ancestors');
  });

  it('B8: never signals a process of another user, for any caller', async function () {
    if (process.getuid?.() !== 0) {
      console.log('skipped: only root can start a process of another user');
      this.skip();
    }
    const other = await children.start('sleep', ['600'], otherUser);
    const asRoot = await end(await rowOf(table, other.pid));
    assertNames('reason' in asRoot ? asRoot.reason : '', 'another user');
    const ours = await children.start('sleep', ['600']);
    const [node, ...words] = openProgram(join(import.meta.dirname, 'endOne.ts'));
    const answer = JSON.parse(String(execFileSync(node, [...words, String(ours.pid)], otherUser)));
    assertNames(answer.reason, 'another user');
    assert.deepEqual([await isRunning(other.pid), await isRunning(ours.pid)], [true, true]);
  });

  it('B8: a child of the server that belongs to another user is not signalled, and is named', async function () {
    if (process.getuid?.() !== 0) {
      console.log('skipped: only root can start a process of another user');
      this.skip();
    }
    const script = (child: string): string =>
      `const c = require('node:child_process').spawn('sleep', ['600'], { stdio: 'ignore', ${child} }); c.once('spawn', () => console.log(c.pid)); ${idle}`;
    const server = await children.start(process.execPath, ['-e', script(`uid: ${otherUser.uid}, gid: ${otherUser.gid}, cwd: '/'`)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const foreign = Number(await firstLine(server));
    children.remember(foreign);
    const began = performance.now();
    const report = await end(await rowOf(table, server.pid));
    assert.deepEqual(report, { status: 'ended', processes: [{ pid: server.pid, how: 'SIGTERM' }], ofOtherUsers: [foreign] });
    assert.deepEqual([await isRunning(server.pid), await isRunning(foreign)], [false, true]);
    assert.ok(performance.now() - began < 2_500, 'it is not waited for');
  });

  it('B8: a server of another user below a launcher of this user is not signalled, nor is the launcher', async function () {
    if (process.getuid?.() !== 0) {
      console.log('skipped: only root can start a process of another user');
      this.skip();
    }
    const code = `import os, subprocess; p = subprocess.Popen(['sleep', '600'], user=${otherUser.uid}, group=${otherUser.gid}, cwd='/'); print(p.pid, flush=True); p.wait()`;
    const { client: launcher, pid } = await children.startClient('python3', ['-c', code]);
    const report = await end(await rowOf(table, pid), { launchers: [launcher.pid] });
    assertNames(report.status === 'refused' ? report.reason : report.status, 'another user');
    assert.deepEqual([await isRunning(launcher.pid), await isRunning(pid)], [true, true]);
  });

  it('B8: a server of this user below a launcher of another user is not signalled, nor is the launcher', async function () {
    if (process.getuid?.() !== 0) {
      console.log('skipped: only root can become another user');
      this.skip();
    }
    const code = `import os, subprocess; p = subprocess.Popen(['sleep', '600']); os.setgid(${otherUser.gid}); os.setuid(${otherUser.uid}); print(p.pid, flush=True); p.wait()`;
    const { client: launcher, pid } = await children.startClient('python3', ['-c', code]);
    const report = await end(await rowOf(table, pid), { launchers: [launcher.pid] });
    assertNames(report.status === 'refused' ? report.reason : report.status, 'another user', `${launcher.pid}`);
    assert.deepEqual([await isRunning(launcher.pid), await isRunning(pid)], [true, true]);
  });

  after(() => children.end());
});
