// What the configured command would start now: told as information, with real npx caches and projects.
import assert from 'node:assert/strict';
import { mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from '../../../src/model/finding.ts';
import { npmEnv, servers } from '../package/npmServers.ts';
import { nodeServer } from './tinyServers.ts';
import { headlines, instanceOf, makeWorld, settled, type World } from './world.ts';

describe('what a restart would start', function () {
  this.timeout(180_000);
  let world: World;
  beforeEach(() => {
    world = makeWorld();
  });
  afterEach(() => world.remove());

  async function respawn(pid: number): Promise<Finding | undefined> {
    const instance = instanceOf(await settled(await world.observer()), pid);
    assert.deepEqual(headlines(instance), [], JSON.stringify(instance.findings));
    return instance.findings.find(({ kind }) => kind === 'respawn-differs');
  }

  it('npx with a pinned version: nothing differs until the entry asks for another one', async () => {
    const { name, versions } = servers.memory;
    const configure = (version: string): void => {
      world.write('.claude.json', { mcpServers: { memory: { command: 'npx', args: ['-y', `${name}@${version}`] } } });
    };
    configure(versions[0]);
    const server = await world.start('npx', ['-y', `${name}@${versions[0]}`], { cwd: world.root, env: await npmEnv() });
    assert.equal(await respawn(server.pid), undefined);
    configure(versions[1]);
    const finding = await respawn(server.pid);
    assert.equal(finding?.confidence, 'proven');
    assert.equal(finding?.message, `a restart would start ${name} ${versions[1]} instead of ${versions[0]}`);
    configure(versions[0]);
    assert.equal(await respawn(server.pid), undefined);
  });

  it('pnpm’s layout: the old version stays where it is, and the link leads to the new one', async () => {
    const project = join(realpathSync(world.root), 'project');
    const link = join(project, 'node_modules', 'tiny-mcp');
    const place = (version: string): string => {
      const root = join(project, 'node_modules', '.pnpm', `tiny-mcp@${version}`, 'node_modules', 'tiny-mcp');
      nodeServer(root);
      writeFileSync(join(root, 'package.json'), JSON.stringify({ name: 'tiny-mcp', version, type: 'module' }));
      return root;
    };
    const old = place('1.0.0');
    mkdirSync(join(project, 'node_modules'), { recursive: true });
    symlinkSync(old, link);
    const script = join(old, 'server.js');
    // As pnpm's own shim for the program does.
    const shim = join(project, 'node_modules', '.bin', 'tiny-mcp');
    mkdirSync(join(project, 'node_modules', '.bin'));
    writeFileSync(shim, `#!/bin/sh\nexec ${process.execPath} ${script} "$@"\n`, { mode: 0o755 });
    world.write('.claude.json', { mcpServers: { tiny: { command: shim, args: [] } } });
    const server = await world.start(shim, [], { cwd: project, env: process.env });
    assert.equal(await respawn(server.pid), undefined);
    const newer = place('2.0.0');
    rmSync(link);
    symlinkSync(newer, link);
    assert.equal(await respawn(server.pid), undefined, 'the shim decides, and it still names the old directory');
    writeFileSync(shim, `#!/bin/sh\nexec ${process.execPath} ${join(newer, 'server.js')} "$@"\n`);
    const { findings } = instanceOf(await settled(await world.observer()), server.pid);
    assert.deepEqual(
      findings.map(({ kind, subKind, confidence }) => [kind, subKind, confidence]),
      [['stale', 'replaced-beside', 'proven']],
    );
    world.write('.claude.json', { mcpServers: { tiny: { command: process.execPath, args: [script] } } });
    assert.equal(await respawn(server.pid), undefined, 'an entry that names the old directory starts the old version');
  });
});
