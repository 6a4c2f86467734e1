import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../until.ts';
import { run } from '../package/command.ts';
import { npm } from '../package/npmServers.ts';
import { carriedOut, childrenOf, GuardHome, isRunning, publishedGuards, type RawClient, resultText } from './guardedServer.ts';

const long = process.env.TEST_LONG === '1';
const calls = long ? 200_000 : 20_000;
const upgrades = long ? 20 : 2;
const restarts = long ? 50 : 5;
const crashes = long ? 50 : 3;
/** Crashes and upgrades a minute that the guard restarts after. The limit itself has a test of its own. */
const unaskedInAMinute = 5;
const workers = 8;
/** Should the limit be reached (a failed start counts, too), the guard tries again within a minute. */
const limitMs = 90_000;

describe('guard: soak', function () {
  this.timeout(long ? 2_400_000 : 120_000);
  let home: GuardHome;
  beforeEach(() => {
    home = new GuardHome();
  });
  afterEach(() => home.clean());

  it(`A29 C19 ${calls} calls over ${upgrades} upgrades by npm, ${restarts} restarts by hand and ${crashes} crashes: each answered exactly once, none carried out twice, none by code that was replaced before it, nothing piles up`, async () => {
    const tarballs = await pack(home, upgrades + 1);
    const project = home.path('project');
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{ "private": true }');
    const install = (build: number): Promise<string> => npm(project, 'install', '--offline', tarballs[build] ?? '');
    await install(0);
    const script = join(project, 'node_modules', 'soak-server', 'soakServer.cjs');
    const client = await home.guard(['--drain', '60', '--on-stale', 'restart', '--', process.execPath, script, home.path('calls')]);
    const session = new Session(client);
    await client.handshake();
    await client.request('tools/list');
    // Behind a relay the host is the watchdog.
    const children = home.relay === undefined ? 2 : 1;
    await until('it is published', () => childrenOf(client.pid).length === children && publishedGuards(home.run).length > 0);

    const events = new Events(client, session, install);
    const samples: { readonly files: number; readonly memory: number }[] = [];
    const begun = performance.now();
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let n = next++; n < calls; n = next++) {
        if (n > 0 && n % Math.floor(calls / 20) === 0) {
          samples.push(sizeOf(client.pid));
        }
        await events.before(n);
        const size = n % (long ? 5_000 : 1_000) === 0 ? 300_000 : n % 10 === 0 ? 5_000 : 20;
        await session.echo(n, `${n}:${'x'.repeat(size)}`, events.installed);
      }
    };
    await Promise.all(Array.from({ length: workers }, worker));
    await events.done();
    const seconds = (performance.now() - begun) / 1_000;
    await until('one server and one watchdog are left', () => childrenOf(client.pid).length === children);
    const [first, last] = [samples[1], sizeOf(client.pid)];

    const asked = calls + events.fillers;
    const carriedOut = home.calls().map((line) => line.split(' '));
    const [pids, versions, numbers] = [0, 1, 2].map((column) => new Set(carriedOut.map((words) => words[column])));
    assert.ok(pids && versions && numbers && first);
    console.log(
      `${asked} calls in ${seconds.toFixed(0)} s (${Math.round(calls / (seconds - events.seconds))} a second beside what happened), ${pids.size} servers, ` +
        `${session.lost} cut off by ${crashes} crashes, ${session.refused} told that nothing was carried out and asked again; ` +
        `memory ${samples.map(({ memory }) => memory).join(' ')} ${last.memory} MB, open files ${samples.map(({ files }) => files).join(' ')} ${last.files}`,
    );
    assert.equal(numbers.size, carriedOut.length, 'none was carried out twice');
    assert.equal(session.served + session.lost, asked, 'every call got its own text, or the word that it was cut off');
    assert.ok(session.served <= numbers.size && numbers.size <= asked, `${session.served} served, ${numbers.size} carried out`);
    assert.ok(session.lost <= crashes * (workers + 1), `${session.lost} cut off by ${crashes} crashes`);
    const answers = client.messages.filter((message) => 'id' in message && !('method' in message)).map(({ id }) => id);
    assert.equal(new Set(answers).size, answers.length, 'no id twice');
    assert.equal(versions.size, upgrades + 1, 'every version has served');
    assert.ok(pids.size >= events.least, `${pids.size} servers, at least ${events.least} were wanted`);
    assert.ok(last.files <= first.files + 4, `${first.files} open files became ${last.files}`);
    assert.ok(last.memory <= first.memory + 40, `${first.memory} MB became ${last.memory}`);
  });
});

/** The calls of one client: each is asked again for as long as the answer is that nothing was carried out. */
class Session {
  readonly #client: RawClient;
  served = 0;
  lost = 0;
  refused = 0;
  /** Of the server that answered last. */
  pid = -1;

  constructor(client: RawClient) {
    this.#client = client;
  }

