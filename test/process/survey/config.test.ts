// An entry that was edited while its server runs: the server stays its server, and what changed is told by name, never by value.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from '../../../src/model/finding.ts';
import type { Instance } from '../../../src/model/snapshot.ts';
import { assertNames } from '../../names.ts';
import type { RunningServer } from '../package/observe.ts';
import { nodeServer } from './tinyServers.ts';
import { headlines, instanceOf, makeWorld, settled, type World } from './world.ts';

const secret = 'hunter2-hunter2-hunter2';

describe('an entry that is edited under its server', function () {
  this.timeout(120_000);
  let world: World;
  let server: RunningServer;
  let script: string;
  beforeEach(async () => {
    world = makeWorld();
    script = nodeServer(join(world.root, 'tiny-mcp'));
    configure({});
    server = await world.start(process.execPath, [script, 'stdio'], {
      cwd: world.root,
      env: { ...process.env, API_KEY: secret, MODE: 'plain' },
    });
    const first = await look();
    assert.equal(first.name, 'tiny');
    assert.deepEqual(first.findings, []);
  });
  afterEach(() => world.remove());

  function configure(over: { command?: string; args?: string[]; env?: Record<string, string> }): void {
    const env = over.env ?? { API_KEY: secret, MODE: 'plain' };
    const entry = { command: over.command ?? process.execPath, args: over.args ?? [script, 'stdio'], env };
    world.write('.claude.json', { mcpServers: { tiny: entry } });
  }

  async function look(): Promise<Instance> {
    return instanceOf(await settled(await world.observer()), server.pid);
  }

  async function changed(): Promise<Finding> {
    const instance = await look();
    assert.deepEqual(headlines(instance), [], 'information, never an alarm');
    assert.equal(instance.name, 'tiny', 'the control: it would be a server without entry');
    assert.equal(instance.definitions.length, 1);
    const finding = instance.findings.find(({ kind }) => kind === 'config-changed');
    assert.ok(finding, JSON.stringify(instance.findings));
    assert.ok(!JSON.stringify(instance).includes(secret));
    return finding;
  }

  it('is told by what changed: argument, variable, command; put back it is well', async () => {
    configure({ args: [script, 'http'] });
    assert.equal((await changed()).message, 'its entry was edited since it started: its argument 2');
    configure({ args: [script, 'stdio', '--more'] });
    assertNames((await changed()).message, '2 then', '3 now');
    configure({ env: { API_KEY: `${secret}-other`, MODE: 'plain' } });
    assertNames((await changed()).message, 'the variable API_KEY');
    configure({ env: { API_KEY: secret, MODE: 'plain', NEW_ONE: 'x' } });
    assertNames((await changed()).message, 'NEW_ONE (new)');
    configure({ env: { API_KEY: secret } });
    assertNames((await changed()).message, 'MODE (removed)');
    configure({ command: '/somewhere/else', args: ['x'], env: {} });
    assertNames((await changed()).message, 'API_KEY (removed)', '1 more');
    configure({});
    assert.deepEqual((await look()).findings, []);
  });

  it('is unknown where a word became one that the client fills in', async () => {
    configure({ args: [script, '${input:mode}'], env: { API_KEY: '${env:KEY}', MODE: 'plain' } });
    assert.deepEqual((await look()).findings, []);
  });

  it('leaves no word of the entry on disk, only keyed hashes that this user alone may read', async () => {
    configure({ args: [script, 'stdio', secret] });
    await changed();
    const folder = join(world.runDir, 'shepherd');
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
    assert.ok(files.some((file) => file.name.endsWith('.entry.json')));
    for (const file of files) {
      const path = join(file.parentPath, file.name);
      assert.ok(!readFileSync(path, 'utf8').includes('hunter2'), path);
      assert.equal(statSync(path).mode & 0o077, 0, path);
    }
  });
});
