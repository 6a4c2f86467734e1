import { equal } from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { PackageRef } from '../../../../src/model/package.ts';
import { isSameCode } from '../../../../src/survey/server/closures.ts';

describe('the reference of what runs and that of what a command leads to', () => {
  let root = '';
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'same-code-')));
    for (const path of ['project/.pnpm/tiny@1/index.js', 'other/.pnpm/tiny@1/index.js', 'other/bin/x', 'project/.bin/x']) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), '');
    }
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const ref = (entry: string, name = 'tiny'): PackageRef => ({ ecosystem: 'npm', name, entry, environment: join(root, 'project') });
  const plain = (): string => join(root, 'project', '.pnpm', 'tiny@1', 'index.js');
  const byShim = (): string => `${root}/project/.bin/../.pnpm/tiny@1/index.js`;

  it('are one where the path only has detours, as in a shim of pnpm', () => {
    equal(isSameCode(ref(plain()), ref(byShim())), true);
    equal(isSameCode(ref(plain()), ref(byShim(), 'other')), false);
  });

  it('are two where the detour leads through a link to another file', () => {
    rmSync(join(root, 'project', '.bin'), { recursive: true });
    symlinkSync(join(root, 'other', 'bin'), join(root, 'project', '.bin'));
    equal(isSameCode(ref(plain()), ref(byShim())), false);
  });
});
