import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { installLauncher } from '../../../src/action/protect/launcher.ts';
import { FrameReader, frameBytes, greetingBytes, readGreeting } from '../../../src/relay/contract.ts';
import { ownNamespaces } from '../../../src/relay/hostFolder.ts';
import { until } from '../../until.ts';
import {
  commandOf,
  GuardHome,
  guardBundle,
  isRunning,
  processesWith,
  publishedGuards,
  type RawClient,
  type Relay,
  strictServer,
} from '../guard/guardedServer.ts';
import { onlyOnLinux } from '../onlyOnLinux.ts';
import { CallLoad } from './callLoad.ts';

/** A user that no user namespace shows in place of others. */
const stranger = 54_321;
const isLong = process.env.TEST_LONG === '1';

/** What a client can start; the same tests for each. */
const relays: readonly Relay[] = ['perl', 'python', 'node'];

for (const relay of relays) {
  describe(`host: a relay in ${relay}`, function () {
    this.timeout(120_000);
    onlyOnLinux('processes are found in /proc');
    let home: GuardHome;
    beforeEach(() => {
      home = new GuardHome();
      home.relay = relay;
    });
    afterEach(async () => {
      await home.clean();
      for (const pid of hosts()) {
        process.kill(pid, 'SIGKILL');
      }
    });
    const hosts = (): number[] => processesWith(`\0host\0${home.run}`);
    const session = async (options: readonly string[] = [], after: readonly string[] = []): Promise<RawClient> => {
      const client = await home.strict(options, [`--log=${home.path('calls')}`, ...after]);
      await client.handshake();
      return client;
    };

    it('runs the session in the host, and the server as its own child; the end of the input ends both', async () => {
      const client = await session();
      const pid = Number(await client.text('pid'));
      await until('it is published', () => publishedGuards(home.run).length > 0);
      assert.equal(publishedGuards(home.run)[0]?.guard, client.pid);
      assert.equal(parentOf(pid), client.pid);
      client.child.stdin?.end();
      assert.deepEqual(await client.ended, { code: 0, signal: null });
      assert.ok(!isRunning(pid));
      await until('its record is gone', () => publishedGuards(home.run).length === 0);
    });

    it(`the host is killed ${isLong ? 20 : 5} times under load: every call is answered once and carried out once, by the same server`, async () => {
      const client = await session();
      const server = await client.text('pid');
      const load = new CallLoad(client);
      for (let kill = 0; kill < (isLong ? 20 : 5); kill += 1) {
        await load.goesOn();
        const [host] = hosts();
        assert.ok(host !== undefined);
        process.kill(host, 'SIGKILL');
        await until('another host serves', () => hosts().some((pid) => pid !== host));
      }
      await load.end(home);
      assert.equal(await client.text('pid'), server);
    });

    it(`a relay that is killed leaves no server, also one that ignores the end of its input${isLong ? ' and SIGTERM' : ''}`, async () => {
      const client = await session(['--grace', '0.2'], ['--ignore-eof', ...(isLong ? ['--ignore-term'] : [])]);
      const pid = Number(await client.text('pid'));
      client.child.kill('SIGKILL');
      await until('the server is gone', () => !isRunning(pid));
      await until('its record is gone', () => publishedGuards(home.run).length === 0);
    });

    (isLong ? it : () => undefined)('a host that hangs: SIGTERM and the end of the input end the server nevertheless', async () => {
      for (const end of ['SIGTERM', 'input'] as const) {
        const client = await session(['--grace', '0.2'], ['--ignore-eof']);
        const pid = Number(await client.text('pid'));
        const [host = 0] = hosts();
        process.kill(host, 'SIGSTOP');
        // A host that hangs holds the lock: none can take its place.
        if (end === 'SIGTERM') {
          client.child.kill('SIGTERM');
        } else {
          client.child.stdin?.end();
        }
        await client.ended;
        assert.ok(!isRunning(pid));
        process.kill(host, 'SIGCONT');
      }
    });

    it('tells the host the variables of its environment in their order: of two that npm reads as one setting, the last one counts', async () => {
      const names = ['npm_config_cache', 'NPM_CONFIG_CACHE', ...Array.from({ length: 20 }, (_, index) => `SOME_${(index * 7) % 20}`)];
      // Python adds LC_CTYPE where nothing names a locale.
      const locale = { LANG: undefined, LC_ALL: undefined, LC_CTYPE: undefined };
      home.variables = { ...Object.fromEntries(names.map((name) => [name, 'x'])), ...locale };
      home.startsHost = false;
      const folder = join(home.run, 'shepherd', 'host');
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(join(folder, 'secret'), 'f'.repeat(64), { mode: 0o600 });
      const told: string[] = [];
      const listener = createServer((socket) => {
        const reader = new FrameReader();
        socket.on('data', (bytes) => {
          const [greeting] = reader.push(bytes);
          told.push(...Object.keys((greeting && readGreeting(greeting.body)?.env) ?? {}));
          // The relay becomes a guard.
          socket.end(Buffer.concat(frameBytes('no', '1')));
        });
      });
      await new Promise<void>((resolve) => listener.listen(join(folder, 'socket'), resolve));
      try {
        const { pid } = await session();
        const given = readFileSync(`/proc/${pid}/environ`, 'utf8')
          .split('\0')
          .map((text) => text.replace(/=.*/s, ''));
        assert.deepEqual(
          told,
          given.filter((name) => name !== ''),
        );
        assert.ok(!told.includes('LC_CTYPE'));
      } finally {
        listener.close();
      }
    });

    it('waits for more than 1 s for a host that is starting, but not for ever', async () => {
      home.startsHost = false;
      const folder = join(home.run, 'shepherd', 'host');
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(join(folder, 'secret'), 'f'.repeat(64), { mode: 0o600 });
      const mark = join(folder, 'starting');
      writeFileSync(mark, '');
      // So it stays young, and the relay starts no host.
      utimesSync(mark, new Date(), new Date(Date.now() + 600_000));
      const guarded = await session();
      await until('it is a guard without a host', () => publishedGuards(home.run).some(({ guard }) => guard === guarded.pid));
      const client = await home.strict();
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      const greeted = new Promise<number | undefined>((resolve) => {
        const listener = createServer((socket) => {
          const reader = new FrameReader();
          socket
            .on('error', () => undefined)
            .on('data', (bytes) => {
              const [greeting] = reader.push(bytes);
              resolve(greeting && readGreeting(greeting.body)?.pid);
              socket.end(Buffer.concat(frameBytes('no', '1')));
              listener.close();
            });
        });
        listener.listen(join(folder, 'socket'));
      });
      assert.equal(await greeted, client.pid);
      await client.handshake();
      for (const one of [guarded, client]) {
        one.child.stdin?.end();
        assert.deepEqual(await one.ended, { code: 0, signal: null });
      }
    });

    it('where no host greets, it is a guard without one: another protocol version, another secret, --lock', async () => {
      const client = await session(['--lock', 'name:x']);
      assert.equal(await client.text('echo', { text: 'x' }), 'x');
      writeFileSync(join(home.run, 'shepherd', 'host', 'secret'), 'f'.repeat(64), { mode: 0o600 });
      const other = await session();
      assert.equal(await other.text('echo', { text: 'y' }), 'y');
      await until('they are published', () => publishedGuards(home.run).length === 2);
      assert.deepEqual(new Set(publishedGuards(home.run).map(({ guard }) => guard)), new Set([client.pid, other.pid]));
      for (const one of [client, other]) {
        one.child.stdin?.end();
        assert.deepEqual(await one.ended, { code: 0, signal: null });
      }
    });
  });
}

