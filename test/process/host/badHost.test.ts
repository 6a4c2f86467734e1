import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { frameBytes, greetingBytes } from '../../../src/relay/contract.ts';
import { hostSocket, ownNamespaces } from '../../../src/relay/hostFolder.ts';
import { until } from '../../until.ts';
import { commandOf, GuardHome, guardBundle, isRunning, processesWith, type RawClient, type Relay } from '../guard/guardedServer.ts';
import { onlyOnLinux } from '../onlyOnLinux.ts';
import { CallLoad } from './callLoad.ts';

const relays: readonly Relay[] = ['perl', 'python', 'node'];
const isLong = process.env.TEST_LONG === '1';

describe('host: suspended, forged, cut off', function () {
  this.timeout(180_000);
  onlyOnLinux('processes are found in /proc');
  let home: GuardHome;
  beforeEach(() => {
    home = new GuardHome();
  });
  afterEach(async () => {
    for (const pid of hosts()) {
      process.kill(pid, 'SIGCONT');
    }
    await home.clean();
    for (const pid of hosts()) {
      process.kill(pid, 'SIGKILL');
    }
  });
  const hosts = (): number[] => processesWith(`\0host\0${home.run}`);

  for (const relay of isLong ? relays : relays.slice(0, 1)) {
    it(`${relay}: a host that hangs is left for another one: every call is answered once and carried out once, also when it runs on`, async () => {
      home.relay = relay;
      const client = await home.strict([], [`--log=${home.path('calls')}`]);
      await client.handshake();
      const load = new CallLoad(client);
      await load.goesOn();
      const [host = 0] = hosts();
      process.kill(host, 'SIGSTOP');
      const fresh = await home.strict();
      await fresh.handshake();
      assert.equal(await fresh.text('echo', { text: 'x' }), 'x', 'a new session does without the host');
      await until('another host serves', () => hosts().some((pid) => pid !== host));
      await load.goesOn();
      process.kill(host, 'SIGCONT');
      await load.goesOn();
      await load.end(home);
    });
  }

  for (const relay of relays) {
    it(`${relay}: a relay that is suspended and goes on has lost nothing`, async () => {
      home.relay = relay;
      const client = await home.strict([], [`--log=${home.path('calls')}`]);
      await client.handshake();
      const load = new CallLoad(client);
      for (let turn = 0; turn < 5; turn += 1) {
        await load.goesOn();
        client.child.kill('SIGSTOP');
        // The time without it is the subject.
        await new Promise((resolve) => setTimeout(resolve, 100 * turn));
        client.child.kill('SIGCONT');
      }
      await load.end(home);
    });

    it(`${relay}: an answer of more than 16 MB, which leaves the relay in parts, reaches the client whole, and the next one, too`, async () => {
      home.relay = relay;
      const client = await home.strict();
      await client.handshake();
      // From here on the relay passes lines of the server by itself.
      await client.text('echo', { text: 'x' });
      const bytes = 17 * 1024 * 1024;
      assert.equal((await client.text('blob', { bytes })).length, bytes);
      assert.equal(await client.text('echo', { text: 'y' }), 'y');
    });

    it(`${relay}: killed at any moment, it leaves no server, and the host serves on`, async () => {
      home.relay = relay;
      const other = await home.strict();
      await other.handshake();
      const mark = home.path('gone');
      for (let turn = 0; turn < (isLong ? 20 : 5); turn += 1) {
        const client = await home.strict(['--grace', '0.2'], [`--log=${mark}`]);
        // The moment is the subject: within the start, the handshake, and calls.
        await new Promise((resolve) => setTimeout(resolve, turn * 40));
        client.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: {} })}\n`.repeat(1 + turn));
        client.child.kill('SIGKILL');
        await until('its server is gone', () => processesWith(mark).length === 0);
      }
      assert.equal(await other.text('echo', { text: 'x' }), 'x');
    });
  }

  it('a relay that is killed together with the host leaves no server; those of other relays go on', async () => {
    home.relay = 'perl';
    const session = async (): Promise<{ readonly client: RawClient; readonly server: number }> => {
      const options = isLong ? ['--ignore-eof', '--ignore-term'] : ['--ignore-eof'];
      const client = await home.strict(['--grace', '0.2'], options);
      await client.handshake();
      assert.match(commandOf(client.pid), /relay\.pl/);
      return { client, server: Number(await client.text('pid')) };
    };
    const [one, other] = [await session(), await session()];
    const [host = 0] = hosts();
    // What the watchdog was told first is no longer all.
    const third = await session();
    process.kill(host, 'SIGKILL');
    one.client.child.kill('SIGKILL');
    third.client.child.kill('SIGKILL');
    await until('their servers are gone', () => !isRunning(one.server) && !isRunning(third.server));
    assert.equal(await other.client.text('pid'), `${other.server}`);
    // The next host has a watchdog, too.
    const [next = 0] = hosts();
    process.kill(next, 'SIGKILL');
    other.client.child.kill('SIGKILL');
    await until('its server is gone', () => !isRunning(other.server));
  });

  it('a greeting that ends at any byte, and one with the secret of an earlier host, get no session', async () => {
    const bundle = await guardBundle();
    const first = await home.startHost(bundle);
    const secret = (): string => readFileSync(join(home.run, 'shepherd', 'host', 'secret'), 'utf8');
    const place = { pid: process.pid, ppid: 1, cwd: '/', ns: ownNamespaces(), args: ['--relay', '--start', 'lazy', '--', 'true'] };
    const greetingOf = (known: string): Buffer =>
      Buffer.concat(
        frameBytes(
          'hello',
          '1',
          greetingBytes({ ...place, secret: known, env: { MCP_RUN_DIR: home.run }, ledger: new Map(), servers: [] }),
        ),
      );
    const old = greetingOf(secret());
    const ready = /^ready 1 0\n/;
    assert.match(await answerTo(old), ready, 'control');
    for (let length = 0; length < old.length; length += 1) {
      assert.equal(await answerTo(old.subarray(0, length), true), '', `${length} bytes`);
    }
    assert.match(await answerTo(old), ready, 'it still serves');
    first.kill('SIGKILL');
    await until('the first host is gone', () => hosts().length === 0);
    rmSync(hostSocket(home.run));
    home = Object.assign(new GuardHome(), { run: home.run, root: home.root });
    await home.startHost(bundle);
    assert.match(await answerTo(old), /^no 1 /, 'replayed');
    assert.match(await answerTo(greetingOf(secret())), ready);
    assert.equal(
      await answerTo(Buffer.concat(frameBytes('heir', '1', Buffer.from('f'.repeat(64))))).then((text) => text.includes('yours')),
      false,
    );
    assert.match(await answerTo(greetingOf(secret())), ready, 'it is still the host');
  });

  /** The first bytes of the answer; '' when there is none. @param ends closes the connection after the bytes */
  function answerTo(bytes: Buffer, ends = false): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect(hostSocket(home.run));
      socket.once('connect', () => (ends ? socket.end(bytes) : socket.write(bytes)));
      socket.once('data', (chunk) => {
        resolve(chunk.toString());
        socket.destroy();
      });
      socket.once('close', () => resolve(''));
      socket.once('error', () => resolve(''));
    });
  }
});
