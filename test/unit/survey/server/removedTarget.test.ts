import { deepEqual, equal } from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { describe, it } from 'mocha';
import { HandMadeScan, node, release } from './handMadeScan.ts';

describe('the script that a server was started with is gone', () => {
  const scan = new HandMadeScan();
  const { at, write, entries, observe, look, verdict } = scan;

  const runs = async (): Promise<void> => {
    write({ ...release('srv/one', '1.0.0'), now: { link: 'srv/one' } });
    const argv = [node, at('now/server.js')];
    entries(argv);
    await observe({ argv, cwd: scan.tree.root });
    deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
  };
  const gone = ['files-gone/proven'];

  it('its link was removed: proven where it was seen before, also by a later observer of the same records', async () => {
    await runs();
    rmSync(at('now'));
    deepEqual(await verdict(), ['1.0.0', '1.0.0', gone]);
    equal((await look()).unknown, undefined);
    await observe({ argv: [node, at('now/server.js')], cwd: scan.tree.root });
    deepEqual(await verdict(), ['1.0.0', '1.0.0', gone]);
    await observe({ argv: [node, at('now/server.js')], cwd: scan.tree.root }, 'other');
    deepEqual((await verdict())[2], ['files-gone/likely']);
  });

  it('its link leads to a release without it: the same', async () => {
    await runs();
    write({ 'srv/two/package.json': { name: 'tiny-mcp', version: '1.1.0', main: 'dist/server.js' }, now: { link: 'srv/two' } });
    deepEqual((await verdict())[2], gone);
  });

  it('its entry leads to the same version elsewhere: nothing, a restart works', async () => {
    await runs();
    write({ wrapper: { link: 'srv/one' } });
    entries([node, at('wrapper/server.js')]);
    rmSync(at('now'));
    deepEqual((await verdict())[2], []);
  });

  it('the environment of `python -m` was removed before the first look: likely gone; not where it is there again', async () => {
    const python = (environment: string): string => at(environment, 'bin/python');
    const start = async (run: string): Promise<unknown> => {
      await observe({ argv: [python('old'), '-m', 'tiny_mcp'], exe: `${python('old')} (deleted)`, cwd: scan.tree.root }, run);
      return (await verdict())[2];
    };
    entries([python('old'), '-m', 'tiny_mcp']);
    deepEqual(await start('gone'), ['files-gone/likely']);
    const packages = 'new/lib/python3.11/site-packages';
    write({
      'new/pyvenv.cfg': 'home = /usr/bin\n',
      'new/bin/python': '',
      [`${packages}/tiny_mcp/__main__.py`]: '',
      [`${packages}/tiny_mcp-1.1.0.dist-info/METADATA`]: 'Name: tiny-mcp\nVersion: 1.1.0\n',
      [`${packages}/tiny_mcp-1.1.0.dist-info/RECORD`]: 'tiny_mcp/__main__.py,,\n',
      old: { link: 'new' },
    });
    equal(JSON.stringify(await start('there again')).includes('gone'), false);
  });
});
