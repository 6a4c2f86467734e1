import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, lstatSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { clearDeadRecords } from '../../../../src/lock/clearDeadRecords.ts';
import { askInstance, type ControlAnswer } from '../../../../src/lock/control/controlClient.ts';
import type { ControlObject } from '../../../../src/lock/control/controlLines.ts';
import { ControlRefusal } from '../../../../src/lock/control/controlMessages.ts';
import { newControlPath, removeControlEndpoint } from '../../../../src/lock/control/controlPath.ts';
import { createControlSecret, newNonce, proofOf, readControlSecret } from '../../../../src/lock/control/controlSecret.ts';
import { openControlServer } from '../../../../src/lock/control/controlServer.ts';
import { holdResources, publishedHolders } from '../../../../src/lock/holdResources.ts';
import { newInstanceId, writeInstanceRecord } from '../../../../src/lock/instanceRecord.ts';
import { lockFile } from '../../../../src/lock/kernelLock.ts';
import { openLockDirectory } from '../../../../src/lock/lockDirectory.ts';
import { readProcessStarts } from '../../../../src/lock/processStarts.ts';
import { resourceKey } from '../../../../src/lock/resourceKey.ts';
import { assertNames } from '../../../names.ts';
import { someRecord } from '../../../unit/lock/records.ts';
import { until } from '../../../until.ts';
import { onlyOnLinux } from '../../onlyOnLinux.ts';
import { ended } from '../lockHome.ts';
import { ControlHome, type Named, type RawConnection } from './controlHome.ts';

