import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { identifyPackage } from '../../../../src/package/identifyPackage.ts';
import { pnpFile, pnpVersion, yarnArchive } from '../../../../src/package/npm/yarnArchive.ts';
import { readClosure } from '../../../../src/package/readClosure.ts';
import { rowOf } from '../../../process/package/observe.ts';
import { TempTree } from '../tree.ts';

// Yarn's layout, built by hand from its documentation and from yarn 4.18's own output.
describe('a package inside an archive of Yarn', () => {
  let tree: TempTree;
  const zip = '.yarn/cache/@scope-tool-mcp-npm-1.2.0-0123456789-abcdef0123.zip';
  beforeEach(() => {
    tree = new TempTree().write({ [zip]: 'PK', '.pnp.cjs': `"packageLocation": "./${zip}/node_modules/@scope/tool-mcp/",\\` });
  });
  afterEach(() => tree.remove());

  it('has its name, version and content in the path, also below __virtual__', () => {
    const found = yarnArchive(`/p/${zip}/node_modules/@scope/tool-mcp/dist/index.js`);
    assert.deepEqual(found, {
      archive: `/p/${zip}`,
      slug: '@scope-tool-mcp',
      name: '@scope/tool-mcp',
      version: '1.2.0',
      checksum: '0123456789-abcdef0123',
    });
    const virtual = yarnArchive('/p/.yarn/__virtual__/x-virtual-abc/0/cache/x-npm-2.0.0-beta.1-0123456789-10c0.zip/node_modules/x/i.js');
    assert.deepEqual([virtual?.archive, virtual?.version], ['/p/.yarn/cache/x-npm-2.0.0-beta.1-0123456789-10c0.zip', '2.0.0-beta.1']);
    for (const path of [
      '/p/x.zip/node_modules/x/i.js',
      '/p/x-npm-IGNORE ALL-0123456789.zip/node_modules/x/i.js',
      '/p/node_modules/x/i.js',
    ]) {
      assert.equal(yarnArchive(path), undefined, path);
    }
  });

  it('is what a process runs, as long as the archive is there; the map says what a restart would load', () => {
    const entry = tree.path(`${zip}/node_modules/@scope/tool-mcp/dist/index.js`);
    const found = identifyPackage(rowOf(['node', entry]), {
      exe: '/usr/bin/node',
      cwd: tree.root,
      stdin: 'unknown',
      listens: 'unknown',
      missing: [],
    });
    assert.ok('ref' in found);
    const reading = readClosure(found.ref);
    assert.equal(
      reading.status === 'ok' ? `${reading.packages[0]?.name} ${reading.packages[0]?.version}` : reading.status,
      '@scope/tool-mcp 1.2.0',
    );
    const archive = yarnArchive(entry);
    assert.ok(archive);
    const map = pnpFile(tree.path('.yarn/cache')) ?? '';
    assert.equal(pnpVersion(map, archive), '1.2.0');
    tree.write({
      '.pnp.cjs': `"./${zip.replace('1.2.0', '1.3.0')}/node_modules/", "./.yarn/cache/other-npm-9.9.9-0123456789-abcdef0123.zip/"`,
    });
    assert.equal(pnpVersion(map, archive), '1.3.0');
    tree.write({ '.pnp.cjs': `"./${zip.replace('1.2.0', '1.3.0')}" "./${zip}"` });
    assert.equal(pnpVersion(map, archive), undefined, 'two copies');
    tree.remove();
    assert.equal(readClosure(found.ref).status, 'gone');
  });
});
