import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { incompletePackages } from '../../../../src/survey/updates/installedVersions.ts';

describe('incompletePackages', () => {
  let root = '';
  let site = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'mcp-shepherd-venv-'));
    site = join(root, 'lib', 'python3.11', 'site-packages');
    mkdirSync(join(site, 'lib'), { recursive: true });
    writeFileSync(join(root, 'pyvenv.cfg'), 'version = 3.11.2\n');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const distribution = (name: string, ...record: string[]): void => {
    mkdirSync(join(site, `${name}-1.0.dist-info`));
    writeFileSync(join(site, `${name}-1.0.dist-info`, 'RECORD'), record.map((path) => `${path},sha256=abc,3\n`).join(''));
  };

  it('names the packages of which a file is gone, not those without compiled files or scripts', () => {
    writeFileSync(join(site, 'lib', '__init__.py'), '');
    distribution('whole', 'lib/__init__.py', 'lib/__pycache__/__init__.cpython-311.pyc', '../../../bin/whole', '/opt/whole');
    distribution('torn', 'lib/__init__.py', 'lib/gone.py');
    mkdirSync(join(site, 'unrecorded-1.0.dist-info'));
    assert.deepEqual([...incompletePackages('python', root)], ['torn']);
    assert.deepEqual([...incompletePackages('npm', root)], []);
  });
});