  /** @param installed the version that was there when the call was sent */
  async echo(n: number, text: string, installed: number): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      const answer = await this.#client.call('echo', { text, n });
      const said = resultText(answer);
      if (said === text) {
        const {
          pid,
          version,
          n: own,
        } = (answer.result as { structuredContent: { pid: number; version: string; n: number } }).structuredContent;
        assert.equal(own, n, 'the answer of its own call');
        const build = Number(version.split('.')[2]);
        assert.ok(build >= installed, `call ${n} was carried out by build ${build} after ${installed} had been installed`);
        this.pid = pid;
        this.served += 1;
        return;
      }
      if (carriedOut(said) === 'unknown') {
        this.lost += 1;
        return;
      }
      assert.equal(carriedOut(said), 'no', `call ${n}: ${said}`);
      this.refused += 1;
      // A client that was refused waits before it calls again.
      await new Promise((resolve) => setTimeout(resolve, Math.min(20 * 2 ** tries, 1_000)));
    }
  }
}

interface Event {
  /** The call before which it happens. */
  readonly at: number;
  act(): Promise<void>;
}

/** What happens to the server: one thing after the other, while calls go on. */
class Events {
  readonly #client: RawClient;
  readonly #session: Session;
  readonly #due: Event[];
  readonly #unasked: number[] = [];
  #running: Promise<void> | undefined;
  /** The newest version that npm has put there: the last of its numbers. */
  installed = 0;
  /** So many servers there have to be at least. */
  least = 1;
  /** Calls beyond those that were to be made, by which a new server is noticed. */
  fillers = 0;
  /** How long it took. */
  seconds = 0;

  constructor(client: RawClient, session: Session, install: (build: number) => Promise<string>) {
    this.#client = client;
    this.#session = session;
    const spread = (count: number, offset: number, act: (index: number) => Promise<void>): Event[] =>
      Array.from({ length: count }, (_, index) => ({ at: Math.floor(((index + offset) * calls) / count), act: () => act(index) }));
    this.#due = [
      ...spread(restarts, 0.25, () => this.#replaced(() => client.child.kill('SIGUSR2'))),
      ...spread(upgrades, 0.5, async (index) => {
        await this.#paced();
        // Calls go on while npm is at work; from then on none may be carried out by what was there before.
        await install(index + 1);
        this.installed = index + 1;
        await this.#fill();
        this.least += 1;
      }),
      ...spread(crashes, 0.75, async (index) => {
        await this.#paced();
        await this.#replaced((pid) => {
          if (index % 5 === 4) {
            // It falls into a restart.
            client.child.kill('SIGUSR2');
          }
          process.kill(pid, 'SIGKILL');
        });
      }),
    ].sort((a, b) => a.at - b.at);
  }

  /** Lets a call go when what is due before it has begun, and what was due before that is over. */
  async before(n: number): Promise<void> {
    for (let [first] = this.#due; first && first.at <= n; [first] = this.#due) {
      if (this.#running) {
        await this.#running;
        continue;
      }
      this.#due.shift();
      const begun = performance.now();
      this.#running = first.act().finally(() => {
        this.#running = undefined;
        this.seconds += (performance.now() - begun) / 1_000;
      });
      // A failure is reported where the promise is awaited.
      this.#running.catch(() => undefined);
    }
  }

  async done(): Promise<void> {
    await this.before(calls);
    await this.#running;
  }

  /** Waits until one more automatic restart is within the limit. The delay is the subject: the limit is a number a minute. */
  async #paced(): Promise<void> {
    const since = this.#unasked[this.#unasked.length - unaskedInAMinute];
    const pause = since === undefined ? 0 : since + 62_000 - performance.now();
    if (pause > 0) {
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    this.#unasked.push(performance.now());
  }

  /** Acts, and calls until another server answers. */
  async #replaced(act: (pid: number) => void): Promise<void> {
    const before = await this.#fill();
    act(before);
    this.least += 1;
    await until(
      `another server than ${before} answers`,
      async () => {
        assert.ok(isRunning(this.#client.pid), this.#client.stderr);
        return (await this.#fill()) !== before;
      },
      limitMs,
    );
  }

  /** @returns the server that answers */
  async #fill(): Promise<number> {
    const n = calls + this.fillers;
    this.fillers += 1;
    await this.#session.echo(n, `${n}`, this.installed);
    return this.#session.pid;
  }
}

/** The same program in versions 1.0.0, 1.0.1 …, as npm would fetch them. */
async function pack(home: GuardHome, count: number): Promise<readonly string[]> {
  const folder = home.path('packages');
  const files: string[] = [];
  for (let build = 0; build < count; build += 1) {
    const root = join(folder, `${build}`, 'package');
    mkdirSync(root, { recursive: true });
    writeFileSync(join(root, 'package.json'), JSON.stringify({ name: 'soak-server', version: `1.0.${build}` }));
    cpSync(join(import.meta.dirname, 'soakServer.cjs'), join(root, 'soakServer.cjs'));
    const file = join(folder, `soak-server-1.0.${build}.tgz`);
    await run('tar', ['-czf', file, '-C', join(folder, `${build}`), 'package'], { cwd: folder, env: process.env });
    files.push(file);
  }
  return files;
}

function sizeOf(pid: number): { readonly files: number; readonly memory: number } {
  const resident = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { files: readdirSync(`/proc/${pid}/fd`).length, memory: Math.round(Number(resident) / 1_024) };
}
