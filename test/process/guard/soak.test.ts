import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { childrenOf, GuardHome, isRunning, resultText, until } from './guardedServer.ts';

const long = process.env.TEST_LONG === '1';
const calls = long ? 200_000 : 2_000;
const upgrades = long ? 20 : 2;
const restarts = long ? 50 : 4;
/** No more than five in a minute: that is the limit against storms. */
const crashes = long ? 50 : 3;

describe('guard: soak', function () {
  this.timeout(long ? 1_800_000 : 120_000);
  let home: GuardHome;
  beforeEach(() => {
    home = new GuardHome();
  });
  afterEach(() => home.clean());

  it(`A29 C19 ${calls} calls over ${upgrades} upgrades, ${restarts} restarts and ${crashes} crashes: each answered exactly once, none carried out twice, nothing piles up`, async () => {
    writeFileSync(home.path('version'), 'v0');
    const client = await home.strict(['--drain', '60'], [`--log=${home.path('calls')}`, `--version-from=${home.path('version')}`]);
    await client.handshake();
    await client.request('tools/list');
    await until('it is published', () => childrenOf(client.pid).length === 2);
    const before = { files: openFiles(client.pid), memory: residentMb(client.pid) };
    const events = schedule();
    let lost = 0;
    let done = 0;
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let n = next++; n < calls; n = next++) {
        await events.get(n)?.();
        const size = n % (long ? 5_000 : 200) === 0 ? 300_000 : n % 10 === 0 ? 5_000 : 20;
        const text = `${n}:${'x'.repeat(size)}`;
        const answer = resultText(await client.call('echo', { text, n }));
        if (answer !== text) {
          assert.match(answer, /before it answered this call of echo\. It may have been carried out, and was not repeated/, `call ${n}`);
          lost += 1;
        }
        done += 1;
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    assert.equal(done, calls);
    const carriedOut = home.calls().filter((line) => line.includes(' echo '));
    assert.equal(new Set(carriedOut.map((line) => line.split(' ')[2])).size, carriedOut.length, 'none was carried out twice');
    assert.ok(
      carriedOut.length >= calls - lost && lost <= crashes * 8,
      `${carriedOut.length} carried out, ${lost} cut off by ${crashes} crashes`,
    );
    const ids = client.messages.filter((message) => 'id' in message && !('method' in message)).map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, 'no id twice');
    await until('one server and one watchdog are left', () => childrenOf(client.pid).length === 2);
    assert.ok(openFiles(client.pid) <= before.files + 4, `${before.files} open files became ${openFiles(client.pid)}`);
    assert.ok(residentMb(client.pid) <= before.memory + 80, `${before.memory} MB became ${residentMb(client.pid)}`);

    function schedule(): Map<number, () => Promise<void>> {
      const at = new Map<number, () => Promise<void>>();
      const place = (count: number, offset: number, act: () => Promise<void>): void => {
        for (let index = 0; index < count; index += 1) {
          at.set(Math.floor(((index + 0.5) * calls) / count) + offset, act);
        }
      };
      let version = 0;
      place(restarts, 0, async () => {
        client.child.kill('SIGUSR2');
      });
      place(upgrades, 1, async () => {
        version += 1;
        writeFileSync(home.path('version'), `v${version}`);
        client.child.kill('SIGUSR2');
      });
      let crashed = 0;
      place(crashes, 2, async () => {
        crashed += 1;
        if (crashed % 5 === 0) {
          await new Promise((resolve) => setTimeout(resolve, 60_000));
        }
        const server = childrenOf(client.pid).find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('strictServer'));
        if (server !== undefined && isRunning(server)) {
          process.kill(server, 'SIGKILL');
        }
      });
      return at;
    }
  });
});

function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function residentMb(pid: number): number {
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024);
}
