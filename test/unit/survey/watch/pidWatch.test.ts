import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { ProcessRow, ProcessTable } from '../../../../src/model/process.ts';
import { PidWatch } from '../../../../src/survey/watch/pidWatch.ts';
import { row as processRow } from '../../../fixtures/argv/processRows.ts';

const row = (pid: number, words: string, startedAt = 0): ProcessRow =>
  processRow(pid, 1, words.split(' '), { startedAt, start: `lx:${pid}` });

/** A table whose processes a test changes; counts what is read. */
function table(): ProcessTable & { rows: ProcessRow[]; read: number } {
  return {
    source: 'test',
    rows: [],
    read: 0,
    async list() {
      return this.rows;
    },
    async pids() {
      return this.rows.map(({ pid }) => pid);
    },
    async rowsOf(pids) {
      this.read += pids.length;
      return this.rows.filter(({ pid }) => pids.includes(pid));
    },
    detail: () => Promise.reject(new Error('not asked')),
    isAlive: async () => true,
  };
}

const concerns = (one: ProcessRow): boolean => one.commandLine.includes('mcp');

describe('PidWatch', () => {
  it('asks for a survey when a process that matters starts or ends, and not for others', async () => {
    const processes = table();
    processes.rows = [row(10, 'node mcp-server'), row(11, 'vim')];
    const watch = new PidWatch(processes);
    watch.seen(processes.rows, { pids: new Set([10]), concerns }, 100_000);
    assert.equal(await watch.changed(100_000), false);
    processes.rows.push(row(12, 'git status', 100_000));
    assert.equal(await watch.changed(101_000), false);
    processes.rows = processes.rows.filter(({ pid }) => pid !== 11);
    assert.equal(await watch.changed(102_000), false);
    processes.rows.push(row(13, 'node other-mcp', 102_000));
    assert.equal(await watch.changed(102_000), true);
    watch.seen(processes.rows, { pids: new Set([10, 13]), concerns }, 103_000);
    processes.rows = processes.rows.filter(({ pid }) => pid !== 10);
    assert.equal(await watch.changed(104_000), true);
  });

  it('sees what a new process becomes in its first seconds, and then looks at it no more', async () => {
    const processes = table();
    const watch = new PidWatch(processes);
    watch.seen([], { pids: new Set(), concerns }, 100_000);
    processes.rows = [row(20, 'sh -c x', 100_000), row(21, 'sh -c y', 100_000)];
    assert.equal(await watch.changed(100_500), false);
    processes.rows[0] = row(20, 'node mcp-server', 100_000);
    assert.equal(await watch.changed(101_500), true);
    watch.seen(processes.rows, { pids: new Set([20]), concerns }, 101_600);
    assert.equal(await watch.changed(106_000), false);
    const before = processes.read;
    assert.equal(await watch.changed(107_000), false);
    assert.equal(processes.read, before, 'no process is young');
  });

  it('compares the PIDs alone where a few cannot be read cheaply', async () => {
    const { rowsOf: _, ...plain } = table();
    const processes: ProcessTable & { rows: ProcessRow[] } = { ...plain, rows: [row(1, 'init')] };
    const watch = new PidWatch(processes);
    watch.seen(processes.rows, { pids: new Set(), concerns }, 0);
    assert.equal(await watch.changed(0), false);
    processes.rows.push(row(2, 'vim'));
    assert.equal(await watch.changed(0), true);
  });
});
