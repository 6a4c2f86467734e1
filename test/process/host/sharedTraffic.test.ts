import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { SharedLines } from '../../../src/host/share/sharedLines.ts';
import type { SharedOptions } from '../../../src/host/share/sharedOutput.ts';
import { Broadcasting, broadcasts } from '../../unit/host/share/broadcasting.ts';
import { until } from '../../until.ts';
import { GuardHome, isRunning, processesWith, publishedGuards, type RawClient, type Relay } from '../guard/guardedServer.ts';
import { ended } from '../lock/lockHome.ts';
import { onlyOnLinux } from '../onlyOnLinux.ts';
import { askInTurns, TrafficClient, type Wire, wrongIn } from './sharedTraffic.ts';
import { installSharing } from './sharingServer.ts';

const isLong = process.env.TEST_LONG === '1';
/** Of each client. */
const calls = isLong ? 10_000 : 600;
/** Of the host; after four within a minute, a relay starts one of its own. */
const kills = isLong ? 3 : 2;
const relays: readonly Relay[] = isLong ? ['perl', 'python', 'node'] : ['perl'];
const seed = Number(process.env.TRAFFIC_SEED ?? Date.now() % 1_000_000);

describe(`host: traffic of two clients on one server (TRAFFIC_SEED=${seed})`, function () {
  this.timeout(isLong ? 900_000 : 120_000);
  onlyOnLinux('sandbox and limits of two processes are compared in /proc');
  let home: GuardHome;
  beforeEach(() => {
    home = new GuardHome();
  });
  afterEach(async () => {
    await home.clean();
    for (const pid of processesWith(`\0host\0${home.run}`)) {
      process.kill(pid, 'SIGKILL');
    }
  });
  const lines = (name: string): string[] => readFileSync(home.path(name), 'utf8').trim().split('\n');

  /** Two clients of one server. */
  async function two(relay: Relay): Promise<{ processes: RawClient[]; clients: [TrafficClient, TrafficClient] }> {
    home.relay = relay;
    const program = await installSharing(home.path('installed'));
    const words = ['--share', '--', process.execPath, program];
    const processes = [await home.guard(words), await home.guard(words)];
    const [a, b] = processes.map(({ child }, index) => new TrafficClient('ab'[index] ?? '', wireOf(child), seed + index));
    assert.ok(a && b);
    await Promise.all([a.connect(), b.connect()]);
    return { processes, clients: [a, b] };
  }

  for (const relay of relays) {
    it(`${relay}: ${calls} calls each with equal ids, progress, cancellations and questions, with restarts and an upgrade: none crossed, lost or twice`, async () => {
      const { processes, clients } = await two(relay);
      const [a, b] = clients;
      const servers = new Set<number>();
      const shareOne = async (): Promise<number> => {
        const pid = await a.pid();
        assert.equal(await b.pid(), pid, `generation ${servers.size}\n${processes.map(({ stderr }) => stderr).join('\n--\n')}`);
        return pid;
      };
      const isReplaced = async (starts: number): Promise<boolean> => {
        await a.run(1);
        return lines('starts').length > starts;
      };
      servers.add(await shareOne());
      const events: readonly (() => unknown)[] = [
        () => void process.kill(processes[0]?.pid ?? 0, 'SIGUSR2'),
        () => void process.kill(processes[1]?.pid ?? 0, 'SIGUSR2'),
        () => installSharing(home.path('installed'), '2.0.0'),
        () => undefined,
      ];
      for (const [index, event] of events.entries()) {
        await askInTurns(clients, 5);
        const [before, starts] = [a.calls, lines('starts').length];
        const share = Math.ceil(calls / events.length);
        const load = Promise.all(clients.map((client) => client.run(share, index === events.length - 1)));
        await until('the traffic is in its middle', () => a.calls > before + share / 3 || b.calls > before + share / 3, 300_000);
        await event();
        await load;
        await until('the server was replaced', async () => index === events.length - 1 || (await isReplaced(starts)));
        servers.add(await shareOne());
      }
      assert.deepEqual([await a.look(), await b.look()], ['2.0.0', '2.0.0']);
      assert.equal(servers.size, events.length, 'control: the server was replaced');
      assert.deepEqual([...a.problems, ...b.problems], []);
      assert.deepEqual(wrongIn(lines('calls'), clients), []);
      for (const client of clients) {
        const outcomes = [...client.outcomes.values()];
        assert.ok(
          client.calls >= calls && outcomes.includes('cancelled') && client.progress > calls / 20,
          'control: what was to happen happened',
        );
        assert.ok(outcomes.filter((outcome) => outcome === 'answered').length > calls * 0.8);
      }
      await whenNotCertain(clients);
      for (const { child } of processes) {
        child.stdin?.end();
      }
      for (const one of processes) {
        assert.deepEqual(await one.ended, { code: 0, signal: null });
      }
      // A server without a client ends after 10 s.
      await until('no server is left', () => lines('starts').every((pid) => !isLong || !isRunning(Number(pid))));
    });
  }

  for (const relay of relays) {
    it(`${relay}: the host is killed ${kills} times in the middle: each call has one answer, none is carried out twice, both go on with one server, and no old one is left`, async () => {
      const { processes, clients } = await two(relay);
      const [a, b] = clients;
      const hosts = (): number[] => processesWith(`\0host\0${home.run}`);
      for (let kill = 1; kill <= kills; kill += 1) {
        const server = await a.pid();
        assert.equal(await b.pid(), server);
        const before = [a.calls, b.calls];
        const load = Promise.all(clients.map((client) => client.run(200)));
        await until('both are in the middle', () => clients.every((client, index) => client.calls > (before[index] ?? 0) + 30));
        const [host = 0] = hosts();
        process.kill(host, 'SIGKILL');
        await load;
        await until('the server of the host that was killed has ended', () => !isRunning(server));
        assert.ok(!isRunning(host));
      }
      const server = await a.pid();
      assert.equal(await b.pid(), server, processes.map(({ stderr }) => stderr).join('\n--\n'));
      assert.deepEqual([...a.problems, ...b.problems], []);
      assert.deepEqual(wrongIn(lines('calls'), clients), []);
      const outcomes = clients.flatMap((client) => [...client.outcomes.values()]);
      assert.equal(outcomes.length, 2 * 200 * kills);
      const unfinished = outcomes.filter((outcome) => outcome === 'may have been carried out' || outcome === 'not carried out');
      assert.ok(unfinished.length <= kills * 16, `no more than were in flight: ${unfinished.length}`);
      assert.deepEqual(lines('starts').map(Number).filter(isRunning), [server]);
      for (const { child } of processes) {
        child.stdin?.end();
      }
      for (const one of processes) {
        assert.deepEqual(await one.ended, { code: 0, signal: null });
      }
    });
  }

  /** Both call at once while the server asks: a question reaches its own client or is refused, and the record of the next client says why it is alone. */
  async function whenNotCertain(clients: readonly TrafficClient[]): Promise<void> {
    await Promise.all(clients.flatMap((client) => [client.ask(20), client.run(100)]));
    assert.deepEqual(
      clients.flatMap(({ problems }) => problems),
      [],
    );
    assert.ok(
      clients.some(({ refused }) => refused > 0),
      'control: some question was not certain',
    );
    const third = await home.guard(['--share', '--', process.execPath, home.path('installed/node_modules/sharing-demo/index.js')]);
    const other = new TrafficClient('c', wireOf(third.child), seed);
    await other.connect();
    assert.notEqual(await other.pid(), await clients[0]?.pid());
    const said = (): unknown =>
      publishedGuards(home.run)
        .map(({ record }) => (record.x as { unshared?: string } | undefined)?.unshared)
        .join('');
    await until('a record says why', () => `${said()}`.includes('elicitation/create'));
    third.child.stdin?.end();
    assert.deepEqual(await third.ended, { code: 0, signal: null });
  }

  /** The same traffic without a host, through the code in this process. */
  async function through(make: (options: SharedOptions) => SharedLines): Promise<string[]> {
    const program = await installSharing(home.path('installed'));
    const child = spawn(process.execPath, [program], { cwd: home.root, stdio: ['pipe', 'pipe', 'inherit'] });
    // What is crossed may leave a cancellation for later.
    child.stdin.on('error', () => undefined);
    const clients: TrafficClient[] = [];
    try {
      const between = make({
        toServer: (line) => void child.stdin.write(line),
        unsafe: () => undefined,
        answered: () => undefined,
        now: () => performance.now(),
      });
      createInterface({ input: child.stdout }).on('line', (line) => between.fromServer(Buffer.from(`${line}\n`)));
      for (const name of ['a', 'b']) {
        let take: (line: string) => void = () => undefined;
        const member = between.join((line) => setImmediate(() => take(`${line}`)));
        const wire: Wire = {
          send: (line) => between.take(member, Buffer.from(line)),
          onLine: (to) => {
            take = to;
          },
        };
        clients.push(new TrafficClient(name, wire, seed + clients.length));
      }
      const all = Promise.all(
        clients.map(async (client) => {
          await client.connect();
          await client.run(300);
          await client.ask(10);
        }),
      );
      const found = (): string[] => clients.flatMap(({ problems }) => problems);
      // What is crossed may leave a call without its answer.
      await Promise.race([all.catch(() => undefined), until('something is found', () => found().length > 0)]);
      return [...found(), ...(found().length > 0 ? [] : wrongIn(lines('calls'), clients))];
    } finally {
      await Promise.all(clients.map((client) => client.close()));
      await ended(child);
    }
  }

  it('the same traffic finds nothing in what the host does, and each variant that broadcasts', async () => {
    assert.deepEqual(await through((options) => new SharedLines(options)), []);
    for (const name of ['every line', 'answers', 'progress', 'requests of the server']) {
      const is = broadcasts[name];
      assert.ok(is);
      const found = await through((options) => new Broadcasting(options, is));
      assert.notDeepEqual(found, [], name);
    }
  });
});

function wireOf({ stdin, stdout }: ChildProcess): Wire {
  return {
    send: (line) => void stdin?.write(line),
    onLine: (take) => {
      if (stdout) {
        createInterface({ input: stdout }).on('line', take);
      }
    },
  };
}
