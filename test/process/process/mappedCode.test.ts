import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { kernelProcFs } from '../../../src/process/linux/procFs.ts';
import { ProcTable } from '../../../src/process/linux/procTable.ts';
import { until } from '../../until.ts';

const linux = process.platform === 'linux' ? describe : describe.skip;

linux('Native code that a process has mapped, on Linux', () => {
  let folder: string;
  let library: string;
  let child: ChildProcess;
  let reads: number;
  const table = new ProcTable({
    fs: {
      ...kernelProcFs,
      read(path, limit, comes) {
        reads += path.endsWith('/maps') ? 1 : 0;
        return kernelProcFs.read(path, limit, comes);
      },
    },
  });
  const look = async (): Promise<{ readonly deleted: string[] | undefined; readonly reads: number }> => {
    const row = (await table.list()).find(({ pid }) => pid === child.pid);
    assert.ok(row);
    reads = 0;
    const detail = await table.detail(row);
    return { deleted: detail.deletedCode?.map(({ path }) => path), reads };
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mapped-'));
    library = join(folder, 'libcopy.so.1');
    const [, system = ''] = /(\/\S*\/lib(?:m|stdc\+\+|c)[.\w-]*\.so\S*)$/m.exec(readFileSync('/proc/self/maps', 'utf8')) ?? [];
    copyFileSync(system, library);
    child = spawn('sleep', ['600'], { stdio: 'ignore', env: { ...process.env, LD_PRELOAD: library } });
    // It has settled when `maps` is no longer read for it.
    await until('nothing of it is read', async () => {
      const { reads } = await look();
      return reads === 0 && readFileSync(`/proc/${child.pid}/maps`, 'utf8').includes(library);
    });
  });
  afterEach(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  it('is not read again at rest, and still seen to go', async () => {
    assert.deepEqual(await look(), { deleted: undefined, reads: 0 });
    rmSync(library);
    assert.deepEqual(await look(), { deleted: [library], reads: 1 });
  });

  it('is seen to be replaced, by rename or by a file that has the name again', async () => {
    copyFileSync(library, join(folder, 'new'));
    renameSync(join(folder, 'new'), library);
    assert.deepEqual(await look(), { deleted: [library], reads: 1 });
    rmSync(library);
    copyFileSync(process.execPath, library);
    assert.deepEqual((await look()).deleted, [library]);
    assert.deepEqual((await look()).deleted, [library]);
  });
});
