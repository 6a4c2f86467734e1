import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { until } from '../../until.ts';
import {
  childrenOf,
  commandOf,
  GuardHome,
  guardBundle,
  holderOf,
  isRunning,
  type Message,
  processesWith,
  publishedGuards,
  type RawClient,
  strictServer,
  watchdogOf,
} from './guardedServer.ts';

describe('guard: ending', function () {
  this.timeout(60_000);
  let home: GuardHome;
  beforeEach(() => {
    home = new GuardHome();
  });
  afterEach(() => home.clean());

  it('the exit code is the server’s', async () => {
    const client = await home.guard(['--', 'sh', '-c', 'exit 7']);
    assert.deepEqual(await client.ended, { code: 7, signal: null });
  });

  it('a signal that ends the server ends the guard', async () => {
    const client = await home.guard(['--', 'sh', '-c', 'kill -9 $$']);
    assert.deepEqual(await client.ended, { code: null, signal: 'SIGKILL' });
  });

  it('a signal at any moment of the start leaves no server behind', async () => {
    // The server ignores the end of its input: one that is not ended stays.
    const script = `: '${home.root}'; while :; do sleep 1; done`;
    const signalAfter = async (what: string, moment: (client: RawClient) => Promise<void>): Promise<void> => {
      const client = await home.guard(['--', 'sh', '-c', script]);
      await moment(client);
      // `exit` and not `close`: the pipes close only when the server has ended, too.
      const exit = once(client.child, 'exit');
      client.child.kill('SIGTERM');
      assert.deepEqual(await exit, [null, 'SIGTERM'], what);
      const left = processesWith(script).filter((pid) => pid !== client.pid);
      assert.deepEqual(left, [], what);
    };
    let startMs = 0;
    await signalAfter('when the server runs', async (client) => {
      const start = performance.now();
      await until('the server runs', () => childrenOf(client.pid).some((pid) => commandOf(pid).includes(script)));
      startMs = performance.now() - start;
    });
    // The delay is the subject: the signals are spread over a start and a little more, however long it takes on this machine.
    for (let step = 0; step < 36; step += 1) {
      const delayMs = (startMs * step) / 30;
      await signalAfter(`${delayMs} ms after its start`, () => new Promise((resolve) => setTimeout(resolve, delayMs)));
    }
  });

  it('a program that is not there is told, with the code that a shell has for it', async () => {
    const client = await home.guard(['--', 'no-such-program']);
    assert.deepEqual(await client.ended, { code: 127, signal: null });
    assert.ok(client.stderr.includes('no-such-program'), client.stderr);
  });

  it('the end of the input is passed on at once, and later answers still arrive', async () => {
    const client = await home.guard(['--', 'sh', '-c', 'cat; echo last; exit 3']);
    client.write('first');
    client.child.stdin?.end();
    assert.deepEqual(await client.ended, { code: 3, signal: null });
    assert.equal(client.messages.length, 0);
    assert.equal(Buffer.concat(client.lines).toString(), 'firstlast\n');
  });

  it('B6 the end of the input releases the lock, and a client that holds it on does not', async () => {
    const client = await home.strict(['--lock', 'name:x']);
    await client.handshake();
    const next = (): Promise<Message> => home.strict(['--lock', 'name:x', '--on-conflict', 'wait=0']).then((one) => one.handshake());
    assert.ok(holderOf(await next()), 'control');
    client.child.stdin?.end();
    await client.ended;
    assert.ok('result' in (await next()));
  });

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    it(`B6 ${signal} is passed on to the server and ends the guard, and its record is removed`, async () => {
      const client = await home.strict(['--lock', 'name:x']);
      await client.handshake();
      const pid = Number(await client.text('pid'));
      client.child.kill(signal);
      await client.ended;
      assert.ok(!isRunning(pid));
      // Free at once.
      const next = await home.strict(['--lock', 'name:x']);
      await next.handshake();
      assert.ok(Number(await next.text('pid')) > 0);
    });
  }

  it('test 23: a server that ignores the end of its input and SIGTERM is ended anyway', async () => {
    const client = await home.strict(['--grace', '0.3'], ['--ignore-eof', '--ignore-term']);
    await client.handshake();
    const pid = Number(await client.text('pid'));
    client.child.stdin?.end();
    const { signal } = await client.ended;
    assert.equal(signal, 'SIGKILL');
    assert.ok(!isRunning(pid));
  });

  it('control: without the guard such a server stays', async () => {
    const client = home.start('python3', [strictServer, '--ignore-eof']);
    await client.handshake();
    const pid = Number(await client.text('pid'));
    const gone = client.ended;
    client.child.stdin?.end();
    // The delay is the subject: the server does not end within 500 ms.
    const first = await Promise.race([gone, new Promise((resolve) => setTimeout(() => resolve('still there'), 500))]);
    assert.equal(first, 'still there');
    assert.ok(isRunning(pid));
  });

  it('processes that the server started and left in its group are ended too', async () => {
    const client = await home.guard([
      '--',
      'sh',
      '-c',
      `sh -c 'echo $$ > ${home.path('child')}; sleep 600' & exec python3 ${strictServer}`,
    ]);
    await client.handshake();
    await until('the child runs', () => readOr(home.path('child')) !== '');
    const child = Number(readOr(home.path('child')));
    assert.ok(isRunning(child));
    client.child.stdin?.end();
    await client.ended;
    assert.ok(!isRunning(child));
  });

  it('what a server that crashed left in its group is ended before the next one starts', async () => {
    const client = await home.guard([
      '--',
      'sh',
      '-c',
      `sh -c 'trap "" HUP TERM; echo $$ >> ${home.path('children')}; sleep 600' & exec python3 ${strictServer}`,
    ]);
    const children = (): number[] => readOr(home.path('children')).trim().split('\n').map(Number);
    await client.handshake();
    await until('the child runs', () => children()[0] !== 0);
    const [child = 0] = children();
    await client.call('crash');
    assert.ok(Number(await client.text('pid')) > 0);
    assert.ok(!isRunning(child));
    await until('the child of the next one runs', () => children().length === 2);
    await client.call('crash');
    client.child.stdin?.end();
    await client.ended;
    assert.deepEqual(children().filter(isRunning), [], 'also when the session ends right after the crash');
  });

  it('C20 kill -9 of the guard: the watchdog ends a server that ignores the end of its input and SIGTERM', async () => {
    const client = await home.strict(['--grace', '0.2'], ['--ignore-eof', '--ignore-term']);
    await client.handshake();
    const pid = Number(await client.text('pid'));
    // Behind a relay the host is the watchdog, and has known the server since it started it.
    await until('the watchdog knows the server', () => home.relay !== undefined || watchdogOf(client.pid) !== undefined);
    client.child.kill('SIGKILL');
    await client.ended;
    await until('the server is gone', () => !isRunning(pid), 30_000);
  });

  it('C20 the watchdog ends with the guard, and knows the server that a restart brought', async () => {
    const client = await home.strict(['--grace', '0.2'], ['--ignore-eof']);
    await client.handshake();
    const old = await client.text('pid');
    client.child.kill('SIGUSR2');
    let pid = old;
    await until('another server answers', async () => {
      pid = await client.text('pid');
      return pid !== old;
    });
    const watchdog = watchdogOf(client.pid);
    // Behind a relay the host is the watchdog, and stays.
    assert.equal(watchdog === undefined, home.relay !== undefined);
    client.child.kill('SIGKILL');
    await until('the server is gone', () => !isRunning(Number(pid)), 30_000);
    if (watchdog === undefined) {
      return;
    }
    await until('the watchdog is gone', () => !isRunning(watchdog), 30_000);
    const calm = await home.strict();
    await calm.handshake();
    await until('it has one', () => watchdogOf(calm.pid) !== undefined);
    const other = watchdogOf(calm.pid) ?? 0;
    calm.child.stdin?.end();
    await calm.ended;
    await until('the watchdog is gone', () => !isRunning(other));
  });

  it('C20 the client beyond a launcher that keeps the pipe open is killed: the server ends', async () => {
    // A launcher that keeps the pipe open, and a client that is killed; the launcher stays.
    const bundle = await guardBundle();
    writeFileSync(
      home.path('npx'),
      `#!/bin/sh\nmkfifo ${home.path('in')}\nexec 9<>${home.path('in')}\n${process.execPath} ${bundle} -- python3 ${strictServer} <&9 >${home.path('out')} &\nwait\n`,
      { mode: 0o755 },
    );
    writeFileSync(
      home.path('client.py'),
      `import subprocess, time\nsubprocess.Popen(['sh', '-c', '. ${home.path('npx')}'])\ntime.sleep(600)\n`,
    );
    const client = home.start('python3', [home.path('client.py')]);
    let guard: number | undefined;
    await until('the guard is published', () => {
      guard = publishedGuards(home.run)[0]?.guard;
      return publishedGuards(home.run)[0]?.control === true;
    });
    assert.ok(guard !== undefined && isRunning(guard));
    await client.kill();
    const pid = guard;
    await until('the guard is gone', () => !isRunning(pid), 20_000);
    assert.deepEqual(publishedGuards(home.run), []);
  });
});

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
