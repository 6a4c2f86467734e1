// What relays and the host do on a full disk, with users beside theirs, and with very many sessions.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { FrameReader, frameBytes, greetingBytes } from '../../../src/relay/contract.ts';
import { hostSocket, ownNamespaces } from '../../../src/relay/hostFolder.ts';
import { openNode, otherUser } from '../../otherUser.ts';
import { until } from '../../until.ts';
import {
  commandOf,
  GuardHome,
  guardBundle,
  interpreters,
  processesWith,
  publishedGuards,
  RawClient,
  type Relay,
  strictServer,
} from '../guard/guardedServer.ts';
import { onlyOnLinux } from '../onlyOnLinux.ts';

const relays: readonly Relay[] = ['perl', 'python', 'node'];
const isLong = process.env.TEST_LONG === '1';
const sessions = isLong ? 1_000 : 100;
/** No file may grow: the same errors as on a full disk (EFBIG for ENOSPC), without root. */
const full = ['-c', `ulimit -f 0; trap '' XFSZ; exec "$@"`, 'sh'];

describe('host: limits', function () {
  this.timeout(180_000);
  onlyOnLinux('processes are found in /proc');
  let home: GuardHome;
  beforeEach(() => {
    home = new GuardHome();
  });
  afterEach(async () => {
    await home.clean();
    for (const pid of hosts()) {
      process.kill(pid, 'SIGKILL');
    }
  });
  const hosts = (): number[] => processesWith(`\0host\0${home.run}`);
  const wordsOf = (relay: Relay, folder: string, node: string): string[] => {
    const [program = node, script, ...options] = interpreters[relay] ?? [];
    return [program, ...(script === undefined ? [] : [...options, join(folder, script), node]), join(folder, 'guard.cjs'), '--relay'];
  };
  async function serves(client: RawClient): Promise<void> {
    await client.handshake();
    assert.equal(await client.text('echo', { text: 'x' }), 'x');
    client.child.stdin?.end();
    assert.deepEqual(await client.ended, { code: 0, signal: null });
  }

  for (const relay of relays) {
    it(`${relay}: where the disk is full and no host can start, the relay becomes a guard`, async () => {
      const words = wordsOf(relay, dirname(await guardBundle()), process.execPath);
      await serves(home.start('/bin/sh', [...full, ...words, '--', 'python3', strictServer]));
      assert.deepEqual(hosts(), []);
    });

    it(`${relay}: where the disk is full for a host that runs, the session costs only its record, which standard error says`, async () => {
      home.relay = relay;
      const host = await home.startHost(await guardBundle());
      execFileSync('prlimit', ['--pid', `${host.pid}`, '--fsize=0']);
      const client = await home.strict();
      await client.handshake();
      assert.equal(await client.text('echo', { text: 'x' }), 'x');
      await until('standard error says it', () => client.stderr.includes('it is not published'));
      assert.deepEqual(publishedGuards(home.run), []);
      assert.deepEqual(hosts(), [host.pid], 'control: the host served it');
      client.child.stdin?.end();
      assert.deepEqual(await client.ended, { code: 0, signal: null });
    });
  }

  describe('another user', () => {
    let open: string;
    beforeEach(function () {
      if (process.getuid?.() !== 0) {
        this.skip();
      }
      open = mkdtempSync(join(tmpdir(), 'open-programs-'));
    });
    afterEach(() => rmSync(open, { recursive: true, force: true }));

    it('cannot connect to the host, whose own user can: the control', async () => {
      // A host without a session ends after 10 s: what takes time comes before.
      const node = openNode();
      await home.startHost(await guardBundle());
      for (const folder of [home.root, home.run, join(home.run, 'shepherd')]) {
        chmodSync(folder, 0o755);
      }
      const script = `require('node:net').connect(${JSON.stringify(hostSocket(home.run))}).on('connect', () => { console.log('connected'); process.exit(); }).on('error', ({ code }) => { console.log(code); process.exit(); });`;
      const answer = (options: object): string => execFileSync(node, ['-e', script], { encoding: 'utf8', ...options }).trim();
      assert.equal(answer({ cwd: '/' }), 'connected');
      assert.equal(answer(otherUser), 'EACCES');
    });

    for (const relay of relays) {
      it(`${relay}: a relay of another user with this run folder becomes a guard, and leaves nothing there`, async () => {
        const node = openNode();
        cpSync(dirname(await guardBundle()), open, { recursive: true });
        copyFileSync(strictServer, join(open, basename(strictServer)));
        execFileSync('chmod', ['-R', 'a+rX', open]);
        await home.startHost(await guardBundle());
        for (const folder of [home.root, home.run, join(home.run, 'shepherd')]) {
          chmodSync(folder, 0o755);
        }
        const before = readdirSync(join(home.run, 'shepherd', 'host'));
        const [program = '', ...args] = [...wordsOf(relay, open, node), '--', 'python3', join(open, basename(strictServer))];
        const client = new RawClient(
          spawn(program, args, { ...otherUser, env: { ...home.env, HOME: '/' }, stdio: ['pipe', 'pipe', 'pipe'] }),
        );
        home.clients.push(client);
        await client.handshake();
        assert.match(commandOf(client.pid), /guard\.cjs/);
        assert.equal(await client.text('echo', { text: 'x' }), 'x');
        client.child.stdin?.end();
        assert.deepEqual(await client.ended, { code: 0, signal: null });
        assert.deepEqual(readdirSync(join(home.run, 'shepherd', 'host')), before);
      });
    }
  });

  it(`${sessions} sessions at once are all taken, and when they have gone the host serves on`, async () => {
    home.relay = 'perl';
    const host = await home.startHost(await guardBundle());
    const secret = readFileSync(join(home.run, 'shepherd', 'host', 'secret'), 'utf8');
    const place = { secret, pid: process.pid, ppid: 1, cwd: '/', ns: ownNamespaces(), args: ['--relay', '--', 'true'] };
    const hello = Buffer.concat(
      frameBytes('hello', '1', greetingBytes({ ...place, env: { MCP_RUN_DIR: home.run }, ledger: new Map(), servers: [] })),
    );
    const files = (): number => readdirSync(`/proc/${host.pid}/fd`).length;
    const before = files();
    const taken = await Promise.all(Array.from({ length: sessions }, () => takenBy(hello)));
    assert.equal(taken.filter(({ first }) => first === 'ready').length, sessions);
    assert.ok(files() >= before + sessions, 'control: the host holds them');
    await serves(await home.strict());
    for (const { socket } of taken) {
      // A relay that leaves says so; the process that greeted still runs.
      socket.end(Buffer.concat(frameBytes('bye', '-')));
    }
    await until('the host has closed them', () => files() <= before + 5);
    await serves(await home.strict());
    assert.deepEqual(hosts(), [host.pid]);
  });

  /** The kind of the first frame of the answer; undefined when there is none. */
  function takenBy(bytes: Buffer): Promise<{ readonly socket: Socket; readonly first: string | undefined }> {
    return new Promise((resolve) => {
      const socket = connect(hostSocket(home.run));
      const reader = new FrameReader();
      const answer = (first: string | undefined): void => resolve({ socket, first });
      socket.once('connect', () => socket.write(bytes));
      socket.on('data', (chunk) => {
        const [frame] = reader.push(chunk);
        if (frame) {
          answer(frame.kind);
        }
      });
      socket.once('close', () => answer(undefined));
      socket.once('error', () => answer(undefined));
    });
  }
});