describe('The control endpoint (Instance Lock Protocol 1, test 30)', function () {
  this.timeout(60_000);
  let home: ControlHome;

  onlyOnLinux('the control endpoint was not run on this system yet');
  beforeEach(() => {
    home = new ControlHome();
  });
  afterEach(() => home.clean());

  const ask = (
    record: Named,
    verb: 'status' | 'restart' | 'stop',
    more: { limitMs?: number; handshakeMs?: number } = {},
  ): Promise<ControlAnswer> =>
    askInstance({ directory: home.directory, record, verb, by: 'the test', limitMs: 30_000, handshakeMs: 20_000, ...more });
  const secretOf = (id: string): Buffer => {
    const read = readControlSecret(home.directory, id);
    assert.ok('secret' in read);
    return read.secret;
  };
  /** Sends the proof of the protocol. */
  const proven = async (record: Named): Promise<RawConnection> => {
    const connection = home.raw(record.control.path);
    const { nonce } = JSON.parse(await connection.line(0)) as { nonce: string };
    const own = newNonce();
    connection.send({ nonce: own, proof: proofOf(secretOf(record.id), nonce, own) });
    assert.deepEqual(JSON.parse(await connection.line(1)), { proof: proofOf(secretOf(record.id), own, nonce) });
    return connection;
  };
  const sockets = (): string[] => readdirSync(join(home.directory.base, 's'));

  it('answers status, restart with its progress, and stop, and leaves nothing behind', async () => {
    const seen: (string | undefined)[] = [];
    const record = await home.open({
      status: (request) => ({ running: true, by: request.by }),
      restart: async (request, progress) => {
        seen.push(request.by);
        progress({ step: 'draining' });
        progress({ step: 'starting' });
        return { pid: 4711 };
      },
      stop: () => ({ stopped: true }),
    });
    assert.deepEqual(await ask(record, 'status'), { status: 'ok', result: { running: true, by: 'the test' } });
    const steps: ControlObject[] = [];
    const restarted = await askInstance({
      directory: home.directory,
      record,
      verb: 'restart',
      onProgress: (step) => steps.push(step),
      handshakeMs: 20_000,
    });
    assert.deepEqual(restarted, { status: 'ok', result: { pid: 4711 } });
    assert.deepEqual(steps, [{ step: 'draining' }, { step: 'starting' }]);
    assert.deepEqual(await ask(record, 'stop'), { status: 'ok', result: { stopped: true } });
    const mode = (path: string): string => (lstatSync(path).mode & 0o777).toString(8);
    assert.deepEqual(
      [mode(record.control.path), mode(join(home.directory.base, 's')), mode(join(home.directory.instances, `${record.id}.secret`))],
      ['600', '700', '600'],
    );
    await record.end();
    assert.deepEqual([sockets(), readdirSync(home.directory.instances)], [[], []]);
    assert.equal((await ask(record, 'status')).status, 'unreachable');
    assert.deepEqual(home.problems, []);
  });

  it('sends the answer to stop although the endpoint closes', async () => {
    let end = (): Promise<void> => Promise.resolve();
    const record = await home.open({
      stop: () => {
        void end();
        return { stopped: true };
      },
    });
    end = record.end;
    assert.deepEqual(await ask(record, 'stop'), { status: 'ok', result: { stopped: true } });
  });

  it('refuses what another instance was meant for, says what a handler says, and tells of other errors their name only', async () => {
    let answer: () => ControlObject = () => ({});
    const record = await home.open({ status: () => answer() });
    assert.deepEqual(await ask({ ...record, id: record.id }, 'status'), { status: 'ok', result: {} });
    const connection = await proven(record);
    connection.send({ id: 7, verb: 'stop', expectInstance: newInstanceId() });
    assert.deepEqual(JSON.parse(await connection.line(2)), {
      id: 7,
      error: { code: 'other-instance', message: `this is instance ${record.id}` },
    });
    connection.send({ id: 8, verb: 'format', expectInstance: record.id });
    assert.deepEqual(JSON.parse(await connection.line(3)), { id: 8, error: { code: 'unsupported', message: 'not a request: verb' } });
    connection.send({ id: 9, verb: 'status' });
    assert.deepEqual(JSON.parse(await connection.line(4)), { id: 9, error: { code: 'invalid', message: 'not a request: expectInstance' } });
    answer = () => {
      throw new ControlRefusal('failed', 'the new version\nends at once');
    };
    assert.deepEqual(await ask(record, 'status'), { status: 'refused', code: 'failed', message: 'the new version ends at once' });
    answer = () => {
      throw new RangeError('with password=hunter2');
    };
    assert.deepEqual(await ask(record, 'status'), { status: 'refused', code: 'failed', message: 'status failed (RangeError)' });
    answer = () => ({ text: 'x'.repeat(70_000) });
    assert.deepEqual(await ask(record, 'status'), {
      status: 'refused',
      code: 'too-large',
      message: 'the answer is larger than 65536 bytes',
    });
  });

  it('test 30: closes on a wrong HMAC without a message and without doing anything', async () => {
    let asked = 0;
    const record = await home.open({ stop: () => ({ asked: ++asked }) });
    for (const proof of ['0'.repeat(64), 'x', 5, undefined]) {
      const connection = home.raw(record.control.path);
      await connection.line(0);
      connection.send({ nonce: newNonce(), proof });
      connection.send({ id: 1, verb: 'stop', expectInstance: record.id });
      await connection.end();
      assert.equal(connection.lines.length, 1);
    }
    // No proof at all: straight to the verb.
    const bold = home.raw(record.control.path);
    bold.send({ id: 1, verb: 'stop', expectInstance: record.id });
    await bold.end();
    // A client with another secret (a file that was put in its place).
    createControlSecret(home.directory, record.id);
    const answer = await ask(record, 'stop');
    assert.equal(answer.status, 'untrusted', JSON.stringify(answer));
    assert.equal(asked, 0);
    assert.equal(home.problems.length, 6);
  });

  it('test 30: takes no proof a second time', async () => {
    let asked = 0;
    const record = await home.open({ stop: () => ({ asked: ++asked }) });
    const first = home.raw(record.control.path);
    const { nonce } = JSON.parse(await first.line(0)) as { nonce: string };
    const own = newNonce();
    const overheard = { nonce: own, proof: proofOf(secretOf(record.id), nonce, own) };
    first.send(overheard);
    // The control: the proof was right.
    assert.notEqual(await first.line(1), 'closed');
    const second = home.raw(record.control.path);
    assert.notEqual((JSON.parse(await second.line(0)) as { nonce: string }).nonce, nonce);
    second.send(overheard);
    second.send({ id: 1, verb: 'stop', expectInstance: record.id });
    await second.end();
    // The server's own nonce sent back to it makes both proofs the same; no honest client does that.
    const mirror = home.raw(record.control.path);
    const mirrored = (JSON.parse(await mirror.line(0)) as { nonce: string }).nonce;
    mirror.send({ nonce: mirrored, proof: proofOf(secretOf(record.id), mirrored, mirrored) });
    await mirror.end();
    assert.equal(asked, 0);
  });

  it('test 30: gives a slow sender no more time than others, and serves others in between', async () => {
    const record = await home.open({ status: () => ({ fine: true }) }, { handshakeMs: 400 });
    const silent = [0, 1, 2].map(() => home.raw(record.control.path));
    const slow = home.raw(record.control.path);
    await slow.line(0);
    const proof = JSON.stringify({ nonce: newNonce(), proof: '0'.repeat(64) });
    let sent = 0;
    const dribble = setInterval(() => slow.send(proof[sent++ % proof.length] ?? ''), 20);
    try {
      await until('one is served', async () => (await ask(record, 'status')).status === 'ok');
      await Promise.all([...silent, slow].map((connection) => connection.end()));
      assert.equal(slow.lines.length, 1);
    } finally {
      clearInterval(dribble);
    }
    // Proven, and then a line that never ends.
    await until('a proven one that dribbles is closed', async () => {
      const connection = home.raw(record.control.path);
      const { nonce } = JSON.parse(await connection.line(0)) as { nonce: string };
      const own = newNonce();
      connection.send({ nonce: own, proof: proofOf(secretOf(record.id), nonce, own) });
      if ((await connection.line(1)) === 'closed') {
        return false;
      }
      connection.send('{"id":');
      await connection.end();
      return true;
    });
  });

  it('is not kept from others by many connections, and closes idle ones', async () => {
    const record = await home.open({ status: () => ({ fine: true }) }, { maxConnections: 4, handshakeMs: 300, idleMs: 300 });
    const crowd = Array.from({ length: 20 }, () => home.raw(record.control.path));
    await Promise.all(crowd.map((connection) => connection.end()));
    assert.ok(crowd.filter((connection) => connection.lines.length > 0).length <= 4);
    await until('it serves again', async () => (await ask(record, 'status')).status === 'ok');
  });

  it('test 30: tells nothing to a process that took over the path of its socket', async () => {
    const record = await home.open();
    await record.end();
    createControlSecret(home.directory, record.id);
    const heard: string[] = [];
    for (const greeting of [`{"ilp":1,"nonce":"${newNonce()}"}\n`, 'HTTP/1.1 200 OK\n', `${'x'.repeat(70_000)}\n`, '{"ilp":2}\n']) {
      const squatter = createServer((socket) => {
        socket.on('error', () => {});
        socket.on('data', (chunk) => {
          heard.push(String(chunk));
          // All that it can do is to send the client's own proof back.
          socket.write(chunk);
        });
        socket.write(greeting);
      });
      await new Promise<void>((resolve) => squatter.listen(record.control.path, resolve));
      const answer = await ask(record, 'stop');
      assert.equal(answer.status, 'untrusted', JSON.stringify(answer));
      await new Promise((resolve) => squatter.close(resolve));
    }
    assert.equal(heard.length, 1);
    const secret = secretOf(record.id).toString('hex');
    assert.ok(heard.every((text) => !text.includes('stop') && !text.includes(secret) && !text.includes(record.id)));
  });

  it('does not connect to a socket of another user', async function () {
    if (process.geteuid?.() !== 0) {
      this.skip();
    }
    const record = await home.open();
    // The control: it answers.
    assert.equal((await ask(record, 'status')).status, 'ok');
    chownSync(record.control.path, 12_345, 12_345);
    const answer = await ask(record, 'status');
    assert.deepEqual(answer, { status: 'untrusted', reason: `${record.control.path} belongs to user 12345` });
    chownSync(record.control.path, 0, 0);
    chownSync(join(home.directory.base, 's'), 12_345, 12_345);
    assert.equal((await ask(record, 'status')).status, 'untrusted');
    chownSync(join(home.directory.base, 's'), 0, 0);
  });

  it('speaks to no path that a record makes up', async () => {
    const record = await home.open();
    const victim = join(home.root, 'victim.sock');
    let reached = 0;
    const other = createServer(() => {
      reached += 1;
    });
    await new Promise<void>((resolve) => other.listen(victim, resolve));
    const folder = join(home.directory.base, 's');
    const link = join(folder, `${'a'.repeat(12)}.sock`);
    symlinkSync(victim, link);
    const uid = process.geteuid?.() ?? 0;
    for (const path of [
      victim,
      `${folder}/../../../victim.sock`,
      link,
      `/tmp/mcp-${uid}-0123456789abcdef/../victim.sock`,
      `${folder}/x`,
      '/dev/log',
      'c.sock',
      '',
    ]) {
      const answer = await ask({ ...record, control: { ...record.control, path } }, 'stop');
      assert.equal(answer.status, 'untrusted', path);
    }
    assert.equal((await ask({ ...record, control: { ...record.control, type: 'pipe' } }, 'stop')).status, 'untrusted');
    assert.equal(reached, 0);
    // Removing a dead instance does not touch the path that its record names.
    const id = newInstanceId();
    writeFileSync(join(home.directory.instances, `${id}.secret`), 'x');
    writeInstanceRecord(home.directory, someRecord({ id, control: { type: 'unix', path: victim, caps: [] } }));
    assert.deepEqual(await clearDeadRecords(home.directory, await readProcessStarts()), [id]);
    assert.ok(lstatSync(victim).isSocket());
    await new Promise((resolve) => other.close(resolve));
  });

  it('refuses lines of more than 64 KiB, before and after the proof', async () => {
    const record = await home.open({ status: (request) => ({ got: JSON.stringify(request.params ?? {}).length }) });
    const unproven = home.raw(record.control.path);
    await unproven.line(0);
    unproven.send('x'.repeat(65_537));
    await unproven.end();
    const connection = await proven(record);
    const request = (size: number): string => {
      const empty = JSON.stringify({ id: 1, verb: 'status', expectInstance: record.id, params: { text: '' } });
      return empty.replace('""', `"${'y'.repeat(size - empty.length)}"`);
    };
    // The control: the longest that is allowed.
    connection.send(`${request(65_536)}\n`);
    assertNames(await connection.line(2), '"result"');
    connection.send(`${request(65_537)}\n`);
    await connection.end();
    assert.equal(connection.lines.length, 3);
    const answer = await askInstance({
      directory: home.directory,
      record,
      verb: 'status',
      params: { text: 'z'.repeat(66_000) },
      handshakeMs: 20_000,
    });
    assert.ok(answer.status === 'refused' && answer.code === 'too-large');
  });

  it('test 20: restarts once when eight ask at the same time, and not again for those who saw the old server', async () => {
    let server = { pid: 100, start: 'lx:1' };
    let restarts = 0;
    let go = (): void => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const record = await home.open(
      {
        restart: async () => {
          restarts += 1;
          await gate;
          server = { pid: 101, start: 'lx:2' };
          return { pid: server.pid };
        },
      },
      { server: () => server },
    );
    const old = { ...record, server };
    const steps: Promise<ControlAnswer>[] = Array.from({ length: 8 }, () => ask(old, 'restart'));
    await until('the restart began', () => restarts > 0);
    go();
    const answers = await Promise.all(steps);
    const counts = { did: 0, joined: 0, already: 0 };
    for (const answer of answers) {
      counts.did += answer.status === 'ok' && answer.result.joined !== true ? 1 : 0;
      counts.joined += answer.status === 'ok' && answer.result.joined === true ? 1 : 0;
      counts.already += answer.status === 'refused' && answer.code === 'already' ? 1 : 0;
    }
    assert.deepEqual([counts.did, counts.joined + counts.already, restarts], [1, 7, 1]);
    const late = await ask(old, 'restart');
    assert.ok(late.status === 'refused' && late.code === 'already', JSON.stringify(late));
    assert.equal((await ask({ ...record, server }, 'restart')).status, 'ok');
    assert.equal(restarts, 2);
  });

  it('test 30: reports a blocked event loop as silent, and the lock as held', async () => {
    const holder = home.start(process.execPath, [join(import.meta.dirname, '../blockedHolder.ts'), home.directory.base, home.root]);
    const id = await new Promise<string>((resolve, reject) => {
      holder.stdout?.once('data', (chunk: Buffer) => resolve(String(chunk).trim()));
      holder.once('exit', () => reject(new Error('the holder ended')));
    });
    const { key } = resourceKey('path', home.root);
    const [record] = await publishedHolders(home.directory, key, await readProcessStarts());
    assert.ok(record?.id === id && record.control);
    const answer = await askInstance({ directory: home.directory, record, verb: 'restart', handshakeMs: 700 });
    assert.deepEqual(answer, { status: 'silent', reason: 'it did not answer within 700 ms', asked: false });
    assert.equal((await lockFile(join(home.directory.locks, `${key}.lock`))).status, 'held');
    await ended(holder);
    // The files of a killed instance are found by its record and removed: socket, secret and the others.
    assert.deepEqual(
      [existsSync(record.control.path), (await ask({ id, control: record.control }, 'status')).status],
      [true, 'unreachable'],
    );
    assert.deepEqual(await clearDeadRecords(home.directory, await readProcessStarts()), [id]);
    assert.deepEqual([sockets(), readdirSync(home.directory.instances)], [[], []]);
  });

  it('gives up waiting for a slow answer, and says that it was asked', async () => {
    const record = await home.open({ restart: () => new Promise(() => {}) });
    const answer = await ask(record, 'restart', { limitMs: 200 });
    assert.ok(answer.status === 'silent' && answer.asked, JSON.stringify(answer));
    const controller = new AbortController();
    const waiting = askInstance({ directory: home.directory, record, verb: 'restart', handshakeMs: 20_000, signal: controller.signal });
    controller.abort();
    assert.equal((await waiting).status, 'silent');
  });

  it('moves to a folder of its own in /tmp where the run folder’s path is too long', async () => {
    const base = join(home.root, 'a-very-long-name-that-leaves-no-room-for-a-socket'.repeat(2), 'v1');
    const opened = openLockDirectory(base);
    assert.ok('directory' in opened);
    const path = newControlPath(opened.directory);
    assert.match(path, new RegExp(`^/tmp/mcp-${process.geteuid?.()}-[0-9a-f]{16}/c\\.sock$`));
    const long = new ControlHome(base);
    try {
      const record = await long.open({ status: () => ({ fine: true }) });
      assertNames(record.control.path, '/tmp/mcp-');
      assert.equal((lstatSync(join(record.control.path, '..')).mode & 0o777).toString(8), '700');
      assert.equal((await askInstance({ directory: opened.directory, record, verb: 'status', handshakeMs: 20_000 })).status, 'ok');
      await record.end();
      assert.ok(!existsSync(join(record.control.path, '..')));
    } finally {
      await long.clean();
      rmSync(join(path, '..'), { recursive: true });
    }
  });

  it('removes a folder in /tmp that a record names only where it is private', () => {
    const path = newControlPath({ ...home.directory, base: join('/', 'x'.repeat(100)) });
    const folder = join(path, '..');
    try {
      chmodSync(folder, 0o755);
      removeControlEndpoint(home.directory, { type: 'unix', path });
      assert.ok(existsSync(folder));
      chmodSync(folder, 0o700);
      removeControlEndpoint(home.directory, { type: 'unix', path });
      assert.ok(!existsSync(folder));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('B27: goes with its instance: close removes record, socket, secret and locks', async () => {
    const held = await holdResources({
      directory: home.directory,
      starts: await readProcessStarts(),
      resources: [],
      facts: { serverId: 'memory' },
    });
    assert.ok(held.status === 'held-by-us');
    const { instance } = held;
    const control = await openControlServer({
      directory: home.directory,
      instance: instance.record.id,
      handlers: { status: () => ({}), restart: () => ({}), stop: () => ({}) },
      server: () => undefined,
    });
    instance.publish({ state: 'running', control: control.endpoint });
    assert.deepEqual(readdirSync(home.directory.instances).length, 3);
    instance.close();
    assert.deepEqual([sockets(), readdirSync(home.directory.instances)], [[], []]);
    await control.close();
  });
});
