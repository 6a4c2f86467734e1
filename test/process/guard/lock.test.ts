import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertNames } from '../../names.ts';
import { until } from '../../until.ts';
import { carriedOut, GuardHome, holderOf, isRunning, publishedGuards, type RawClient, resultText, strictServer } from './guardedServer.ts';

/** The text of an error answer. */
function errorText(answer: { readonly [key: string]: unknown }): string {
  const { error } = answer;
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : `no error: ${JSON.stringify(answer)}`;
}

describe('guard: single instance', function () {
  this.timeout(90_000);
  let home: GuardHome;
  beforeEach(() => {
    home = new GuardHome();
    mkdirSync(home.path('palace'));
  });
  afterEach(() => home.clean());

  const lock = (): string[] => ['--lock', `path:${home.path('palace')}`];

  /** Refuses at once. */
  const lockNow = (): string[] => ['--on-conflict', 'wait=0', ...lock()];

  async function published(client: RawClient): Promise<void> {
    await until('it is published', () =>
      publishedGuards(home.run).some(({ guard, server }) => guard === client.pid && server !== undefined),
    );
  }

  it('B2 B3 the second start is refused with the reason, in both protocols, and ends with 75 when its client closes the input; its server never starts', async () => {
    const first = await home.strict(['--name', 'palace', ...lock()]);
    await first.handshake();
    await published(first);
    const pid = await first.text('pid');
    for (const [method, params] of [
      ['initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } }],
      ['server/discover', { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } }],
    ] as const) {
      const second = await home.guard([
        ...lock(),
        '--',
        'sh',
        '-c',
        `echo started >> ${home.path('started')}; exec python3 ${strictServer}`,
      ]);
      const answer = await second.request(method, params);
      const said = errorText(answer);
      assert.deepEqual([holderOf(answer), carriedOut(said)], [Number(pid), 'no']);
      for (const part of [home.path('palace'), '"palace"', `(PID ${process.pid})`]) {
        assert.ok(said.includes(part), said);
      }
      assert.equal(holderOf(await second.call('write')), Number(pid), 'whatever it asks');
      assert.ok(isRunning(second.pid), 'a client does not start a server again that ended');
      second.child.stdin?.end();
      assert.deepEqual(await second.ended, { code: 75, signal: null });
      assert.ok(second.stderr.includes(` by PID ${pid} `), second.stderr);
    }
    assert.deepEqual(home.calls('started'), []);
    assert.equal(await first.text('pid'), pid);
  });

  it('B1 four at once leave one server and three clear answers', async () => {
    const clients = await Promise.all([1, 2, 3, 4].map(() => home.strict(lock())));
    const answers = await Promise.all(clients.map((client) => client.handshake()));
    assert.equal(answers.filter((answer) => 'result' in answer).length, 1);
    assert.equal(answers.filter((answer) => holderOf(answer) !== undefined).length, 3);
  });

  it('B1 control: without --lock all four run', async () => {
    const clients = await Promise.all([1, 2, 3, 4].map(() => home.strict()));
    const answers = await Promise.all(clients.map((client) => client.handshake()));
    assert.equal(answers.filter((answer) => 'result' in answer).length, 4);
  });

  it('a guard that is ended while it waits leaves nothing behind', async () => {
    const first = await home.strict(lock());
    await first.handshake();
    await published(first);
    const second = await home.guard(['--on-conflict', 'wait=30', ...lock(), '--', 'python3', strictServer]);
    await until('it tries', () => openFiles(second.pid).some((path) => path.startsWith(join(home.run, 'v1', 'locks'))));
    second.child.kill('SIGTERM');
    await second.ended;
    first.child.stdin?.end();
    await first.ended;
    assert.deepEqual(readdirSync(join(home.run, 'v1', 'instances')), []);
  });

  it('B5 a guard that is killed with its server frees the resource at once', async () => {
    const first = await home.strict(lock());
    await first.handshake();
    const pid = Number(await first.text('pid'));
    process.kill(first.pid, 'SIGSTOP');
    process.kill(pid, 'SIGKILL');
    process.kill(first.pid, 'SIGKILL');
    await first.ended;
    const next = await home.strict(lock());
    assert.ok('result' in (await next.handshake()));
  });

  it('B30 a guard that is killed alone: the resource is held as long as its server lives, and the next one names that server', async () => {
    const first = await home.strict(['--grace', '6', ...lock()], ['--ignore-eof']);
    await first.handshake();
    await published(first);
    const pid = Number(await first.text('pid'));
    await first.kill();
    assert.ok(isRunning(pid));
    const second = await home.strict(lockNow());
    assert.equal(holderOf(await second.handshake()), Number(pid));
    await until('the watchdog ended the server', () => !isRunning(pid), 30_000);
    const third = await home.strict(lock());
    assert.ok('result' in (await third.handshake()));
  });

  it('B11 the lock is the guard’s and its server’s, and goes with the last restart to the new one', async () => {
    const first = await home.strict(lock());
    await first.handshake();
    const old = await first.text('pid');
    first.child.kill('SIGUSR2');
    await until('another server answers', async () => (await first.text('pid')) !== old);
    const second = await home.strict(lockNow());
    assert.ok(holderOf(await second.handshake()));
  });

  it('B11 a daemon that the server left behind with its files does not keep the lock', async () => {
    const daemon =
      'import os, time\nif os.fork() == 0:\n os.setsid()\n if os.fork() == 0:\n  open(os.environ["DAEMON"], "w").write(str(os.getpid()))\n  os.close(0); os.close(1); os.close(2)\n  time.sleep(600)\n os._exit(0)\nos.wait()';
    const first = await home.guard([
      ...lock(),
      '--',
      'sh',
      '-c',
      `DAEMON=${home.path('daemon')} python3 -c '${daemon.replaceAll("'", '"')}'; exec python3 ${strictServer}`,
    ]);
    await first.handshake();
    await until('the daemon runs', () => home.calls('daemon').length === 1 && home.calls('daemon')[0] !== '');
    first.child.stdin?.end();
    await first.ended;
    const pid = Number(home.calls('daemon')[0]);
    try {
      const second = await home.strict(lock());
      assert.ok('result' in (await second.handshake()));
    } finally {
      endIfRunning(pid);
    }
  });

  it('B14 the same place under another name is the same place', async () => {
    const first = await home.strict(lock());
    await first.handshake();
    symlinkSync(home.path('palace'), home.path('link'));
    const second = await home.strict(['--on-conflict', 'wait=0', '--lock', `path:${home.path('link')}/../link/`]);
    assert.ok(holderOf(await second.handshake()));
    const other = await home.strict(['--lock', `path:${home.path('elsewhere')}`]);
    assert.ok('result' in (await other.handshake()));
  });

  it('B21 wait: the second starts when the first is gone', async () => {
    const first = await home.strict(lock());
    await first.handshake();
    const second = await home.strict(['--on-conflict', 'wait=60', ...lock()]);
    const handshake = second.handshake();
    first.child.stdin?.end();
    assert.ok('result' in (await handshake));
    assert.ok(Number(await second.text('pid')) > 0);
  });

  it('B21 wait has an end', async () => {
    const first = await home.strict(lock());
    await first.handshake();
    const second = await home.strict(lockNow());
    assert.ok(holderOf(await second.handshake()));
  });

  it('B15 warn: the second runs, and says it', async () => {
    const first = await home.strict(lock());
    await first.handshake();
    const second = await home.strict(['--on-conflict', 'warn', ...lock()]);
    assert.ok('result' in (await second.handshake()));
    assert.ok(second.stderr.includes(` by PID ${await first.text('pid')} `), second.stderr);
  });

  it('B4 read-only: reads pass, writes are refused and name the holder, and the first write after it is gone promotes this one', async () => {
    const first = await home.strict(lock());
    await first.handshake();
    const pid = await first.text('pid');
    const second = await home.strict(
      ['--on-conflict', 'read-only', '--read-tools', 'pid,echo', ...lock()],
      [`--log=${home.path('calls')}`],
    );
    await second.handshake();
    const own = await second.text('pid');
    const answer = await second.call('write', { text: 'x' });
    assert.deepEqual([holderOf(answer), carriedOut(resultText(answer))], [Number(pid), 'no']);
    assert.equal((answer.result as { isError?: boolean }).isError, true);
    assert.deepEqual(
      home.calls().map((line) => line.split(' ')[1]),
      ['pid'],
    );
    first.child.stdin?.end();
    await first.ended;
    assert.equal(await second.text('write', { text: 'mine' }), 'mine');
    assert.equal(await second.text('pid'), own, 'without a restart');
    const third = await home.strict(lockNow());
    assert.equal(holderOf(await third.handshake()), Number(own));
  });

  it('B4 B12 read-only: writes that come at once get the resource together; a refusal names who has it by now', async () => {
    const first = await home.strict(lock());
    await first.handshake();
    const second = await home.strict(['--on-conflict', 'read-only', ...lock()]);
    await second.handshake();
    assert.equal(holderOf(await second.call('write', { text: 'x' })), Number(await first.text('pid')));
    first.child.stdin?.end();
    await first.ended;
    const third = await home.strict(lock());
    await third.handshake();
    await published(third);
    assert.equal(holderOf(await second.call('write', { text: 'x' })), Number(await third.text('pid')));
    third.child.stdin?.end();
    await third.ended;
    assert.deepEqual(await Promise.all(['1', '2', '3'].map((text) => second.text('write', { text }))), ['1', '2', '3']);
    const { record } = publishedGuards(home.run).find(({ guard }) => guard === second.pid) ?? {};
    assert.equal((record?.client as { name?: string } | undefined)?.name, 'raw', 'the name that the client gave itself goes along');
  });

  it('a resource that is named twice, or under two names, is taken once', async () => {
    const client = await home.strict([...lock(), ...lock(), '--lock', `path:${home.path('palace')}/`]);
    assert.ok('result' in (await client.handshake()));
  });

  it('takeover: of two resources that two others have', async () => {
    const one = await home.strict(['--lock', 'name:one']);
    const two = await home.strict(['--lock', 'name:two']);
    await Promise.all([one, two].map(async (client) => client.handshake().then(() => published(client))));
    const next = await home.strict(['--lock', 'name:one', '--lock', 'name:two', '--on-conflict', 'takeover=force']);
    assert.ok('result' in (await next.handshake()));
    await Promise.all([one.ended, two.ended]);
  });

  it('B4 read-only: tools that say that they only read pass', async () => {
    const first = await home.strict(lock());
    await first.handshake();
    const second = await home.strict(['--on-conflict', 'read-only', ...lock()], ['--read-only']);
    await second.handshake();
    assert.equal(await second.text('echo', { text: 'read' }), 'read');
  });

  it('B4 read-only: a read that is the client’s last word is answered, although the guard has to ask about the tool first', async () => {
    const first = await home.strict(lock());
    await first.handshake();
    const second = await home.strict(['--on-conflict', 'read-only', ...lock()], ['--read-only']);
    await second.handshake();
    const answer = second.text('echo', { text: 'last' });
    second.child.stdin?.end();
    assert.equal(await answer, 'last');
  });

  it('B4 read-only: a call that names no request, and so can have no answer, is not carried out either, alone or in an array', async () => {
    const unanswerable = [{}, { id: null }, { id: { n: 1 } }].map((id, n) => ({
      jsonrpc: '2.0',
      ...id,
      method: 'tools/call',
      params: { name: 'write', arguments: { n } },
    }));
    /** What of it a guard lets through that shares the resource in a mode. */
    const carriedOut = async (mode: string): Promise<string[]> => {
      const client = await home.strict(['--on-conflict', mode, ...lock()], ['--careless', `--log=${home.path(mode)}`]);
      await client.handshake();
      for (const call of unanswerable) {
        client.write(`${JSON.stringify(call)}\n`);
      }
      client.write(`${JSON.stringify([unanswerable[1], { jsonrpc: '2.0', method: 'notifications/other' }])}\n`);
      await client.request('tools/list');
      client.child.stdin?.end();
      await client.ended;
      return home.calls(mode).map((line) => line.split(' ').slice(1).join(' '));
    };
    const first = await home.strict(lock());
    await first.handshake();
    const passed = await carriedOut('warn');
    assert.ok(passed.filter((line) => line.startsWith('write')).length >= 3, `control: ${passed}`);
    assert.deepEqual(
      (await carriedOut('read-only')).filter((line) => line.startsWith('write')),
      [],
    );
  });

  it('B4 read-only: a tool that the server has and does not list may write', async () => {
    const first = await home.strict(lock());
    await first.handshake();
    const second = await home.strict(['--on-conflict', 'read-only', ...lock()], ['--read-only', `--log=${home.path('calls')}`]);
    await second.handshake();
    await second.request('tools/list');
    const pages = await second.call('pages');
    assert.deepEqual([holderOf(pages) !== undefined, carriedOut(resultText(pages))], [true, 'no']);
    assert.deepEqual(home.calls(), []);
  });

  it('B13 read-only: reads take no lock, also when it is free; a write does', async () => {
    const first = await home.strict(lock());
    await first.handshake();
    const second = await home.strict(['--on-conflict', 'read-only', '--read-tools', 'echo', ...lock()]);
    await second.handshake();
    first.child.stdin?.end();
    await first.ended;
    assert.equal(await second.text('echo', { text: 'read' }), 'read');
    const third = await home.strict(lockNow());
    assert.ok('result' in (await third.handshake()), 'it is still free');
    third.child.stdin?.end();
    await third.ended;
    assert.equal(await second.text('write', { text: 'mine' }), 'mine');
    const fourth = await home.strict(lockNow());
    assert.ok(holderOf(await fourth.handshake()));
  });

  it('takeover: not from a holder whose client lives, but by force', async () => {
    const first = await home.strict(lock());
    await first.handshake();
    const pid = Number(await first.text('pid'));
    await published(first);
    const second = await home.strict(['--on-conflict', 'takeover', ...lock()]);
    assertNames(errorText(await second.handshake()), 'takeover=force');
    assert.ok(isRunning(pid));
    const third = await home.strict(['--on-conflict', 'takeover=force', ...lock()]);
    assert.ok('result' in (await third.handshake()));
    await first.ended;
    assert.ok(!isRunning(pid));
  });

  it('takeover: a server whose guard is gone is ended, by its identity', async () => {
    const first = await home.strict(['--grace', '600', ...lock()], ['--ignore-eof']);
    await first.handshake();
    await published(first);
    const pid = Number(await first.text('pid'));
    await first.kill();
    try {
      const second = await home.strict(['--on-conflict', 'takeover=force', ...lock()]);
      assert.ok('result' in (await second.handshake()));
      assert.ok(!isRunning(pid));
    } finally {
      endIfRunning(pid);
    }
  });

  it('B23 where it cannot be told whether the resource is free, nothing is started', async () => {
    // No host can start there: a relay becomes a guard.
    home.startsHost = false;
    writeFileSync(home.run, 'no folder');
    const client = await home.strict(lock());
    const answer = await client.handshake();
    assert.deepEqual(['error' in answer, holderOf(answer)], [true, undefined]);
    client.child.stdin?.end();
    assert.equal((await client.ended).code, 75);
  });

  it('without --lock an unusable run folder does not prevent the start', async () => {
    // No host can start there: a relay becomes a guard.
    home.startsHost = false;
    writeFileSync(home.run, 'no folder');
    const client = await home.strict();
    await client.handshake();
    assert.ok(Number(await client.text('pid')) > 0);
    await until('it is reported', () => client.stderr.includes('not published'));
  });

  it('a probe sibling that ends soon does not keep the session’s server from starting', async () => {
    const probe = await home.strict(lock());
    await probe.handshake();
    const session = await home.strict(lock());
    const handshake = session.handshake();
    probe.child.kill('SIGTERM');
    assert.ok('result' in (await handshake));
  });
});

function endIfRunning(pid: number): void {
  if (isRunning(pid)) {
    process.kill(pid, 'SIGKILL');
  }
}

function openFiles(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkOr(`/proc/${pid}/fd/${fd}`));
  } catch {
    return [];
  }
}

function readlinkOr(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // Closed since.
    return '';
  }
}
