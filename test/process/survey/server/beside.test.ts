// A new version that is installed beside the one that runs: links and shims, with real servers. Installers are in ../installers.
import assert from 'node:assert/strict';
import { chmodSync, lutimesSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { waitFor } from '../../../../scripts/system/waitFor.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { startToleranceMs } from '../../../../src/diagnosis/stale/baseline.ts';
import type { Instance, Snapshot } from '../../../../src/model/snapshot.ts';
import { startLiveSurvey } from '../../../../src/survey/liveSurvey.ts';
import type { Surveyor } from '../../../../src/survey/surveyor.ts';
import { until, untilPast } from '../../../until.ts';
import { nodeServer } from '../tinyServers.ts';
import { headlines, instanceOf, makeWorld, settled, type World } from '../world.ts';

const stale = ['stale/replaced-beside/proven'];

describe('a version installed beside the one that runs', function () {
  this.timeout(180_000);
  let world: World;
  beforeEach(() => {
    world = makeWorld();
  });
  afterEach(() => world.remove());

  async function look(surveyor: Surveyor, pid: number): Promise<Instance> {
    const snapshot: Snapshot = await settled(surveyor);
    return instanceOf(snapshot, pid);
  }

  function configure(command: string, args: readonly string[] = []): void {
    world.write('.claude.json', { mcpServers: { tiny: { command, args } } });
  }

  /** A version of one package in a directory of its own. */
  function place(folder: string, version: string): string {
    nodeServer(folder);
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'tiny-mcp', version, type: 'module' }));
    return folder;
  }

  function link(target: string, path: string): void {
    mkdirSync(dirname(path), { recursive: true });
    const made = `${path}.new`;
    symlinkSync(target, made);
    renameSync(made, path);
  }

  function versions(instance: Instance): unknown[] {
    return [instance.package?.running, instance.package?.installed, headlines(instance)];
  }

  const at = (...parts: readonly string[]): string => join(world.root, 'srv', ...parts);

  for (const through of ['the link itself', 'a link to a link', 'no entry'] as const) {
    it(`LINK -> releases/1.0.0 is switched, by ${through}`, async () => {
      place(at('releases', '1.0.0'), '1.0.0');
      link('releases/1.0.0', at('tiny-mcp-now'));
      const script = at('tiny-mcp-now', 'server.js');
      const program = at('bin', 'tiny-mcp');
      link('../tiny-mcp-now/server.js', program);
      const args = [through === 'a link to a link' ? program : script];
      if (through !== 'no entry') {
        configure(process.execPath, args);
      }
      const server = await world.start(process.execPath, args, { cwd: world.root, env: process.env });
      const observer = await world.observer();
      assert.deepEqual(versions(await look(observer, server.pid)), ['1.0.0', '1.0.0', []]);
      // The same version elsewhere is no other version.
      place(at('releases', '1.0.0-again'), '1.0.0');
      link('releases/1.0.0-again', at('tiny-mcp-now'));
      assert.deepEqual(versions(await look(observer, server.pid)), ['1.0.0', '1.0.0', []]);
      place(at('releases', '1.1.0'), '1.1.0');
      link('releases/1.1.0', at('tiny-mcp-now'));
      const after = await look(observer, server.pid);
      assert.deepEqual(versions(after), ['1.0.0', '1.1.0', stale], JSON.stringify(after.findings));
      assert.equal(after.findings.filter(({ kind }) => kind === 'respawn-differs').length, 0);
      // The old one is removed: that is the same upgrade.
      rmSync(at('releases', '1.0.0'), { recursive: true });
      assert.deepEqual(versions(await look(observer, server.pid)), ['1.0.0', '1.1.0', stale]);
      place(at('releases', '1.0.0'), '1.0.0');
      link('releases/1.0.0', at('tiny-mcp-now'));
      assert.deepEqual(versions(await look(observer, server.pid)), ['1.0.0', '1.0.0', []], 'rolled back');
    });
  }

  it('a program with #! below a link on PATH is switched', async () => {
    for (const version of ['1.0.0', '1.1.0']) {
      const file = join(place(at('releases', version), version), 'server.js');
      writeFileSync(at('releases', version, 'tiny-mcp'), `#!/bin/sh\nexec node "$(dirname "$0")/server.js" "$@"\n`, { mode: 0o755 });
      chmodSync(file, 0o755);
    }
    link('releases/1.0.0', at('tiny-mcp-now'));
    configure('tiny-mcp');
    const env = { ...process.env, PATH: `${at('tiny-mcp-now')}:${process.env.PATH}` };
    const server = await world.start('tiny-mcp', [], { cwd: world.root, env });
    const observer = await world.observer();
    assert.deepEqual(versions(await look(observer, server.pid)), ['1.0.0', '1.0.0', []]);
    link('releases/1.1.0', at('tiny-mcp-now'));
    assert.deepEqual(versions(await look(observer, server.pid)), ['1.0.0', '1.1.0', stale]);
  });

  it('a program that comes to stand earlier on PATH is seen at once: by itself, and by a link in the path of its folder', async () => {
    for (const version of ['1.0.0', '1.1.0']) {
      const folder = place(at(`tiny-mcp-${version}`), version);
      const program = at(version, 'tiny-mcp');
      mkdirSync(dirname(program));
      writeFileSync(program, `#!/bin/sh\nexec node ${join(folder, 'server.js')} "$@"\n`, { mode: 0o755 });
    }
    mkdirSync(at('empty', 'bin'), { recursive: true });
    link('empty', at('first'));
    mkdirSync(at('other'));
    link(at('1.1.0'), at('other', 'bin'));
    configure('tiny-mcp');
    // A way that is younger is followed again in each scan.
    await untilPast(Date.now(), startToleranceMs + 200);
    const env = { ...process.env, PATH: `${at('first', 'bin')}:${at('1.0.0')}:${process.env.PATH}` };
    const server = await world.start('tiny-mcp', [], { cwd: world.root, env });
    const live = startLiveSurvey(await world.observer(), silentLog);
    try {
      const now = (): Instance | undefined => live.snapshot?.instances.find(({ tree }) => tree.includes(server.pid));
      const seen = async (what: string, wanted: readonly unknown[]): Promise<void> => {
        const from = Date.now();
        await until(what, () => isDeepStrictEqual(versions(now() as Instance), wanted), 5_000);
        console.log(`      ${what}: seen after ${Date.now() - from} ms`);
      };
      await until('the server is known', () => now()?.package?.running === '1.0.0', 10_000);
      await untilPast(Date.now(), startToleranceMs + 1_500);
      link(at('1.1.0', 'tiny-mcp'), at('empty', 'bin', 'tiny-mcp'));
      await seen('a program earlier on PATH', ['1.0.0', '1.1.0', stale]);
      rmSync(at('empty', 'bin', 'tiny-mcp'));
      await seen('its removal', ['1.0.0', '1.0.0', []]);
      link('other', at('first'));
      await seen('a link in the path of its folder', ['1.0.0', '1.1.0', stale]);
      rmSync(at('first'));
      await seen('the removal of that link', ['1.0.0', '1.0.0', []]);
    } finally {
      live.dispose();
    }
  });

  const directories: readonly (readonly [string, (linked: string) => readonly [string, ...string[]], string | undefined])[] = [
    ['the directory of its entry', () => ['node', 'server.js'], 'cwd'],
    ['a shell line that changes the directory', (linked) => ['sh', '-c', `cd ${linked} && exec node server.js`], undefined],
    ['a path from the home in a shell line', () => ['sh', '-c', 'exec node ~/srv/tiny-mcp-now/server.js'], undefined],
    ['a wrapper that changes the directory', () => [at('bin', 'tiny-mcp')], undefined],
  ];
  for (const [what, commandOf, cwd] of directories) {
    it(`a link that is reached by ${what} is switched`, async () => {
      for (const version of ['1.0.0', '1.1.0']) {
        place(at('releases', version), version);
      }
      link('releases/1.0.0', at('tiny-mcp-now'));
      mkdirSync(at('bin'));
      writeFileSync(at('bin', 'tiny-mcp'), '#!/bin/sh\ncd "$(dirname "$0")/../tiny-mcp-now" || exit 1\nnode server.js "$@"\n', {
        mode: 0o755,
      });
      const [command, ...args] = commandOf(at('tiny-mcp-now'));
      const own = cwd === undefined ? {} : { cwd: at('tiny-mcp-now') };
      world.write('.claude.json', { mcpServers: { tiny: { command, args, ...own } } });
      link(at(), join(world.home, 'srv'));
      const env = { ...process.env, HOME: world.home };
      const server = await world.start(command, args, { cwd: own.cwd ?? world.root, env });
      const observer = await world.observer();
      const before = await look(observer, server.pid);
      assert.deepEqual([before.definitions.length, before.unknown, ...versions(before)], [1, undefined, '1.0.0', '1.0.0', []]);
      link('releases/1.1.0', at('tiny-mcp-now'));
      assert.deepEqual(versions(await look(observer, server.pid)), ['1.0.0', '1.1.0', stale]);
    });
  }

  it('a wrapper that chooses between two versions is no evidence: the chosen one runs, and nothing is stale', async () => {
    for (const version of ['1.0.0', '1.1.0']) {
      place(at('releases', version), version);
    }
    const program = at('bin', 'tiny-mcp');
    mkdirSync(dirname(program));
    const lines = ['#!/bin/sh', `if [ -d / ]; then node ${at('releases', '1.1.0', 'server.js')} "$@"; exit; fi`];
    writeFileSync(program, [...lines, `exec node ${at('releases', '1.0.0', 'server.js')} "$@"`, ''].join('\n'), { mode: 0o755 });
    configure(program);
    const server = await world.start(program, [], { cwd: world.root, env: process.env });
    const seen = await look(await world.observer(), server.pid);
    assert.deepEqual(versions(seen), ['1.1.0', '1.1.0', []]);
    assert.ok(seen.unknown?.includes(program), seen.unknown);
  });

  it('a shim of pnpm that was started by a relative path, without an entry', async () => {
    const store = (version: string): string => join('.pnpm', `tiny-mcp@${version}`, 'node_modules', 'tiny-mcp');
    const shim = at('node_modules', '.bin', 'tiny-mcp');
    const point = (version: string): void =>
      writeFileSync(shim, `#!/bin/sh\nbasedir=$(dirname "$0")\nexec node "$basedir/../${store(version)}/server.js" "$@"\n`, {
        mode: 0o755,
      });
    for (const version of ['1.0.0', '1.1.0']) {
      place(at('node_modules', store(version)), version);
    }
    mkdirSync(dirname(shim));
    point('1.0.0');
    const server = await world.start('node_modules/.bin/tiny-mcp', [], { cwd: at(), env: process.env });
    const observer = await world.observer();
    assert.deepEqual(versions(await look(observer, server.pid)), ['1.0.0', '1.0.0', []]);
    point('1.1.0');
    assert.deepEqual(versions(await look(observer, server.pid)), ['1.0.0', '1.1.0', stale]);
  });

  it('node_modules/NAME -> .store/a/NAME is switched to .store/b', async () => {
    place(at('node_modules', '.store', 'a', 'tiny-mcp'), '1.0.0');
    place(at('node_modules', '.store', 'b', 'tiny-mcp'), '1.1.0');
    link('.store/a/tiny-mcp', at('node_modules', 'tiny-mcp'));
    const args = [at('node_modules', 'tiny-mcp', 'server.js')];
    configure(process.execPath, args);
    const server = await world.start(process.execPath, args, { cwd: world.root, env: process.env });
    const observer = await world.observer();
    assert.deepEqual(versions(await look(observer, server.pid)), ['1.0.0', '1.0.0', []]);
    link('.store/b/tiny-mcp', at('node_modules', 'tiny-mcp'));
    assert.deepEqual(versions(await look(observer, server.pid)), ['1.0.0', '1.1.0', stale]);
  });

  it('a switch before the first look: the version is unknown, neither ok nor stale', async () => {
    const old = new Date(Date.now() - 60_000);
    for (const version of ['1.0.0', '1.1.0']) {
      place(at('releases', version), version);
    }
    link('releases/1.0.0', at('tiny-mcp-now'));
    lutimesSync(at('tiny-mcp-now'), old, old);
    // The packages are older than the start by more than the tolerance.
    await untilPast(Date.now(), startToleranceMs + 200);
    const args = [at('tiny-mcp-now', 'server.js')];
    configure(process.execPath, args);
    const server = await world.start(process.execPath, args, { cwd: world.root, env: process.env });
    assert.deepEqual(versions(await look(await world.observer(), server.pid)), ['1.0.0', '1.0.0', []], 'nothing happened yet');
    await untilPast(Date.now(), startToleranceMs + 200);
    link('releases/1.1.0', at('tiny-mcp-now'));
    const late = await look(await world.observer({ runDir: join(world.root, 'late') }), server.pid);
    assert.deepEqual(versions(late), [null, '1.1.0', []], late.unknown);
    assert.ok(late.unknown?.includes('tiny-mcp-now'), late.unknown);
  });

  it('an update of the VS Code extension that brings the server (layout made by hand)', async () => {
    const list = (version: string): void =>
      writeFileSync(
        at('extensions', 'extensions.json'),
        JSON.stringify([{ identifier: { id: 'acme.tiny-mcp' }, version, relativeLocation: `acme.tiny-mcp-${version}` }]),
      );
    place(at('extensions', 'acme.tiny-mcp-1.0.0'), '1.0.0');
    list('1.0.0');
    const args = [at('extensions', 'acme.tiny-mcp-1.0.0', 'server.js')];
    const server = await world.start(process.execPath, args, { cwd: world.root, env: process.env });
    const observer = await world.observer();
    assert.deepEqual(versions(await look(observer, server.pid)), ['1.0.0', '1.0.0', []]);
    place(at('extensions', 'acme.tiny-mcp-1.1.0'), '1.1.0');
    list('1.1.0');
    const after = await look(observer, server.pid);
    assert.deepEqual(versions(after), ['1.0.0', '1.1.0', stale]);
    assert.deepEqual(
      after.findings[0]?.actions.map(({ kind }) => kind),
      ['manual'],
      'a restart would start the old version again',
    );
  });

  it('is seen as soon as the files were quiet for half a second', async () => {
    place(at('releases', '1.0.0'), '1.0.0');
    place(at('releases', '1.1.0'), '1.1.0');
    link('releases/1.0.0', at('tiny-mcp-now'));
    const args = [at('tiny-mcp-now', 'server.js')];
    configure(process.execPath, args);
    const server = await world.start(process.execPath, args, { cwd: world.root, env: process.env });
    const live = startLiveSurvey(await world.observer(), silentLog);
    try {
      const stateOf = (): unknown => live.snapshot?.instances.find(({ pid }) => pid === server.pid);
      const known = (): unknown => live.snapshot?.instances.find(({ pid, evidence }) => pid === server.pid && evidence?.baseline);
      await waitFor('its versions are recorded', () => known() !== undefined);
      const before = Date.now();
      link('releases/1.1.0', at('tiny-mcp-now'));
      const isStale = (): boolean => JSON.stringify(stateOf() ?? {}).includes('replaced-beside');
      await waitFor('it is stale', isStale);
      assert.ok(Date.now() - before < 1_500, `${Date.now() - before} ms`);
    } finally {
      live.dispose();
    }
  });

  it('a look while the shim is missing, as in the middle of an install, does not hide what comes after', async () => {
    const shim = at('node_modules', '.bin', 'tiny-mcp');
    const store = (version: string): string => join('.pnpm', `tiny-mcp@${version}`, 'node_modules', 'tiny-mcp');
    const point = (version: string): void => {
      writeFileSync(shim, `#!/bin/sh\nexec node "$(dirname "$0")/../${store(version)}/server.js" "$@"\n`, { mode: 0o755 });
    };
    for (const version of ['1.0.0', '1.1.0']) {
      place(at('node_modules', store(version)), version);
    }
    mkdirSync(dirname(shim));
    point('1.0.0');
    configure(shim);
    const server = await world.start(shim, [], { cwd: world.root, env: process.env });
    const live = startLiveSurvey(await world.observer(), silentLog);
    try {
      const own = (): Instance | undefined => live.snapshot?.instances.find(({ pid }) => pid === server.pid);
      await waitFor('its versions are recorded', () => own()?.evidence?.baseline !== undefined);
      const before = live.snapshot;
      rmSync(shim);
      await waitFor('another look', () => live.snapshot !== before);
      point('1.1.0');
      await waitFor('it is stale', () => headlines(own() ?? assert.fail('it is gone')).join() === stale.join());
    } finally {
      live.dispose();
    }
  });

  it('a link to source (npm link) whose content decides stays with its content', async () => {
    const source = place(at('work', 'tiny'), '1.0.0');
    link(source, at('node_modules', 'tiny-mcp'));
    const args = [at('node_modules', 'tiny-mcp', 'server.js')];
    configure(process.execPath, args);
    const server = await world.start(process.execPath, args, { cwd: world.root, env: process.env });
    const observer = await world.observer();
    assert.deepEqual(headlines(await look(observer, server.pid)), []);
    writeFileSync(join(source, 'package.json'), JSON.stringify({ name: 'tiny-mcp', version: '1.1.0', type: 'module' }));
    assert.deepEqual(headlines(await look(observer, server.pid)), []);
  });
});
