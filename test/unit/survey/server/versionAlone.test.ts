// The metadata of a package name another version, and its code is the same.
import { deepEqual, match, ok } from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { describe, it } from 'mocha';
import { assertNames } from '../../../names.ts';
import { distInfo, type Tree } from '../../package/tree.ts';
import { HandMadeScan, node, release } from './handMadeScan.ts';

describe('another version with the same code', () => {
  const scan = new HandMadeScan();
  const { at, write, observe, look, verdict } = scan;

  /** The server as first seen, and what is done then. */
  async function runs(script: string, files: Tree): Promise<void> {
    write(files);
    await observe({ argv: [node, at(script)], cwd: scan.tree.root, env: { PATH: '/bin' } });
    deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
  }

  const manifest = (folder: string, version: string): Tree => ({
    [`${folder}/package.json`]: { name: 'tiny-mcp', version, dependencies: { below: '*' } },
  });

  for (const [where, folder, confidence] of [
    ['installed by npm', 'project/node_modules/tiny-mcp', 'proven'],
    ['unpacked into a folder', 'opt/tiny-mcp', 'likely'],
  ] as const) {
    it(`is stale where the package was ${where}: package.json alone, or a folder that was moved in`, async () => {
      await runs(`${folder}/server.js`, release(folder, '1.0.0'));
      for (const version of ['1.1.0', '0.9.0']) {
        write(manifest(folder, version));
        deepEqual(await verdict(), ['1.0.0', version, [`stale/package/${confidence}`]]);
        assertNames((await look()).findings[0]?.message, '1.0.0', version);
      }
      write(manifest(folder, '1.0.0'));
      deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
      write(release('beside', '1.1.0'));
      renameSync(at(folder), at('before'));
      renameSync(at('beside'), at(folder));
      deepEqual(await verdict(), ['1.0.0', '1.1.0', [`stale/package/${confidence}`]]);
      write({ [`${folder}/server.js`]: 'other()' });
      deepEqual(await verdict(), ['1.0.0', '1.1.0', ['stale/package/proven']]);
    });

    it(`the same version again, or another form of package.json, is nothing where it was ${where}`, async () => {
      await runs(`${folder}/server.js`, release(folder, '1.0.0'));
      write({ [`${folder}/package.json`]: { _id: 'tiny-mcp@1.0.0', dependencies: { below: '*' }, version: '1.0.0', name: 'tiny-mcp' } });
      deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
      write(release('beside', '1.0.0'));
      renameSync(at(folder), at('before'));
      renameSync(at('beside'), at(folder));
      const { findings, unknown } = await look();
      deepEqual([findings, unknown], [[], undefined]);
    });
  }

  it('is stale where pip names another version', async () => {
    const site = 'venv/lib/python3.11/site-packages';
    write({
      'venv/pyvenv.cfg': 'home = /usr/bin\nversion = 3.11.2\n',
      'venv/bin/python': '',
      ...distInfo(site, 'tiny_mcp', '1.0.0'),
      [`${site}/tiny_mcp/__main__.py`]: '',
    });
    await observe({ argv: [at('venv/bin/python'), '-m', 'tiny_mcp'], exe: '/usr/bin/python3.11', cwd: scan.tree.root });
    deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
    write({ [`${site}/tiny_mcp-1.0.0.dist-info/METADATA`]: 'Metadata-Version: 2.1\nName: tiny-mcp\nVersion: 1.1.0\n\n' });
    deepEqual(await verdict(), ['1.0.0', '1.1.0', ['stale/package/proven']]);
  });

  const ownSource: readonly (readonly [string, string, string, Tree])[] = [
    ['a work tree of git', 'src/tiny-mcp', 'src/tiny-mcp/server.js', { 'src/.git/HEAD': 'ref: refs/heads/main\n' }],
    ['npm link', 'src/tiny-mcp', 'lib/node_modules/tiny-mcp/server.js', { 'lib/node_modules/tiny-mcp': { link: '../../src/tiny-mcp' } }],
    [
      'an npm workspace',
      'src/tiny-mcp',
      'src/tiny-mcp/server.js',
      { 'src/package.json': { name: 'all', private: true, workspaces: ['*'] } },
    ],
    ['a pnpm workspace', 'src/tiny-mcp', 'src/tiny-mcp/server.js', { 'src/pnpm-workspace.yaml': 'packages: ["*"]\n' }],
  ];
  for (const [where, folder, script, files] of ownSource) {
    it(`is no finding in the user’s own source (${where}), and the reason is said`, async () => {
      await runs(script, { ...release(folder, '1.0.0'), ...files });
      write(manifest(folder, '1.1.0'));
      const { package: own, findings, unknown } = await look();
      deepEqual([own?.running, own?.installed, findings], ['1.0.0', '1.1.0', []]);
      match(unknown ?? '', /1\.1\.0/);
      write({ [`${folder}/server.js`]: 'other()' });
      deepEqual(await verdict(), ['1.0.0', '1.1.0', ['stale/source/proven']]);
    });
  }

  it('is no finding in a dependency that is the user’s own linked source; its content decides', async () => {
    const folder = 'project/node_modules/tiny-mcp';
    const below = (version: string): Tree => ({ 'src/below/package.json': { name: 'below', version, main: 'index.js' } });
    await runs(`${folder}/server.js`, {
      ...manifest(folder, '1.0.0'),
      [`${folder}/server.js`]: '',
      'src/below/index.js': '',
      'project/node_modules/below': { link: '../../src/below' },
      ...below('1.0.0'),
    });
    write(below('1.1.0'));
    deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
    write({ 'src/below/index.js': 'other()' });
    const { findings } = await look();
    ok(findings.some(({ kind, subKind }) => kind === 'stale' && subKind === 'source'));
  });
});
