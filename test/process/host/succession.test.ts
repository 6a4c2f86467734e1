import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installLauncher } from '../../../src/action/protect/launcher.ts';
import { until } from '../../until.ts';
import { commandOf, GuardHome, guardBundle, processesWith, type RawClient, type Relay } from '../guard/guardedServer.ts';
import { onlyOnLinux } from '../onlyOnLinux.ts';
import { CallLoad } from './callLoad.ts';

const upgrades = process.env.TEST_LONG === '1' ? 20 : 5;
const relays: readonly Relay[] = ['perl', 'python', 'node'];

describe('host: an upgrade of the product', function () {
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
  const hostOf = (file: string): number | undefined => hosts().find((pid) => commandOf(pid).includes(`\0${file}\0`));

  /** Installs a version of the product. @returns its guard */
  async function install(version: string): Promise<string> {
    const dist = dirname(await guardBundle());
    // The launcher names all programs; only the guard's are started.
    writeFileSync(join(dist, 'cli.cjs'), '');
    installLauncher({
      ...{ runDir: home.run, dist, version, execPath: process.execPath },
      ...{ electron: false, platform: process.platform, env: process.env },
    });
    const { programs } = JSON.parse(readFileSync(join(home.run, 'shepherd', 'bin', 'launcher.json'), 'utf8'));
    return join(home.run, 'shepherd', 'bin', programs, 'guard.cjs');
  }

  async function session(): Promise<RawClient> {
    const client = await home.strict([], [`--log=${home.path('calls')}`]);
    await client.handshake();
    return client;
  }

  for (const relay of relays) {
    it(`${relay}: ${upgrades} upgrades under load: the new version’s host goes on with the same server, and every call is answered once and carried out once`, async () => {
      home.relay = relay;
      const first = await install('1.0.0');
      home.programs = first;
      const client = await session();
      const server = await client.text('pid');
      const load = new CallLoad(client);
      let last = first;
      for (let minor = 1; minor <= upgrades; minor += 1) {
        await load.goesOn();
        last = await install(`1.${minor}.0`);
        // The host looks for another version when a session begins.
        home.programs = last;
        const other = await session();
        await until('the new version’s host serves alone', () => hostOf(last) !== undefined && hosts().length === 1);
        other.child.stdin?.end();
        assert.deepEqual(await other.ended, { code: 0, signal: null });
      }
      await load.goesOn();
      assert.ok(!existsSync(first), 'control: the version that the relay began with is gone');
      process.kill(hostOf(last) ?? 0, 'SIGKILL');
      await until('the next host is of the last version, too', () => hostOf(last) !== undefined);
      await load.end(home);
      assert.equal(await client.text('pid'), server);
      client.child.stdin?.end();
      assert.deepEqual(await client.ended, { code: 0, signal: null });
    });
  }
});
