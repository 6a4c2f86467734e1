import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../until.ts';
import { GuardHome, isRunning, processesWith, publishedGuards, type RawClient, type Relay } from '../guard/guardedServer.ts';
import { onlyOnLinux } from '../onlyOnLinux.ts';
import { installSharing } from './sharingServer.ts';

const relays: readonly Relay[] = ['perl', 'python', 'node'];

describe('host: one server for several clients (--share)', function () {
  this.timeout(120_000);
  onlyOnLinux('sandbox and limits of two processes are compared in /proc');
  let home: GuardHome;
  let program: string;
  const installed = mkdtempSync(join(tmpdir(), 'sharing-'));
  before(async () => {
    program = await installSharing(installed);
  });
  beforeEach(() => {
    home = new GuardHome();
    home.relay = 'node';
  });
  afterEach(async () => {
    await home.clean();
    for (const pid of hosts()) {
      process.kill(pid, 'SIGKILL');
    }
  });
  after(() => rmSync(installed, { recursive: true, force: true }));
  const hosts = (): number[] => processesWith(`\0host\0${home.run}`);
  const lines = (name: string): string[] => {
    try {
      return readFileSync(home.path(name), 'utf8').trim().split('\n');
    } catch {
      return [];
    }
  };
  async function session(options: readonly string[] = ['--share'], words: readonly string[] = []): Promise<RawClient> {
    const client = await home.guard([...options, '--', process.execPath, program, ...words]);
    await client.handshake();
    return client;
  }
  async function end(client: RawClient): Promise<void> {
    client.child.stdin?.end();
    assert.deepEqual(await client.ended, { code: 0, signal: null });
  }

  for (const relay of relays) {
    it(`${relay}: two clients have one server, a child of the host; it outlives the first one`, async () => {
      home.relay = relay;
      const [one, two] = [await session(), await session()];
      const pid = await one.text('pid');
      assert.equal(await two.text('pid'), pid);
      assert.equal(lines('starts').length, 1);
      await end(one);
      assert.equal(await two.text('echo', { text: 'x' }), 'x');
      await end(two);
      await until('the server has ended', () => !isRunning(Number(pid)));
    });
  }

  it('a server that declares itself isolated is the first client’s alone, and the record of the next one says so', async () => {
    writeFileSync(home.path('mode'), 'isolated');
    const [one, two] = [await session(), await session()];
    assert.notEqual(await one.text('pid'), await two.text('pid'));
    const said = (): unknown[] =>
      publishedGuards(home.run).flatMap(({ record }) => (record.x as { unshared?: string } | undefined)?.unshared ?? []);
    await until('a record says why', () => said().length > 0);
    assert.deepEqual(said(), ['it declares that each client needs one of its own']);
    await end(one);
    await end(two);
  });
});
