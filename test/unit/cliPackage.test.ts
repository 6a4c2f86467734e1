import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { buildBundles } from '../../scripts/system/buildBundles.ts';
import { packCli } from '../../scripts/system/packCli.ts';
import { projectRoot } from '../../scripts/system/projectPaths.ts';

describe('The npm package of the command line', function () {
  this.timeout(60_000);
  let folder = '';
  let tarball = '';
  const unpacked = (name: string): string => join(folder, 'package', name);
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));

  before(async () => {
    if (!existsSync(join(projectRoot, 'dist', 'cli.cjs'))) {
      await buildBundles();
    }
    folder = mkdtempSync(join(tmpdir(), 'cli-package-'));
    tarball = await packCli(folder);
    execFileSync('tar', ['-xzf', tarball, '-C', folder]);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('runs by itself, and cannot be published by accident', () => {
    const manifest = JSON.parse(readFileSync(unpacked('package.json'), 'utf8'));
    assert.deepEqual(
      [manifest.name, manifest.version, manifest.private, manifest.bin, manifest.dependencies, manifest.scripts],
      ['mcp-shepherd', version, true, { 'mcp-shepherd': './dist/cli.cjs' }, undefined, undefined],
    );
    assert.match(manifest.description, /^[^%]+$/);
    assert.equal(execFileSync(process.execPath, [unpacked('dist/cli.cjs'), '--version'], { encoding: 'utf8' }).trim(), version);
    assert.equal(execFileSync(process.execPath, [unpacked('dist/guard.cjs'), '--help'], { encoding: 'utf8' }).includes('--on-stale'), true);
  });

  it('has nothing of the editor', () => {
    for (const name of ['dist/extension.cjs', 'media', 'dist/README.md', 'package.nls.json']) {
      assert.equal(existsSync(unpacked(name)), false, name);
    }
    for (const name of ['README.md', 'LICENSE', 'CHANGELOG.md', 'schema/snapshot.schema.json']) {
      assert.equal(existsSync(unpacked(name)), true, name);
    }
  });

  const long = process.env.TEST_LONG === '1' ? it : undefined;

  long?.('npx starts it from the file in an empty home', () => {
    const home = join(folder, 'home');
    mkdirSync(home);
    const env = { ...process.env, HOME: home, USERPROFILE: home, MCP_RUN_DIR: join(folder, 'run'), MCP_SHEPHERD_OFFLINE: '1' };
    const output = execFileSync('npx', ['--yes', `file:${tarball}`, 'status', '--json'], { cwd: home, env, encoding: 'utf8' });
    // Servers of other programs of this machine may run.
    const { schema, definitions } = JSON.parse(output);
    assert.equal(typeof schema, 'number');
    assert.equal(
      definitions.some(({ file }: { file: string }) => file.startsWith(home)),
      false,
    );
  });
});
