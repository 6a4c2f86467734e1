import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { until } from '../../until.ts';
import { GuardHome, guardBundle, resultText, strictServer } from './guardedServer.ts';

/** A server that sends back every line as it came. */
const mirror = [
  'python3',
  '-c',
  'import sys\nfor line in sys.stdin.buffer:\n    sys.stdout.buffer.write(line)\n    sys.stdout.buffer.flush()',
];
const long = process.env.TEST_LONG === '1';

describe('guard: pass-through', function () {
  this.timeout(120_000);
  let home: GuardHome;
  beforeEach(() => {
    home = new GuardHome();
  });
  afterEach(() => home.clean());

  it('bytes pass unchanged: \\r\\n, no JSON, broken UTF-8, empty lines, letters split anywhere', async () => {
    const client = await home.guard(['--', ...mirror]);
    const odd = Buffer.concat([
      Buffer.from('{"jsonrpc":"2.0",  "method" :"x/ü€😀", "params":{"a":1.0,"a":2e400}}\r\n\r\n\nno JSON at all\n{"half":\n'),
      Buffer.from([0xff, 0xfe, 0x00, 0x0a]),
      Buffer.from('[1,2]\n[]\n{"id":null,"method":5}\n'),
    ]);
    for (const byte of odd) {
      client.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until('all came back', () => Buffer.concat(client.lines).length === odd.length);
    assert.deepEqual(Buffer.concat(client.lines), odd);
  });

  it('a message of 64 MB passes in both directions, in parts of any size', async () => {
    const client = await home.guard(['--', ...mirror]);
    const line = Buffer.from(`{"jsonrpc":"2.0","method":"x","params":"${'\\"é'.repeat(16_000_000)}"}\n`);
    assert.ok(line.length >= 64_000_000);
    for (let at = 0, size = 1; at < line.length; at += size, size = Math.min(size * 2, 1024 * 1024)) {
      client.write(line.subarray(at, at + size));
    }
    await until('it came back', () => client.lines.length === 1, 60_000);
    assert.equal(sha(client.lines[0]), sha(line));
  });

  it('a longer message of the server passes as it comes; one of the client is refused, because the guard cannot judge it', async () => {
    const client = await home.strict();
    await client.handshake();
    const answer = await client.call('blob', { bytes: 70_000_000 });
    assert.equal(resultText(answer).length, 70_000_000);
    const peakMb = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${client.pid}/status`, 'utf8'))?.[1]) / 1_024;
    assert.ok(peakMb < 300, `the guard took ${peakMb} MB`);
    const refused = await client.call('echo', { text: 'x'.repeat(70_000_000) });
    assert.ok(resultText(refused).includes('64 MB'));
    assert.equal(await client.text('echo', { text: 'short' }), 'short');
  });

  it('a longer message of the client passes where no call is judged', async () => {
    const client = await home.guard(['--on-stale', 'off', '--', ...mirror]);
    const line = Buffer.from(`{"jsonrpc":"2.0","method":"x","params":"${'x'.repeat(70_000_000)}"}\n`);
    client.write(line);
    await until('it came back', () => client.lines.length === 1, 60_000);
    assert.equal(sha(client.lines[0]), sha(line));
  });

  it('back-pressure: a client that does not read holds the server, and the guard’s memory stays small', async () => {
    const count = long ? 4_000 : 400;
    const server = `import sys\nfor n in range(${count}):\n    sys.stdout.write('{"n":%d,"x":"' % n + 'x' * 1000000 + '"}\\n')\n    sys.stderr.write('%d\\n' % n)\n    sys.stderr.flush()`;
    const client = await home.guard(['--', 'python3', '-c', server]);
    client.child.stdout?.pause();
    await until('the server is held', async () => {
      const before = client.stderr;
      // The delay is the subject: nothing is written for 500 ms.
      await new Promise((resolve) => setTimeout(resolve, 500));
      return before === client.stderr && before !== '';
    });
    assert.ok(client.stderr.trim().split('\n').length < 60, 'a few megabytes are on their way, not all');
    let received = 0;
    let peakMb = 0;
    client.child.stdout?.on('data', () => {
      // All of them together would fill the memory of the client.
      received += client.lines.splice(0).length;
      client.messages.splice(0);
      if (received > count / 2 && peakMb === 0) {
        peakMb = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${client.pid}/status`, 'utf8'))?.[1]) / 1_024;
      }
    });
    client.child.stdout?.resume();
    const { code } = await client.ended;
    assert.equal(code, 0);
    assert.equal(received, count);
    assert.ok(peakMb > 0 && peakMb < 250, `the guard took ${peakMb} MB`);
  });

  it('back-pressure: a server that does not read holds the client', async () => {
    const client = await home.guard(['--', 'python3', '-c', 'import time\ntime.sleep(600)']);
    const chunk = Buffer.from(`{"method":"${'x'.repeat(1_000_000)}"}\n`);
    let taken = 0;
    for (let count = 0; count < 100; count += 1) {
      client.child.stdin?.write(chunk, () => {
        taken += 1;
      });
    }
    await until('the client is held', async () => {
      const before = taken;
      // The delay is the subject: nothing is taken for 500 ms.
      await new Promise((resolve) => setTimeout(resolve, 500));
      return before === taken;
    });
    assert.ok(taken < 60, `${taken} MB were taken`);
  });

  it('a large flow in both directions at once does not lock up', async () => {
    const client = await home.guard(['--', ...mirror]);
    const line = Buffer.from(`{"method":"x","params":"${'x'.repeat(100_000)}"}\n`);
    for (let count = 0; count < 300; count += 1) {
      client.write(line);
    }
    await until('all came back', () => client.lines.length === 300, 60_000);
    assert.ok(client.lines.every((back) => back.equals(line)));
  });

  it('standard error is the server’s own', async () => {
    const client = await home.guard(['--', 'sh', '-c', 'echo oops >&2']);
    await client.ended;
    assert.equal(client.stderr, 'oops\n');
  });

  it('a log that is closed or full does not end the session, although the guard logs each restart', async () => {
    const unread = await home.strict();
    await unread.handshake();
    unread.child.stderr?.destroy();
    const full = home.start('sh', [
      '-c',
      'exec "$@" 2>/dev/full',
      'sh',
      process.execPath,
      await guardBundle(),
      '--',
      'python3',
      strictServer,
    ]);
    await full.handshake();
    for (const client of [unread, full]) {
      const old = await client.text('pid');
      client.child.kill('SIGUSR2');
      await until('another server answers', async () => (await client.text('pid')) !== old);
    }
  });

  it('A23 ids come back as they were: huge numbers, texts, the same one twice', async () => {
    const client = await home.strict();
    await client.handshake();
    const from = client.lines.length;
    client.write(
      '{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/list"}\n{"jsonrpc":"2.0","id":"é\\u00e9","method":"tools/list"}\n',
    );
    client.write('{"jsonrpc":"2.0","id":77,"method":"tools/list"}\n{"jsonrpc":"2.0","id":77,"method":"tools/list"}\n');
    await until('all four are answered', () => client.lines.length === from + 4);
    const ids = client.lines.slice(from).map((line) => /"id": ?("[^"]*"|\d+)/.exec(line.toString())?.[1]);
    assert.deepEqual(ids, ['9007199254740993', '"éé"', '77', '77']);
    // No call counts as in flight: a restart does not wait.
    const old = await client.text('pid');
    client.child.kill('SIGUSR2');
    await until('another server answers', async () => (await client.text('pid')) !== old);
  });

  it('a batch of 2025-03-26 is carried out once, and its answers are known', async () => {
    const client = await home.strict(['--drain', '600'], [`--log=${home.path('calls')}`]);
    await client.handshake();
    const call = (id: number): string =>
      `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"echo","arguments":{"text":"${id}"}}}`;
    client.write(`[${call(501)},${call(502)}]\n`);
    await until('both are answered', () => [501, 502].every((id) => client.messages.some((message) => message.id === id)));
    const old = await client.text('pid');
    client.child.kill('SIGUSR2');
    await until('another server answers', async () => (await client.text('pid')) !== old);
    assert.equal(home.calls().filter((line) => line.includes('echo')).length, 2);
  });

  it('a server behind a launcher that waits for it', async () => {
    const client = await home.guard(['--', 'sh', '-c', `python3 ${strictServer}; exit 9`]);
    await client.handshake();
    assert.ok(Number(await client.text('pid')) > 0);
    client.child.stdin?.end();
    assert.equal((await client.ended).code, 9);
  });
});

function sha(bytes: Buffer | undefined): string {
  return createHash('sha256')
    .update(bytes ?? '')
    .digest('hex');
}