for (const relay of relays) {
  describe(`host: a relay in ${relay}, where another user could be the host`, function () {
    this.timeout(60_000);
    onlyOnLinux('the owner of files counts');
    let home: GuardHome;
    beforeEach(function () {
      if (process.getuid?.() !== 0) {
        this.skip();
      }
      home = new GuardHome();
      home.relay = relay;
      home.startsHost = false;
    });
    afterEach(() => home.clean());

    const openings: Readonly<Record<string, () => void>> = {
      'a run folder of another user': () => chownSync(home.run, stranger, stranger),
      'a folder shepherd of another user': () => chownSync(join(home.run, 'shepherd'), stranger, stranger),
      'a folder shepherd that is a link': () => {
        renameSync(join(home.run, 'shepherd'), home.path('elsewhere'));
        symlinkSync(home.path('elsewhere'), join(home.run, 'shepherd'));
      },
      'a run folder below one of another user': () => chownSync(dirname(home.run), stranger, stranger),
      'a run folder below one that all users may write': () => chmodSync(dirname(home.run), 0o777),
    };
    for (const [name, open] of Object.entries(openings)) {
      it(`gives ${name} no greeting and no file`, async () => {
        const folder = join(home.run, 'shepherd', 'host');
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        writeFileSync(join(folder, 'secret'), 'f'.repeat(64), { mode: 0o600 });
        const got: string[] = [];
        const listener = createServer((socket) => {
          got.push('a connection');
          socket.on('data', (bytes) => got.push(bytes.toString('latin1')));
        });
        await new Promise<void>((resolve) => listener.listen(join(folder, 'socket'), resolve));
        try {
          open();
          const client = await home.strict();
          await client.handshake();
          assert.equal(await client.text('echo', { text: 'x' }), 'x');
          client.child.stdin?.end();
          assert.deepEqual(await client.ended, { code: 0, signal: null });
          assert.deepEqual(got, []);
          assert.deepEqual(readdirSync(folder).sort(), ['secret', 'socket']);
        } finally {
          listener.close();
        }
      });
    }

    it('makes nothing in a run folder of another user', async () => {
      mkdirSync(join(home.run, 'shepherd'), { recursive: true, mode: 0o755 });
      chownSync(home.run, stranger, stranger);
      const client = await home.strict();
      await client.handshake();
      client.child.stdin?.end();
      assert.deepEqual(await client.ended, { code: 0, signal: null });
      assert.deepEqual(readdirSync(home.run), ['shepherd']);
      assert.deepEqual(readdirSync(join(home.run, 'shepherd')), []);
    });
  });
}

