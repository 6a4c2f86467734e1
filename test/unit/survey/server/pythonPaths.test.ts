// Packages outside of the interpreter's own directories: PYTHONPATH, `pip install --target`, .pth files.
import { deepEqual, match } from 'node:assert/strict';
import { chmodSync, lutimesSync } from 'node:fs';
import { describe, it } from 'mocha';
import { distInfo, type Tree } from '../../package/tree.ts';
import { HandMadeScan } from './handMadeScan.ts';

describe('a link on Python’s search path', () => {
  const scan = new HandMadeScan();
  const { at, write, entries, observe, look, verdict } = scan;
  const site = 'venv/lib/python3.11/site-packages';

  /** As `pip install --target` leaves it: a package with a command and one dependency. */
  function target(folder: string, version: string, below = '1.0.0'): Tree {
    return {
      ...distInfo(folder, 'tiny_mcp', version, { requires: ['below'] }),
      [`${folder}/tiny_mcp-${version}.dist-info/entry_points.txt`]: '[console_scripts]\ntiny-mcp = tiny_mcp:main\n',
      [`${folder}/tiny_mcp/__main__.py`]: '',
      [`${folder}/bin/tiny-mcp`]: '#!/usr/bin/python3\n',
      ...distInfo(folder, 'below', below),
    };
  }

  function venv(): Tree {
    return { 'venv/pyvenv.cfg': 'home = /usr/bin\nversion = 3.11.2\n', 'venv/bin/python': '', [`${site}/readme`]: '' };
  }

  const ways: Readonly<Record<string, () => { argv: readonly string[]; env: Readonly<Record<string, string>> }>> = {
    'PYTHONPATH and -m': () => ({ argv: ['-m', 'tiny_mcp'], env: { PYTHONPATH: at('current') } }),
    'PYTHONPATH and a command below it': () => ({ argv: [at('current/bin/tiny-mcp')], env: { PYTHONPATH: at('current') } }),
    'a .pth file': () => {
      write({ [`${site}/ours.pth`]: `${at('current')}\n` });
      return { argv: ['-m', 'tiny_mcp'], env: {} };
    },
  };
  for (const [way, prepare] of Object.entries(ways)) {
    /** A server that runs 1.0.0, with an entry. */
    async function run(): Promise<(runFolder?: string) => Promise<void>> {
      write({ ...venv(), ...target('releases/one', '1.0.0'), ...target('releases/two', '1.1.0'), current: { link: 'releases/one' } });
      write({ ...target('releases/three', '1.0.0', '2.0.0'), ...target('releases/same', '1.0.0') });
      chmodSync(at('venv/bin/python'), 0o755);
      const { argv, env } = prepare();
      const cwd = at('home');
      const words = [at('venv/bin/python'), ...argv];
      entries(words);
      return (runFolder) => observe({ argv: words, exe: '/usr/bin/python3.11', cwd, env }, runFolder);
    }

    it(`${way}: another release there is stale, also by a dependency alone; the same versions are not`, async () => {
      await (await run())();
      deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
      write({ current: { link: 'releases/two' } });
      deepEqual(await verdict(), ['1.0.0', '1.1.0', ['stale/package/proven']]);
      write({ current: { link: 'releases/same' } });
      deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
      write({ current: { link: 'releases/three' } });
      const { findings, changedDependencies } = await look();
      deepEqual(
        [findings.map(({ kind }) => kind), changedDependencies.map(({ name, installed }) => [name, installed])],
        [['stale'], [['below', '2.0.0']]],
      );
    });

    it(`${way}: a link that was made after the start and before the first scan is unknown`, async () => {
      const seen = await run();
      await seen('first');
      deepEqual((await look()).unknown, undefined);
      write({ current: { link: 'releases/two' } });
      const young = new Date(scan.startedAt + 20_000);
      lutimesSync(at('current'), young, young);
      await seen('later');
      const { package: own, unknown, findings } = await look();
      deepEqual([own?.running, findings], [null, []]);
      match(unknown ?? '', /current was (made|written)( or removed)? after it started/);
    });
  }

  it('its own site directory on PYTHONPATH, and in a .pth file, changes nothing', async () => {
    write({ ...venv(), ...target(site, '1.0.0'), [`${site}/own.pth`]: '.\n' });
    chmodSync(at('venv/bin/python'), 0o755);
    const argv = [at('venv/bin/python'), '-m', 'tiny_mcp'];
    entries(argv);
    await observe({ argv, exe: '/usr/bin/python3.11', cwd: at('home'), env: { PYTHONPATH: at(site) } });
    deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
    deepEqual((await look()).unknown, undefined);
  });

  it('a dependency alone, behind a link: stale, and unknown where the link is younger than the process', async () => {
    const script = '#!/usr/bin/python3\n';
    const own = distInfo(site, 'tiny_mcp', '1.0.0', { requires: ['below'], scripts: ['tiny-mcp'] });
    write({
      ...venv(),
      ...own,
      'venv/bin/tiny-mcp': script,
      ...distInfo('libs/one', 'below', '1.0.0'),
      ...distInfo('libs/two', 'below', '2.0.0'),
    });
    write({ current: { link: 'libs/one' } });
    chmodSync(at('venv/bin/python'), 0o755);
    const argv = [at('venv/bin/python'), at('venv/bin/tiny-mcp')];
    entries(argv);
    const seen = (runFolder: string) =>
      observe({ argv, exe: '/usr/bin/python3.11', cwd: at('home'), env: { PYTHONPATH: at('current') } }, runFolder);
    await seen('first');
    deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
    write({ current: { link: 'libs/two' } });
    deepEqual(await verdict(), ['1.0.0', '1.0.0', ['stale/dependency/proven']]);
    const young = new Date(scan.startedAt + 20_000);
    lutimesSync(at('current'), young, young);
    await seen('later');
    const { unknown, findings } = await look();
    deepEqual(findings, []);
    match(unknown ?? '', /current was written or removed after it started.*below/);
  });

  for (const [way, words] of [
    ['a module', ['-m', 'mcp_mine']],
    ['a script that imports it', ['mcp_run.py']],
  ] as const) {
    it(`source in place behind a link, ${way}: stale, and unknown where the link is younger than the process`, async () => {
      const mine = (text: string): Tree => ({ 'mcp_mine/__init__.py': '', 'mcp_mine/__main__.py': '', 'mcp_mine/tools.py': text });
      const below = (folder: string, files: Tree): Tree =>
        Object.fromEntries(Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text]));
      write({ ...venv(), ...below('src/one', mine('one')), ...below('src/two', mine('two')), current: { link: 'src/one' } });
      write({
        'src/one/mcp_mine/__main__.py': 'from mcp_mine import tools\n',
        'src/two/mcp_mine/__main__.py': 'from mcp_mine import tools\n',
      });
      write({ 'home/mcp_run.py': 'from mcp_mine import tools\n' });
      chmodSync(at('venv/bin/python'), 0o755);
      const argv = [at('venv/bin/python'), ...words.map((word) => (word.endsWith('.py') ? at('home', word) : word))];
      entries(argv);
      const seen = (runFolder: string) =>
        observe({ argv, exe: '/usr/bin/python3.11', cwd: at('home'), env: { PYTHONPATH: at('current') } }, runFolder);
      await seen('first');
      deepEqual((await look()).findings, []);
      write({ current: { link: 'src/two' } });
      deepEqual(
        (await look()).findings.map(({ kind, subKind }) => [kind, subKind]),
        [['stale', 'source']],
      );
      const young = new Date(scan.startedAt + 20_000);
      lutimesSync(at('current'), young, young);
      await seen('later');
      const { unknown, findings } = await look();
      deepEqual(findings, []);
      match(unknown ?? '', /current/);
    });
  }
});
