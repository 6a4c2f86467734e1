import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles, PackageManager } from '@vscode/vsce';
import { describe, it } from 'mocha';
import { packagedFiles } from '../../scripts/editor/packagedFiles.ts';
import { projectRoot } from '../../scripts/system/projectPaths.ts';

/** Files that must be in the package, and the only kinds of others that may. */
const required = ['package.json', 'LICENSE', 'README.md', 'CHANGELOG.md', 'dist/extension.cjs', 'dist/cli.cjs', 'dist/guard.cjs'];
const allowed = [
  /^dist\/(?:cli|guard)\/[\w-]+\.cjs$/,
  /^media\/[\w-]+(?:\/[\w-]+)*\.(?:svg|png|md)$/,
  /^schema\/[\w.-]+\.json$/,
  /^package\.nls\.json$/,
];

describe('The package', function () {
  // vsce loads slowly.
  this.timeout(60_000);

  it('holds what is needed and nothing else', async () => {
    const files = await listFiles({ cwd: projectRoot, packageManager: PackageManager.None });
    assert.deepEqual(
      required.filter((file) => !files.includes(file)),
      [],
      'missing (have the bundles been built?)',
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
    assert.deepEqual(packagedFiles(), files.sort(), 'what is laid into an editor without packaging');
  });
});
