import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import {
  appendHistory,
  type HistoryEntry,
  historyEntry,
  readHistory,
  readHistoryFiles,
  requesterText,
  startedAgain,
  stopsUnder,
} from '../../../../src/action/execute/actionHistory.ts';
import type { Instance } from '../../../../src/model/snapshot.ts';
import { assertNames } from '../../../names.ts';

describe('the history', () => {
  const one = (pid: number) =>
    historyEntry({
      by: 'a test',
      verb: 'stop',
      target: { instance: `boot:1:${pid}:lx:1`, pid, name: 'memory', client: null, runs: null },
      steps: [],
      outcome: 'done',
      message: 'memory stopped.',
    });

  it('takes an action on a large tree with long names: cut, not lost', () => {
    const runDir = mkdtempSync(join(tmpdir(), 'history-'));
    try {
      const long = 'x'.repeat(10_000);
      const steps = Array.from({ length: 300 }, (_, at) => ({ text: `PID ${at}`, result: 'ended (SIGTERM)' }));
      appendHistory(
        runDir,
        historyEntry({
          by: long,
          verb: 'end',
          target: { instance: 'boot:1:9:lx:1', pid: 9, name: long, client: long, runs: long },
          steps,
          outcome: 'done',
          message: long,
        }),
      );
      const [entry] = readHistory(runDir);
      assert.equal(entry?.steps.length, 50);
      assert.deepEqual(entry?.steps.at(-1), { text: '251 more', result: 'not listed' });
      assert.deepEqual([entry?.by.length, entry?.target.name.length, entry?.message.length], [4_096, 4_096, 4_096]);
    } finally {
      rmSync(runDir, { recursive: true, force: true });
    }
  });

  it('knows what a client started again: by identity of the client, PID and time', () => {
    const codex = { id: 'codex', name: 'Codex', pid: 50, identity: 'boot:1:50:lx:1' } as const;
    const at = new Date().toISOString();
    const stop = (pid: number, client: string, more: Partial<HistoryEntry> = {}): HistoryEntry => ({
      ...one(pid),
      at,
      target: { ...one(pid).target, client: 'Codex (PID 50)', clientIdentity: client },
      ...more,
    });
    const entries = [
      stop(7, codex.identity),
      stop(7, codex.identity, { outcome: 'started-again', after: { pid: 20, runs: null } }),
      stop(8, codex.identity),
      stop(9, codex.identity, { verb: 'restart' }),
      stop(10, codex.identity, { outcome: 'refused' }),
      // Another process had its PID.
      stop(11, 'boot:1:50:lx:2', { outcome: 'started-again', after: { pid: 21, runs: null } }),
    ];
    const running = (pid: number, more: Partial<Instance> = {}): Instance =>
      ({ id: `boot:1:${pid}:lx:9`, pid, name: 'memory', client: codex, startedAt: at, ...more }) as Instance;
    assert.deepEqual(stopsUnder(entries, running(30)), { stops: 2, again: 1 });
    assert.deepEqual(stopsUnder(entries, running(30, { name: 'files' })), { stops: 0, again: 0 });
    assert.deepEqual(stopsUnder(entries, running(30, { client: null })), { stops: 0, again: 0 });
    const later = running(20, { id: 'later', startedAt: new Date(Date.parse(at) + 60_000).toISOString() });
    assert.deepEqual(
      [...startedAgain(entries, [running(20), running(21), running(30), later])],
      [['boot:1:20:lx:9', { stops: 2, again: 1 }]],
    );
  });

  it('names the window that acted for the requester; reads entries that were written without it', () => {
    const runDir = mkdtempSync(join(tmpdir(), 'history-'));
    try {
      const old = { ...one(7), by: 'terminal (PID 5), through the VS Code window (PID 6)' };
      appendHistory(runDir, old);
      appendHistory(runDir, historyEntry({ ...one(8), by: 'terminal (PID 5)', via: 'VS Code window (PID 6)' }));
      const entries = readHistory(runDir);
      assert.deepEqual(
        entries.map(({ by, via }) => [by, via]),
        [
          [old.by, undefined],
          ['terminal (PID 5)', 'VS Code window (PID 6)'],
        ],
      );
      assert.deepEqual(entries.map(requesterText), [old.by, old.by]);
      assert.ok(!readFileSync(join(runDir, 'shepherd', 'history', 'history.jsonl'), 'utf8').includes('undefined'));
    } finally {
      rmSync(runDir, { recursive: true, force: true });
    }
  });

  it('says which file cannot be read, and why; that there is none is no fault', () => {
    const runDir = mkdtempSync(join(tmpdir(), 'history-'));
    const file = join(runDir, 'shepherd', 'history', 'history.jsonl');
    try {
      assert.deepEqual(readHistoryFiles(runDir), { entries: [], unread: [] });
      appendHistory(runDir, one(7));
      assert.deepEqual([readHistoryFiles(runDir).entries.length, readHistoryFiles(runDir).unread], [1, []]);
      const plants: readonly [RegExp, () => void][] = [
        [
          /^it has 1073741824 bytes/,
          () => {
            writeFileSync(file, '');
            truncateSync(file, 2 ** 30);
          },
        ],
        [/^it is not a regular file$/, () => mkdirSync(file)],
        [/^it is not a regular file$/, () => execFileSync('mkfifo', [file])],
        [/^it is a link$/, () => symlinkSync('/dev/null', file)],
      ];
      for (const [reason, plant] of plants) {
        rmSync(file, { recursive: true, force: true });
        plant();
        const { entries, unread } = readHistoryFiles(runDir);
        assert.deepEqual([entries, unread.map((one) => one.file)], [[], [file]]);
        assert.match(unread[0]?.reason ?? '', reason);
        assertNames(unread[0]?.hint, 'Move it away');
      }
      appendHistory(runDir, one(8));
      const { entries, unread } = readHistoryFiles(runDir);
      assert.deepEqual([entries.map(({ target }) => target.pid), unread.map((one) => one.file)], [[8], [`${file}.1`]]);
    } finally {
      rmSync(runDir, { recursive: true, force: true });
    }
  });

  it('waits for no FIFO, follows no link, and reads no huge file', () => {
    const runDir = mkdtempSync(join(tmpdir(), 'history-'));
    const file = join(runDir, 'shepherd', 'history', 'history.jsonl');
    try {
      appendHistory(runDir, one(7));
      assert.equal(readHistory(runDir).length, 1);
      // A disk that was full in the middle of a letter costs that line alone.
      appendFileSync(file, Buffer.from([0x7b, 0xc3, 0x0a]));
      appendHistory(runDir, one(9));
      assert.deepEqual(
        readHistory(runDir).map(({ target }) => target.pid),
        [7, 9],
      );
      // Cut before its end: what comes next is a line of its own all the same.
      appendFileSync(file, '{"schema":1,"at":"2026-11-2');
      appendHistory(runDir, one(8));
      assert.deepEqual(
        readHistory(runDir).map(({ target }) => target.pid),
        [7, 9, 8],
      );
      const victim = join(runDir, 'victim');
      writeFileSync(victim, '');
      for (const plant of [
        () => execFileSync('mkfifo', [file]),
        () => symlinkSync(victim, file),
        () => {
          writeFileSync(file, '');
          truncateSync(file, 2 ** 30);
        },
      ]) {
        rmSync(file, { force: true });
        plant();
        assert.deepEqual(
          readHistory(runDir).filter(({ target }) => target.pid === 8),
          [],
        );
        appendHistory(runDir, one(8));
        assert.equal(readHistory(runDir).filter(({ target }) => target.pid === 8).length, 1);
      }
      assert.equal(readFileSync(victim, 'utf8'), '');
    } finally {
      rmSync(runDir, { recursive: true, force: true });
    }
  });
});