describe('host', function () {
  this.timeout(60_000);
  onlyOnLinux('processes are found in /proc');
  let home: GuardHome;
  beforeEach(() => {
    home = new GuardHome();
  });
  afterEach(() => home.clean());

  it('refuses a greeting of another version, without its secret, from another namespace, and bytes that are none', async () => {
    await home.startHost(await guardBundle());
    const secret = readFileSync(join(home.run, 'shepherd', 'host', 'secret'), 'utf8');
    const good = { secret, pid: process.pid, ppid: 1, cwd: '/', ns: ownNamespaces(), args: ['--relay', '--', 'true'] };
    const greet = async (version: string, changes: Partial<typeof good>): Promise<string> => {
      const body = greetingBytes({
        ...good,
        env: { PATH: process.env.PATH, MCP_RUN_DIR: home.run },
        ledger: new Map(),
        servers: [],
        ...changes,
      });
      return answerTo(Buffer.concat(frameBytes('hello', version, body)));
    };
    assert.match(await greet('1', {}), /^ready 1 0\n/, 'control');
    for (const answer of [
      await greet('2', {}),
      await greet('1', { secret: 'x' }),
      await greet('1', { secret: 'f'.repeat(64) }),
      await greet('1', { ns: 'elsewhere' }),
      await greet('1', { args: ['--relay', '--lock', 'name:x', '--', 'true'] }),
    ]) {
      assert.match(answer, /^no 1 /);
    }
    assert.equal(await answerTo(Buffer.from('GET / HTTP/1.1\r\n\r\n')), '');
    assert.match(await greet('1', {}), /^ready 1 0\n/, 'it still serves');
  });

  /** The first bytes of the answer; '' when the connection is closed. */
  function answerTo(bytes: Buffer): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect(join(home.run, 'shepherd', 'host', 'socket'));
      socket.once('connect', () => socket.write(bytes));
      socket.once('data', (chunk) => {
        resolve(chunk.toString());
        socket.destroy();
      });
      socket.once('close', () => resolve(''));
      socket.once('error', () => resolve(''));
    });
  }

  it('the launcher starts the relay in perl, and without the option a guard', async () => {
    const bundle = await guardBundle();
    // The launcher names all programs; only the guard's are started.
    writeFileSync(join(dirname(bundle), 'cli.cjs'), '');
    const launcher = installLauncher({
      ...{ runDir: home.run, dist: dirname(bundle), version: '1.0.0', execPath: process.execPath },
      ...{ electron: false, platform: process.platform, env: process.env },
    });
    const host = await home.startHost(join(home.run, 'shepherd', 'bin', programsIn(home.run), 'guard.cjs'));
    for (const [options, program] of [
      [['--relay'], 'perl'],
      [[], 'node'],
      [['--relay', '--alone'], 'node'],
    ] as const) {
      const client = home.start(launcher, ['guard', ...options, '--', 'python3', strictServer]);
      await client.handshake();
      assert.equal(await client.text('echo', { text: 'x' }), 'x');
      assert.equal(basename(commandOf(client.pid).split('\0')[0] ?? ''), program, options.join(' '));
      client.child.stdin?.end();
      assert.deepEqual(await client.ended, { code: 0, signal: null });
    }
    assert.equal(host.exitCode, null);
  });

  it('of many that are started at once, one is the host', async () => {
    const bundle = await guardBundle();
    const started = Array.from({ length: 5 }, () => home.start(process.execPath, [bundle, 'host', home.run]));
    await until('all but one have ended', () => started.filter(({ child }) => child.exitCode === null).length === 1);
    assert.ok(existsSync(join(home.run, 'shepherd', 'host', 'socket')));
    rmSync(join(home.run, 'shepherd', 'host', 'starting'), { force: true });
  });
});

/** The folder of the programs that a launcher starts. */
function programsIn(run: string): string {
  return JSON.parse(readFileSync(join(run, 'shepherd', 'bin', 'launcher.json'), 'utf8')).programs;
}

function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}
