// Environments and versions of Python beside each other: `python -m`, Homebrew. And Node's old version that was uninstalled under its server. Layouts made by hand.
import { deepEqual, match, ok } from 'node:assert/strict';
import { chmodSync, lutimesSync, rmSync } from 'node:fs';
import { describe, it } from 'mocha';
import { distInfo, type Tree } from '../../package/tree.ts';
import { HandMadeScan, node, release, stale } from './handMadeScan.ts';

const likely = ['stale/replaced-beside/likely'];

describe('a version of an interpreter or of an environment beside the one that runs', () => {
  const scan = new HandMadeScan();
  const { at, write, entries, observe, look, verdict } = scan;

  /** An environment with a package that has a command. */
  function environment(folder: string, version: string): Tree {
    const site = `${folder}/lib/python3.11/site-packages`;
    return {
      ...distInfo(site, 'tiny_mcp', version),
      [`${site}/tiny_mcp-${version}.dist-info/entry_points.txt`]: '[console_scripts]\ntiny-mcp = tiny_mcp:main\n',
      [`${site}/tiny_mcp/__main__.py`]: '',
      [`${folder}/pyvenv.cfg`]: 'home = /usr/bin\nversion = 3.11.2\n',
      [`${folder}/bin/python`]: '\x7fELF',
      [`${folder}/bin/tiny-mcp`]: `#!${at(folder)}/bin/python\n`,
    };
  }
  function install(folder: string, version: string): void {
    write(environment(folder, version));
    for (const program of ['python', 'tiny-mcp']) {
      chmodSync(at(folder, 'bin', program), 0o755);
    }
  }
  const exe = (): string => {
    write({ 'base/bin/python3.11': '\x7fELF' });
    return at('base/bin/python3.11');
  };

  it('python -m in a version that was removed before the first look: stale where the entry leads to another one, else gone', async () => {
    install('py/1', '1.0.0');
    install('py/2', '1.1.0');
    write({ 'bin/python': { link: '../py/2/bin/python' } });
    entries(['python', '-m', 'tiny_mcp']);
    rmSync(at('py/1'), { recursive: true });
    const server = { argv: [at('py/1/bin/python'), '-m', 'tiny_mcp'], exe: exe(), cwd: scan.tree.root, env: { PATH: at('bin') } };
    await observe(server);
    deepEqual(await verdict(), [null, '1.1.0', likely]);
    match((await look()).findings[0]?.evidence.join('\n') ?? '', /py\/1\/bin\/python, by which it was started, does not exist/);
    write({ 'home/.claude.json': { mcpServers: {} } });
    await observe(server, 'without an entry');
    deepEqual((await verdict())[2], ['files-gone/likely']);
    match((await look()).unknown ?? '', /its environment was removed/);
  });

  it('python -m in a removed environment does not run what the interpreter below it has of the same name', async () => {
    write(environment('base', '0.9.0'));
    rmSync(at('base/pyvenv.cfg'));
    const server = { argv: [at('py/1/bin/python'), '-m', 'tiny_mcp'], exe: exe(), cwd: scan.tree.root };
    await observe(server);
    const { package: own, unknown } = await look();
    deepEqual(own, null);
    match(unknown ?? '', /was removed/);
  });

  it('python -m by a link to an environment that leads to another one now: beside, not in place', async () => {
    install('py/1', '1.0.0');
    install('py/2', '1.1.0');
    write({ venv: { link: 'py/1' } });
    const argv = [at('venv/bin/python'), '-m', 'tiny_mcp'];
    entries(argv);
    const server = { argv, exe: exe(), cwd: scan.tree.root };
    await observe(server);
    deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
    write({ venv: { link: 'py/2' } });
    deepEqual(await verdict(), ['1.0.0', '1.1.0', stale]);
    await observe(server);
    deepEqual(await verdict(), ['1.0.0', '1.1.0', stale], 'another observer of the same records');
    rmSync(at('py/1'), { recursive: true });
    deepEqual(await verdict(), ['1.0.0', '1.1.0', stale], 'the old one was removed');
  });

  it('Homebrew’s formula with an environment of its own: the interpreter names the version that runs', async () => {
    const keg = (version: string): string => `Cellar/tiny-mcp/${version}/libexec`;
    const young = new Date(scan.startedAt + 20_000);
    const choose = (version: string): void => {
      write({ 'bin/tiny-mcp': { link: `../${keg(version)}/bin/tiny-mcp` } });
      lutimesSync(at('bin/tiny-mcp'), young, young);
    };
    install(keg('1.0.0'), '1.0.0');
    install(keg('1.1.0'), '1.1.0');
    entries([at('bin/tiny-mcp')]);
    const server = { argv: [at(keg('1.0.0'), 'bin/python'), at('bin/tiny-mcp')], exe: exe(), cwd: scan.tree.root };
    choose('1.1.0');
    await observe(server);
    deepEqual(await verdict(), ['1.0.0', '1.1.0', stale]);
    choose('1.0.0');
    await observe(server, 'rolled back');
    deepEqual([await verdict(), (await look()).unknown], [['1.0.0', '1.0.0', []], undefined]);
    choose('1.1.0');
    rmSync(at('Cellar/tiny-mcp/1.0.0'), { recursive: true });
    await observe(server, 'removed');
    deepEqual(await verdict(), ['1.0.0', '1.1.0', stale]);
  });

  for (const [what, version, wanted] of [
    ['another version', '1.1.0', ['stale/replaced-beside/likely']],
    ['the same version', '1.0.0', ['files-gone/proven']],
  ] as const) {
    it(`nvm: the Node that the client uses was uninstalled, and the next one has ${what}: a new session is the cure`, async () => {
      const bin = (of: string): string => `.nvm/versions/node/${of}/bin`;
      const installed = (number: string, tiny: string): Tree => ({
        ...release(`.nvm/versions/node/${number}/lib/node_modules/tiny-mcp`, tiny),
        [`${bin(number)}/tiny-mcp`]: { link: '../lib/node_modules/tiny-mcp/server.js' },
      });
      write({ ...installed('v20.1.0', '1.0.0'), ...installed('v22.1.0', version), '.nvm/alias/default': '22\n' });
      for (const number of ['v20.1.0', 'v22.1.0']) {
        write({ [`.nvm/versions/node/${number}/lib/node_modules/tiny-mcp/server.js`]: '#!/usr/bin/env node\n' });
        chmodSync(at('.nvm/versions/node', number, 'lib/node_modules/tiny-mcp/server.js'), 0o755);
      }
      entries(['tiny-mcp']);
      const env = { PATH: at(bin('v20.1.0')) };
      const server = { argv: [node, at(bin('v20.1.0'), 'tiny-mcp')], cwd: scan.tree.root, env, clientEnv: env };
      await observe(server);
      deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
      rmSync(at('.nvm/versions/node/v20.1.0'), { recursive: true });
      deepEqual((await verdict())[2], wanted);
      const steps = async (): Promise<unknown> => (await look()).findings.flatMap(({ actions }) => actions);
      const [step] = (await steps()) as [{ kind: string; step: string; held: boolean }];
      deepEqual([step.kind, step.held], ['manual', true]);
      match(step.step, /Quit Claude Code and start it again/);
      await observe(server, 'late');
      deepEqual((await verdict())[2], likely);
      deepEqual(await steps(), [step]);
    });
  }

  for (const [what, other, held] of [
    ['no folder on PATH has the program: Reconnect finds nothing', undefined, true],
    ['another folder on PATH has the program: Reconnect finds it', 'local/bin', undefined],
  ] as const) {
    it(`nvm: the Node that the client uses was uninstalled, and ${what}`, async () => {
      const modules = '.nvm/versions/node/v20.1.0/lib/node_modules/tiny-mcp';
      const bin = '.nvm/versions/node/v20.1.0/bin';
      write({ ...release(modules, '1.0.0'), [`${bin}/tiny-mcp`]: { link: '../lib/node_modules/tiny-mcp/server.js' } });
      write({ [`${modules}/server.js`]: '#!/usr/bin/env node\n', '.nvm/versions/node/v22.1.0/bin/node': '' });
      chmodSync(at(modules, 'server.js'), 0o755);
      entries(['tiny-mcp']);
      const env = { PATH: [at(bin), ...(other === undefined ? [] : [at(other)])].join(':') };
      const server = { argv: [node, at(bin, 'tiny-mcp')], cwd: scan.tree.root, env, clientEnv: env };
      await observe(server);
      deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
      rmSync(at('.nvm/versions/node/v20.1.0'), { recursive: true });
      if (other !== undefined) {
        write({ [`${other}/tiny-mcp`]: '#!/bin/sh\nexec elsewhere\n' });
        chmodSync(at(other, 'tiny-mcp'), 0o755);
      }
      for (const [observer, wanted] of [
        ['run', 'files-gone/proven'],
        ['late', 'files-gone/likely'],
      ] as const) {
        await observe(server, observer);
        deepEqual((await verdict())[2], [wanted]);
        const [step] = (await look()).findings.flatMap(({ actions }) => actions);
        ok(step?.kind === 'manual');
        deepEqual([step.held, /Quit Claude Code/.test(step.step)], [held, held === true]);
      }
    });
  }
});
