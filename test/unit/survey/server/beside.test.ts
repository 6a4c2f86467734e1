// Layouts made by hand after those of the real tools; `beside.test.ts` of the process tests has real servers.
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { chmodSync, lutimesSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { beforeEach, describe, it } from 'mocha';
import { type InstanceRecord, writeInstanceRecord } from '../../../../src/lock/instanceRecord.ts';
import { openLockDirectory } from '../../../../src/lock/lockDirectory.ts';
import type { RawDefinition } from '../../../../src/model/definition.ts';
import type { PackageRef } from '../../../../src/model/package.ts';
import type { ProcessDetail } from '../../../../src/model/process.ts';
import type { RunningPackage } from '../../../../src/model/snapshot.ts';
import { readClosure } from '../../../../src/package/readClosure.ts';
import { unidentifiedRow } from '../../../../src/process/commandline/parseLaunch.ts';
import { FactStore } from '../../../../src/survey/facts/factStore.ts';
import { Beside } from '../../../../src/survey/server/beside.ts';
import { someRecord } from '../../lock/records.ts';
import { detailOf, distInfo, type Tree } from '../../package/tree.ts';
import { HandMadeScan, type HandMadeServer, node, release, script, stale } from './handMadeScan.ts';

describe('what the command of a server leads to', () => {
  const scan = new HandMadeScan();
  const { at, write, entries, observe, look, verdict } = scan;

  /** A link to one of several releases, run through the link. */
  async function runsLink(version = '1.0.0'): Promise<readonly string[]> {
    write({ ...release('srv/one', version), 'tiny-mcp-now': { link: 'srv/one' } });
    const argv = [node, at('tiny-mcp-now/server.js')];
    await observe({ argv, cwd: scan.tree.root });
    return argv;
  }

  for (const way of ['its entry', 'its own command line'] as const) {
    it(`another version: stale, by ${way}`, async () => {
      const argv = await runsLink();
      if (way === 'its entry') {
        entries(argv);
      }
      deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
      write({ ...release('srv/two', '1.1.0'), 'tiny-mcp-now': { link: 'srv/two' } });
      deepEqual(await verdict(), ['1.0.0', '1.1.0', stale]);
      match((await look()).findings[0]?.message ?? '', way === 'its entry' ? /its entry/ : /its own command line/);
    });
  }

  it('the same version in another place: nothing', async () => {
    entries(await runsLink());
    deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
    write({ ...release('srv/same', '1.0.0'), 'tiny-mcp-now': { link: 'srv/same' } });
    const found = await look();
    deepEqual([found.findings, found.unknown], [[], undefined]);
  });

  it('another build of the same version in another place: stale', async () => {
    entries(await runsLink('1.0.0+a'));
    deepEqual(await verdict(), ['1.0.0+a', '1.0.0+a', []]);
    write({ ...release('srv/2', '1.0.0+b'), 'tiny-mcp-now': { link: 'srv/2' } });
    deepEqual(await verdict(), ['1.0.0+a', '1.0.0+b', stale]);
  });

  it('the same version with another version of a dependency, beside what runs: stale', async () => {
    const stored = (below: string): string => `node_modules/.pnpm/tiny-mcp@1.0.0_below@${below}/node_modules/tiny-mcp`;
    const shim = (below: string): Tree => ({
      'node_modules/.bin/tiny-mcp': `#!/bin/sh\nexec node "${at(stored(below))}/server.js" "$@"\n`,
    });
    write({ ...release(stored('1'), '1.0.0', '1.0.0'), ...release(stored('2'), '1.0.0', '2.0.0'), ...shim('1') });
    chmodSync(at('node_modules/.bin/tiny-mcp'), 0o755);
    entries([at('node_modules/.bin/tiny-mcp')]);
    await observe({ argv: [node, at(stored('1'), 'server.js')], cwd: scan.tree.root, env: { PATH: '/bin' } });
    deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
    write(shim('2'));
    chmodSync(at('node_modules/.bin/tiny-mcp'), 0o755);
    const found = await look();
    deepEqual(
      found.findings.map(({ subKind, confidence }) => [subKind, confidence]),
      [['replaced-beside', 'proven']],
    );
    deepEqual(
      found.changedDependencies.map(({ name, running, installed }) => [name, running, installed]),
      [['below', '1.0.0', '2.0.0']],
    );
  });

  for (const [what, unreadable] of [
    ['environment', { cwd: '/' }],
    ['directory', { env: { PATH: 'bin' } }],
  ] as const) {
    it(`the ${what} of the topmost launcher cannot be read: unknown, with the reason`, async () => {
      write({
        ...release('releases/one', '1.0.0'),
        'bin/tiny': '#!/bin/sh\nexec node "$(dirname "$0")/../releases/one/node_modules/tiny-mcp/server.js" "$@"\n',
      });
      chmodSync(at('bin/tiny'), 0o755);
      entries(['tiny']);
      const outer = (detail: ProcessDetail): HandMadeServer['outer'] => ({ argv: ['/bin/sh', at('bin/tiny')], detail });
      const argv = [node, at('bin/../releases/one/node_modules/tiny-mcp/server.js')];
      const env = { PATH: at('bin') };
      await observe({ argv, cwd: scan.tree.root, env, outer: outer(detailOf({ cwd: scan.tree.root, env })) });
      const known = await look();
      deepEqual([known.definitions.length, known.unknown, known.package?.running], [1, undefined, '1.0.0']);
      await observe({ argv, cwd: scan.tree.root, env, outer: outer(detailOf(unreadable)) });
      const found = await look();
      equal(found.definitions.length, 1);
      match(found.unknown ?? '', /what its command leads to now is not known/);
      deepEqual([found.package?.running, found.findings.filter(({ kind }) => kind === 'stale')], ['1.0.0', []]);
    });
  }

  it('another interpreter with the same package is the interpreter’s sub-kind, or nothing', async () => {
    const venv = (folder: string, version: string): Tree => ({
      [`${folder}/pyvenv.cfg`]: 'home = /usr/bin\nversion = 3.11.2\n',
      [`${folder}/bin/python`]: '',
      ...distInfo(`${folder}/lib/python3.11/site-packages`, 'tiny', version),
      [`${folder}/lib/python3.11/site-packages/tiny/__init__.py`]: '',
      [`${folder}/lib/python3.11/site-packages/tiny/__main__.py`]: '',
    });
    write({ ...venv('one', '1.0.0'), ...venv('two', '1.0.0'), ...venv('three', '1.1.0'), env: { link: 'one' } });
    for (const folder of ['one', 'two', 'three']) {
      chmodSync(at(folder, 'bin/python'), 0o755);
    }
    const argv = [at('env/bin/python'), '-m', 'tiny'];
    entries(argv);
    await observe({ argv, exe: '/usr/bin/python3.11', cwd: scan.tree.root });
    deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
    write({ env: { link: 'two' } });
    const same = await look();
    deepEqual(
      same.findings.filter(({ subKind }) => subKind !== 'interpreter' && subKind !== undefined),
      [],
    );
    write({ env: { link: 'three' } });
    deepEqual(await verdict(), ['1.0.0', '1.1.0', stale]);
  });

  describe('the certainty, and the time', () => {
    const pnpm = (version: string): string => `node_modules/.pnpm/tiny-mcp@${version}/node_modules/tiny-mcp`;
    const shim = (version: string): Tree => ({
      'node_modules/.bin/tiny-mcp': `#!/bin/sh\nexec node "$basedir/../../${pnpm(version)}/server.js" "$@"\n`.replace(
        '$basedir',
        at('node_modules/.bin'),
      ),
    });
    const begin = async (runFolder?: string): Promise<void> => {
      const argv = [node, at(pnpm('1.0.0'), 'server.js')];
      chmodSync(at('node_modules/.bin/tiny-mcp'), 0o755);
      entries([at('node_modules/.bin/tiny-mcp')]);
      await observe({ argv, cwd: scan.tree.root, env: { PATH: '/bin' } }, runFolder);
    };
    beforeEach(() => write({ ...release(pnpm('1.0.0'), '1.0.0'), ...release(pnpm('1.1.0'), '1.1.0'), ...shim('1.0.0') }));

    it('proven: the version that runs was recorded', async () => {
      await begin();
      deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
      write(shim('1.1.0'));
      await begin();
      deepEqual(await verdict(), ['1.0.0', '1.1.0', stale]);
    });

    it('proven: nothing was recorded, the path names the version, and the old one was removed', async () => {
      write(shim('1.1.0'));
      rmSync(at(dirname(dirname(pnpm('1.0.0')))), { recursive: true });
      await begin();
      deepEqual(await verdict(), ['1.0.0', '1.1.0', stale]);
    });

    it('likely: the record of the server and the files differ about what runs', async () => {
      write({ ...release('releases/one', '1.0.0'), now: { link: 'releases/one' } });
      entries([node, at('now', script)]);
      // Installed around the start: the times decide nothing.
      scan.startedAt = Date.now();
      await observe({ argv: [node, at('now', script)], cwd: scan.tree.root });
      const opened = openLockDirectory(at('run/v1'));
      ok('directory' in opened, JSON.stringify(opened));
      const own = { ecosystem: 'npm', name: 'tiny-mcp', version: '0.9.0' };
      writeInstanceRecord(opened.directory, someRecord({ server: { pid: 20, start: 'lx:20000' }, package: own, locks: [] }));
      await look();
      write({ ...release('releases/two', '1.1.0'), now: { link: 'releases/two' } });
      rmSync(at('releases/one'), { recursive: true });
      const { findings } = await look();
      equal(findings.filter(({ kind }) => kind === 'stale').length, 1, JSON.stringify(findings));
      equal(findings.find(({ kind }) => kind === 'stale')?.confidence, 'likely');
    });

    it('the first sighting is kept, also for another observer', async () => {
      await begin();
      await look();
      write(shim('1.1.0'));
      await begin();
      const first = (await look()).findings[0];
      equal(first?.sinceAtMost, true, 'the change is older than this process');
      await begin();
      equal((await look()).findings[0]?.since, first?.since);
    });
  });

  it('the path that runs names its version: stale, though nothing was seen before (Homebrew’s wrapper)', async () => {
    const brew = (version: string): Tree => ({
      ...release(`Cellar/tiny-mcp/${version}/libexec/lib/node_modules/tiny-mcp`, version),
      [`Cellar/tiny-mcp/${version}/bin/tiny-mcp`]: `#!/bin/sh\nexec node "${at(`Cellar/tiny-mcp/${version}/libexec/lib`, script)}" "$@"\n`,
    });
    const versions = ['1.0.0', '1.1.0'];
    write({ ...brew('1.0.0'), ...brew('1.1.0'), 'bin/tiny-mcp': { link: '../Cellar/tiny-mcp/1.1.0/bin/tiny-mcp' } });
    for (const version of versions) {
      chmodSync(at(`Cellar/tiny-mcp/${version}/bin/tiny-mcp`), 0o755);
    }
    entries(['tiny-mcp']);
    const argv = [node, at('Cellar/tiny-mcp/1.0.0/libexec/lib', script)];
    const env = { PATH: at('bin') };
    await observe({ argv, cwd: scan.tree.root, env });
    deepEqual(await verdict(), ['1.0.0', '1.1.0', stale]);
    rmSync(at('Cellar/tiny-mcp/1.0.0'), { recursive: true });
    await observe({ argv, cwd: scan.tree.root, env }, 'late');
    deepEqual(await verdict(), ['1.0.0', '1.1.0', stale], 'brew cleanup removed the old version');
    write({ 'bin/tiny-mcp': { link: '../Cellar/tiny-mcp/1.0.0/bin/tiny-mcp' } });
    ok(!(await look()).findings.some(({ subKind }) => subKind === 'replaced-beside'), 'it leads nowhere');
  });

  it('a formula with another name than its package, whose old version was removed before the first look: stale, not only gone', async () => {
    const keg = (version: string): string => `Cellar/acme-tools/${version}/libexec/lib/node_modules/tiny-mcp`;
    write({ ...release(keg('1.1.0'), '1.1.0'), 'bin/acme-mcp': `#!/bin/sh\nexec node "${at(keg('1.1.0'), 'server.js')}" "$@"\n` });
    chmodSync(at('bin/acme-mcp'), 0o755);
    entries(['acme-mcp']);
    await observe({ argv: [node, at(keg('1.0.0'), 'server.js')], cwd: scan.tree.root, env: { PATH: at('bin') } });
    deepEqual(await verdict(), [null, '1.1.0', ['stale/replaced-beside/likely']]);
  });

  it('`pnpm add -g`: the process names another version of the program that its entry leads to, and nothing was seen before', async () => {
    const stored = (version: string): string => `pnpm/global/5/.pnpm/tiny-mcp@${version}/node_modules/tiny-mcp`;
    write({ ...release(stored('1.0.0'), '1.0.0'), ...release(stored('1.1.0'), '1.1.0') });
    write({ 'pnpm/tiny-mcp': `#!/bin/sh\nexec node "${at(stored('1.1.0'))}/server.js" "$@"\n` });
    chmodSync(at('pnpm/tiny-mcp'), 0o755);
    entries(['tiny-mcp']);
    await observe({ argv: [node, at(stored('1.0.0'), 'server.js')], cwd: scan.tree.root, env: { PATH: at('pnpm') } });
    deepEqual(await verdict(), ['1.0.0', '1.1.0', stale]);
  });

  it('a shim of pyenv became the server, and wrote its choice into the environment: the client’s own decides', async () => {
    const python = (version: string): string => `.pyenv/versions/${version}`;
    const install = (version: string, tiny: string): Tree => ({
      [`${python(version)}/pyvenv.cfg`]: 'version = 3.11.2\n',
      [`${python(version)}/bin/python`]: '\x7fELF',
      [`${python(version)}/bin/tiny-mcp`]: `#!${at(python(version), 'bin/python')}\n`,
      ...distInfo(`${python(version)}/lib/python3.11/site-packages`, 'tiny-mcp', tiny, {
        scripts: ['tiny-mcp = tiny:main'],
        files: { 'tiny.py': '' },
      }),
    });
    write({ ...install('one', '1.0.0'), ...install('two', '1.1.0'), '.pyenv/version': 'one\n', '.pyenv/shims/tiny-mcp': '#!/bin/bash\n' });
    for (const file of [
      `${python('one')}/bin/python`,
      `${python('two')}/bin/python`,
      `${python('one')}/bin/tiny-mcp`,
      `${python('two')}/bin/tiny-mcp`,
      '.pyenv/shims/tiny-mcp',
    ]) {
      chmodSync(at(file), 0o755);
    }
    entries(['tiny-mcp']);
    const PATH = at('.pyenv/shims');
    const env = {
      PATH: `${at(python('one'), 'bin')}:${at('.pyenv/libexec')}:${PATH}`,
      PYENV_HOOK_PATH: '/etc/pyenv.d',
      PYENV_VERSION: 'one',
    };
    const running = {
      argv: [at(python('one'), 'bin/python'), at(python('one'), 'bin/tiny-mcp')],
      exe: at(python('one'), 'bin/python'),
      cwd: scan.tree.root,
    };
    await observe({ ...running, env, clientEnv: { PATH } });
    deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
    write({ '.pyenv/version': 'two\n' });
    deepEqual(await verdict(), ['1.0.0', '1.1.0', stale]);
    await observe({ ...running, env, clientEnv: { PATH, PYENV_VERSION: 'one' } });
    deepEqual(await verdict(), ['1.0.0', '1.0.0', []], 'the client chose the old one');
    await observe({ ...running, env });
    match((await look()).unknown ?? '', /cannot be read/);
  });

  it('a link that leads to another package now: unknown, and the version that runs keeps its name', async () => {
    entries(await runsLink());
    await look();
    write({
      'srv/other/package.json': { name: 'other-mcp', version: '5.0.0' },
      'srv/other/server.js': '',
      'tiny-mcp-now': { link: 'srv/other' },
    });
    const found = await look();
    deepEqual([found.package?.name, found.package?.running, found.package?.installed], ['tiny-mcp', '1.0.0', null]);
    deepEqual(found.findings, []);
    match(found.unknown ?? '', /another package now/);
  });

  it('a link that was switched before the first look, where no path names a version: unknown', async () => {
    const argv = [node, at('now', script)];
    entries(argv);
    // The releases are older than the process, the link is younger.
    write({ ...release('releases/one', '1.0.0'), ...release('releases/two', '1.1.0') });
    write({ now: { link: 'releases/two' } });
    const young = new Date(scan.startedAt + 20_000);
    lutimesSync(at('now'), young, young);
    await observe({ argv, cwd: scan.tree.root });
    const found = await look();
    deepEqual([found.package?.running, found.package?.installed, found.findings], [null, '1.1.0', []]);
    match(found.unknown ?? '', /now was made after it started/);
  });

  it('a guard’s record of another version and a version beside it are one finding', async () => {
    write({ ...release('releases/one', '1.0.0'), ...release('releases/two', '1.1.0'), now: { link: 'releases/two' } });
    const argv = [node, at('now', script)];
    entries(argv);
    const opened = openLockDirectory(at('run/v1'));
    ok('directory' in opened, JSON.stringify(opened));
    const own = { ecosystem: 'npm', name: 'tiny-mcp', version: '1.0.0' };
    const guard = { pid: 15, start: 'lx:15000' };
    const record = someRecord({ server: { pid: 20, start: 'lx:20000' }, guard, package: own, locks: [] });
    writeInstanceRecord(opened.directory, record);
    const outer = { argv: [node, '/opt/guard.cjs', '--', ...argv], detail: detailOf({ cwd: scan.tree.root, env: { PATH: '/bin' } }) };
    await observe({ argv, cwd: scan.tree.root, env: { PATH: '/bin' }, outer });
    const seen = await look();
    equal(seen.record?.guardPid, 15);
    deepEqual(seen.findings.filter(({ kind }) => kind === 'stale').length, 1, JSON.stringify(seen.findings));
    deepEqual([seen.package?.running, seen.package?.installed], ['1.0.0', '1.1.0']);
    write({ ...release('releases/three', '1.2.0'), now: { link: 'releases/three' } });
    const again = await look();
    deepEqual(again.findings.filter(({ kind }) => kind === 'stale').length, 1, JSON.stringify(again.findings));
    deepEqual([again.package?.running, again.package?.installed], ['1.0.0', '1.2.0']);
  });

  describe('the record of a guard, where a link was made after the start and before the first scan', () => {
    const guard = { pid: 15, start: 'lx:15000' };
    const marks = { server: { pid: 20, start: 'lx:20000' }, guard, locks: [] };
    const runs = (version: string): Pick<InstanceRecord, 'package'> => ({ package: { ecosystem: 'npm', name: 'tiny-mcp', version } });

    /** @param launcher the program between the client and the server */
    async function said(records: readonly Partial<InstanceRecord>[], launcher = '/opt/guard.cjs'): Promise<unknown[]> {
      const link = 'node_modules/tiny-mcp';
      write({ ...release('node_modules/.store/b/tiny-mcp', '1.1.0'), [link]: { link: '.store/b/tiny-mcp' } });
      const young = new Date(scan.startedAt + 20_000);
      lutimesSync(at(link), young, young);
      const argv = [node, at(link, 'server.js')];
      const opened = openLockDirectory(at('run/v1'));
      ok('directory' in opened, JSON.stringify(opened));
      for (const record of records) {
        writeInstanceRecord(opened.directory, someRecord({ ...marks, ...record }));
      }
      const env = { PATH: '/bin' };
      const words = launcher === '/bin/sh' ? [launcher, '-c', argv.join(' ')] : [node, launcher, '--', ...argv];
      await observe({ argv, cwd: scan.tree.root, env, outer: { argv: words, detail: detailOf({ cwd: scan.tree.root, env }) } });
      equal((await look()).unknown, undefined);
      return verdict();
    }

    it('names another version: stale, proven', async () => {
      deepEqual(await said([runs('1.0.0')]), ['1.0.0', '1.1.0', stale]);
    });

    it('names the version that is installed: nothing', async () => {
      deepEqual(await said([runs('1.1.0')]), ['1.1.0', '1.1.0', []]);
    });

    for (const [what, records, launcher] of [
      ['names no guard', [{ ...runs('1.0.0'), guard: undefined }]],
      ['names a program above the server that is no guard', [runs('1.0.0')], '/bin/sh'],
      ['is one of two that name the same guard', [runs('1.0.0'), { ...runs('1.0.0'), id: 'f'.repeat(32) }]],
    ] as const) {
      it(`${what}: likely, because any program of the user may have written it`, async () => {
        deepEqual(await said(records, launcher), ['1.0.0', '1.1.0', ['stale/replaced-beside/likely']]);
      });
    }
  });
});

describe('a command that leads nowhere certain', () => {
  const scan = new HandMadeScan();
  const { at, write } = scan;

  /** The verdict on a server that runs version 1.0.0 with these entries, none of which needs to fit by its words. */
  function observer(...commands: readonly string[]): (seconds?: number) => ReturnType<Beside['judge']> {
    write({ ...release('releases/one', '1.0.0'), ...release('releases/two', '1.1.0') });
    const entry = at('releases/one', script);
    const ref: PackageRef = { ecosystem: 'npm', name: 'tiny-mcp', entry, environment: at('releases/one') };
    const reading = readClosure(ref);
    ok(reading.status === 'ok');
    const argv = [node, entry];
    const row = { ...unidentifiedRow({ pid: 20, ppid: 1, name: 'node', argv, argvExact: true }), startedAt: scan.startedAt };
    const detail = detailOf({ exe: node, cwd: scan.tree.root, env: { PATH: `${at('early')}:${at('bin')}` } });
    const facts = new FactStore(at('run'));
    facts.recordBaseline(row.identity, { takenAt: 1, trust: 'before-start', ref, packages: reading.packages });
    const definitions = commands.map((command, index): RawDefinition => {
      const client = 'claude-code';
      const file = at('home/.claude.json');
      const where = { id: `${index}`, client, readBy: [client], scope: 'user', file, line: 1, name: `tiny${index}` } as const;
      return { ...where, transport: 'stdio', command, args: [], env: {}, secrets: [], enabled: true };
    });
    const attributed = {
      server: row,
      detail,
      launchers: [],
      definitions,
      byPort: [],
      confidence: 'proven',
      why: [],
      whyByPort: [],
    } as const;
    const known: RunningPackage = { ecosystem: 'npm', name: 'tiny-mcp', root: ref.environment, running: '1.0.0', installed: '1.0.0' };
    const beside = new Beside('linux', at('home'));
    return (seconds = 60) => {
      const server = { row, detail, loaded: { ref, reading }, actions: [], now: scan.startedAt + seconds * 1_000 };
      return beside.judge(attributed, server, known, facts);
    };
  }
  const judge = (...commands: readonly string[]) => observer(...commands)();

  beforeEach(() => {
    for (const [name, folder] of [
      ['one', 'one'],
      ['two', 'two'],
      ['also-two', 'two'],
    ] as const) {
      scan.tree.write({ [`bin/${name}`]: `#!/bin/sh\nexec node "${at('releases', folder, script)}" "$@"\n` });
      chmodSync(at('bin', name), 0o755);
    }
    scan.tree.write({ 'bin/program': '\x7fELF' });
    chmodSync(at('bin/program'), 0o755);
  });

  it('two entries that fit equally: stale where both lead to the same version, unknown where they do not', () => {
    deepEqual(judge('one').finding, undefined);
    equal(judge('two', 'also-two').finding?.subKind, 'replaced-beside');
    for (const commands of [
      ['one', 'two'],
      ['two', 'one'],
    ]) {
      const { finding, unknown } = judge(...commands);
      equal(finding, undefined);
      match(unknown ?? '', /several entries .* different versions/);
    }
  });

  it('another program appears earlier on PATH, and nothing on the way changes: stale within a minute', () => {
    const at = observer('one');
    equal(at(60).finding, undefined);
    equal(at(121).finding, undefined);
    scan.tree.write({ 'early/one': `#!/bin/sh\nexec node "${scan.at('releases/two', script)}" "$@"\n` });
    chmodSync(scan.at('early/one'), 0o755);
    equal(at(182).finding?.subKind, 'replaced-beside');
  });

  it('a wrapper that is a program and no script: unknown, with the reason', () => {
    const { finding, unknown } = judge('program');
    equal(finding, undefined);
    match(unknown ?? '', /program is a program and no script/);
    match(judge('two', 'program').unknown ?? '', /is a program and no script/);
  });
});
