import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { Outcome } from '../../../../src/action/execute/exclusiveAction.ts';
import { askWindow, requestFolder, requestsFor, type WindowRequest } from '../../../../src/action/execute/windowRequest.ts';
import { serveRequests } from '../../../../src/action/execute/windowRequestServer.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { assertNames } from '../../../names.ts';
import { otherUser } from '../../../otherUser.ts';
import { hangMs, processorTime } from '../../../unit/processorTime.ts';

const window = { pid: 4711, identity: 'boot:1:4711:lx:5' };
const ask = { window, verb: 'restart', instance: 'boot:1:99:lx:7', by: 'terminal (PID 77)' } as const;

describe('Asking another window', function () {
  this.timeout(30_000);
  let runDir: string;
  const boxes: { dispose(): void }[] = [];
  beforeEach(() => {
    runDir = mkdtempSync(join(tmpdir(), 'requests-'));
  });
  afterEach(() => {
    for (const box of boxes.splice(0)) {
      box.dispose();
    }
    rmSync(runDir, { recursive: true, force: true });
  });
  const serve = (handle: (request: WindowRequest) => Promise<Outcome>, who = window): void => {
    boxes.push(serveRequests(runDir, who, handle, silentLog));
  };

  it('gets the answer of exactly that window, once, and leaves nothing', async () => {
    const asked: WindowRequest[] = [];
    serve(async (request) => {
      asked.push(request);
      return { status: 'done', message: 'memory restarted', steps: [], after: { pid: 100, runs: '1.1.0' } };
    });
    // The same PID in another life, and another window.
    serve(() => Promise.reject(new Error('not meant')), { ...window, identity: 'boot:1:4711:lx:6' });
    serve(() => Promise.reject(new Error('not meant')), { pid: 4712, identity: 'boot:1:4712:lx:5' });
    const outcome = await askWindow(runDir, ask);
    assert.deepEqual(outcome, { status: 'done', message: 'memory restarted', steps: [], after: { pid: 100, runs: '1.1.0' } });
    assert.deepEqual(
      asked.map(({ verb, instance, by }) => [verb, instance, by]),
      [['restart', ask.instance, ask.by]],
    );
    assert.deepEqual(readdirSync(requestFolder(runDir)), []);
  });

  it('says that the window did not take it, and withdraws it', async () => {
    const outcome = await askWindow(runDir, ask, { acceptMs: 200, answerMs: 10_000 });
    assert.equal(outcome.status, 'failed');
    assertNames(outcome.message, 'PID 4711', '0.2 s');
    assert.deepEqual(readdirSync(requestFolder(runDir)), []);
  });

  it('says that the window took it and is not done', async () => {
    serve(() => new Promise(() => undefined));
    const outcome = await askWindow(runDir, ask, { acceptMs: 10_000, answerMs: 400 });
    assert.equal(outcome.status, 'failed');
    assertNames(outcome.message, '0.4 s');
  });

  it('hears of what went wrong in the window', async () => {
    serve(() => Promise.reject(new Error('no such command')));
    assert.deepEqual(await askWindow(runDir, ask), { status: 'failed', message: 'no such command', steps: [] });
  });

  it('takes no hostile file for a request, waits for none, and clears old ones away', () => {
    const folder = requestFolder(runDir);
    const id = 'a'.repeat(24);
    const request = { schema: 1, id, ...ask };
    const at = (name: string): string => join(folder, name);
    writeFileSync(at('garbage.json'), '{');
    writeFileSync(at(`${'b'.repeat(24)}.json`), JSON.stringify(request));
    writeFileSync(at(`${'c'.repeat(24)}.json`), JSON.stringify({ ...request, id: 'c'.repeat(24), verb: 'rm' }));
    writeFileSync(at(`${'d'.repeat(24)}.json`), '');
    truncateSync(at(`${'d'.repeat(24)}.json`), 2 ** 30);
    execFileSync('mkfifo', [at(`${'e'.repeat(24)}.json`)]);
    symlinkSync(at(`${id}.json`), at(`${'f'.repeat(24)}.json`));
    writeFileSync(at(`${id}.json`), JSON.stringify(request));
    const old = at(`${'0'.repeat(24)}.json`);
    writeFileSync(old, JSON.stringify({ ...request, id: '0'.repeat(24) }));
    utimesSync(old, 1_000_000, 1_000_000);
    assert.deepEqual(
      requestsFor(runDir, window).map((one) => one.id),
      [id],
    );
    assert.ok(!readdirSync(folder).includes(`${'0'.repeat(24)}.json`));
  });

  it('reads its requests once for many events, and at most 500 of many files', async () => {
    const folder = requestFolder(runDir);
    serve(async () => ({ status: 'done', message: '', steps: [] }));
    const name = (at: number): string => join(folder, `${at.toString(16).padStart(24, '0')}.json`);
    const foreign = JSON.stringify({ schema: 1, id: '0'.repeat(24), ...ask, window: { pid: 2, identity: 'other' } });
    const began = processorTime();
    for (let at = 0; at < 400; at++) {
      writeFileSync(name(at), foreign);
    }
    assert.equal((await askWindow(runDir, ask)).status, 'done');
    assert.ok(processorTime() - began < hangMs, `${processorTime() - began} ms`);
    for (let at = 400; at < 700; at++) {
      writeFileSync(name(at), JSON.stringify({ schema: 1, id: at.toString(16).padStart(24, '0'), ...ask }));
    }
    assert.ok(requestsFor(runDir, window).length <= 500);
  });

  it('takes no file of another user for a request or for an answer', async function () {
    if (process.getuid?.() !== 0) {
      console.log('skipped: only root can make a file of another user');
      this.skip();
    }
    const folder = requestFolder(runDir);
    const [theirs, ours] = ['a', 'b'].map((letter) => letter.repeat(24));
    for (const id of [theirs, ours]) {
      writeFileSync(join(folder, `${id}.json`), JSON.stringify({ schema: 1, id, ...ask }), { mode: 0o644 });
    }
    chownSync(join(folder, `${theirs}.json`), otherUser.uid, otherUser.gid);
    assert.deepEqual(
      requestsFor(runDir, window).map(({ id }) => id),
      [ours],
    );

    const outcome = askWindow(runDir, ask, { acceptMs: 500, answerMs: 500 });
    const [name = ''] = readdirSync(folder).filter((one) => one.endsWith('.json') && !one.startsWith('aaa') && !one.startsWith('bbb'));
    const answer = join(folder, 'answer of another user');
    writeFileSync(answer, JSON.stringify({ schema: 1, status: 'done', message: 'said another user' }), { mode: 0o644 });
    chownSync(answer, otherUser.uid, otherUser.gid);
    renameSync(answer, join(folder, name.replace(/json$/, 'answer')));
    assert.equal((await outcome).status, 'failed');
  });
});
