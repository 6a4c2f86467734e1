import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listFiles, PackageManager } from '@vscode/vsce';
import { after, before, describe, it } from 'mocha';
import { packagedFiles } from '../../scripts/editor/packagedFiles.ts';
import { readManifest } from '../../scripts/editor/stageExtension.ts';
import { buildBundles } from '../../scripts/system/buildBundles.ts';
import { packagedReadme } from '../../scripts/system/packagedReadme.ts';
import { packVsix } from '../../scripts/system/packVsix.ts';
import { projectRoot } from '../../scripts/system/projectPaths.ts';

/** Files that must be in the package, and the only kinds of others that may. */
const required = [
  ...['package.json', 'package.nls.json', 'LICENSE', 'CHANGELOG.md', 'media/icon.png', 'media/servers.svg'],
  ...['dist/README.md', 'dist/extension.cjs', 'dist/cli.cjs', 'dist/guard.cjs'],
  // `guard --relay`.
  ...['dist/host.cjs', 'dist/relay.cjs', 'dist/relay.pl', 'dist/relay.py'],
];
const allowed = [/^dist\/(?:core|guard)\/[\w-]+\.cjs$/, /^media\/walkthrough\/[\w-]+\.webp$/];
/** Bytes. */
const mostBytes = 700 * 1024;

describe('The package', function () {
  // vsce loads slowly.
  this.timeout(60_000);
  let temporary = '';
  /** The project without the folders that hold other people's files: vsce would read all of them, for ten seconds of processor time each time. */
  let copy = '';

  // vsce ends the process when a file of the manifest is missing, and `npx mocha` needs no build before it.
  before(async () => {
    if (!required.every((file) => existsSync(join(projectRoot, file)))) {
      await buildBundles();
    }
    temporary = mkdtempSync(join(tmpdir(), 'package-'));
    copy = join(temporary, 'project');
    mkdirSync(copy);
    for (const name of readdirSync(projectRoot).filter((entry) => !['.git', '.vscode-test', 'node_modules', 'out'].includes(entry))) {
      cpSync(join(projectRoot, name), join(copy, name), { recursive: true });
    }
  });
  after(() => rmSync(temporary, { recursive: true, force: true }));

  it('is built from packages whose checksums the lock file holds, on every platform', () => {
    const { packages } = JSON.parse(readFileSync(join(projectRoot, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { readonly integrity?: string }>;
    };
    const unchecked = Object.entries(packages).filter(([path, { integrity }]) => path !== '' && !integrity?.startsWith('sha512-'));
    assert.deepEqual(
      unchecked.map(([path]) => path),
      [],
    );
  });

  it('holds what is needed and nothing else', async () => {
    const files = await listFiles({ cwd: copy, packageManager: PackageManager.None, ...readManifest().vsce });
    assert.deepEqual(
      required.filter((file) => !files.includes(file)),
      [],
      'missing',
    );
    assert.deepEqual(
      files.filter((file) => !required.includes(file) && !allowed.some((pattern) => pattern.test(file))),
      [],
      'should not be packaged',
    );
    assert.deepEqual(
      files.filter((file) => !existsSync(join(projectRoot, file))),
      [],
      'listed but not there',
    );
    assert.deepEqual(packagedFiles(), files.sort(), 'the files that tests put into an editor without packaging');
  });

  it('is made with the options of the manifest alone, and is small', async () => {
    const vsix = join(temporary, 'mcp-shepherd.vsix');
    await packVsix(vsix, copy);
    const { size } = statSync(vsix);
    assert.ok(size <= mostBytes, `${size} bytes; "node esbuild.ts" builds what is packaged, "npm run build" larger programs with maps`);
  });

  it('has a README without pictures and without links to files that are not in it', () => {
    const readme = packagedReadme(readFileSync(join(projectRoot, 'README.md'), 'utf8'));
    assert.equal(/!\[|\]\((?!https?:|#)/.test(readme), false);
    assert.equal(readme.split('\n')[0], '# MCP Shepherd');
    const text =
      'One [page](docs/a.md), [here](#there), [site](https://example.org).\n\n![a](b.png)\nof it\n\n| ![a](b.png) |\n| --- |\n\nEnd.\n';
    assert.equal(packagedReadme(text), 'One page, [here](#there), [site](https://example.org).\n\nEnd.\n');
  });
});
