import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { programOnPath, runProgram } from '../../../src/base/runProgram.ts';

const everywhere = (): boolean => true;

describe('programOnPath', () => {
  it('on Windows takes only an absolute folder of PATH, so never the working directory', () => {
    const at = (path: string): string | undefined => programOnPath('docker', { Path: path }, 'win32', everywhere);
    for (const path of ['', '.', 'bin', '\\bin', 'C:bin', '..\\x', ';.;']) {
      assert.equal(at(path), undefined, path);
    }
    assert.equal(at('.;C:\\Program Files\\Docker;D:\\x'), 'C:\\Program Files\\Docker\\docker.exe');
    assert.equal(at('"C:\\a b";D:\\x'), 'C:\\a b\\docker.exe');
    assert.equal(at('\\\\host\\share\\bin'), '\\\\host\\share\\bin\\docker.exe');
  });

  it('elsewhere skips the empty and relative folders of PATH, which mean the working directory', () => {
    const at = (path: string): string | undefined => programOnPath('git', { PATH: path }, 'linux', everywhere);
    assert.equal(at(':.:bin'), undefined);
    assert.equal(at('.:/usr/bin:/bin'), '/usr/bin/git');
    assert.equal(programOnPath('git', {}, 'linux', everywhere), undefined);
  });

  it('takes the first folder that has it', () => {
    const inSecond = (path: string): boolean => path === 'D:\\b\\node.exe';
    assert.equal(programOnPath('node', { PATH: 'C:\\a;D:\\b' }, 'win32', inSecond), 'D:\\b\\node.exe');
    assert.equal(programOnPath('node', { PATH: 'C:\\a' }, 'win32', inSecond), undefined);
  });

  it('runs nothing that lies in the node_modules of the project in which npx was called', async function () {
    const at = (path: string): string | undefined => programOnPath('docker', { PATH: path }, 'linux', everywhere);
    assert.equal(at('/srv/shop/node_modules/.bin:/srv/node_modules/.bin/:/usr/bin'), '/usr/bin/docker');
    assert.equal(programOnPath('docker', { Path: '"C:\\shop\\node_modules\\.bin";D:\\x' }, 'win32', everywhere), 'D:\\x\\docker.exe');
    if (process.platform === 'win32') {
      this.skip();
    }
    const project = mkdtempSync(join(tmpdir(), 'npx-'));
    try {
      for (const [folder, found] of [
        ['bin', 'of the project\n'],
        ['node_modules/.bin', ''],
      ] as const) {
        const bin = join(project, folder);
        mkdirSync(bin, { recursive: true });
        writeFileSync(join(bin, 'only-here'), '#!/bin/sh\necho of the project\n', { mode: 0o755 });
        assert.equal(await runProgram('only-here', [], { env: { PATH: bin } }).catch(() => ''), found, folder);
      }
    } finally {
      rmSync(project, { recursive: true });
    }
  });
});
