import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildCli, type Ended, RunningCli } from './bundle.ts';

describe('the compiled code of the command line', function () {
  this.timeout(60_000);
  let folder = '';
  let program = '';
  const run = (): string => join(folder, 'run');
  const compiled = (): string => join(run(), 'shepherd', 'compiled');
  before(async function () {
    if (process.platform === 'win32') {
      this.skip();
    }
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'compiled-')));
    program = await buildCli(folder);
  });
  beforeEach(() => rmSync(run(), { recursive: true, force: true }));
  after(() => rmSync(folder, { recursive: true, force: true }));

  const version = (): Promise<Ended> =>
    new RunningCli(process.execPath, program, ['--version'], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, MCP_RUN_DIR: run() },
    }).ended();

  it('is kept in the state folder, for this user only', async () => {
    mkdirSync(join(run(), 'shepherd'), { recursive: true, mode: 0o700 });
    const { code, stderr } = await version();
    assert.deepEqual([code, stderr], [0, '']);
    const [build = '', ...others] = readdirSync(compiled());
    assert.deepEqual(others, []);
    assert.ok(readdirSync(join(compiled(), build)).length > 0, 'Node.js wrote it');
    assert.deepEqual(
      [compiled(), join(compiled(), build)].map((path) => statSync(path).mode & 0o777),
      [0o700, 0o700],
    );
  });

  it('is neither read nor written where other users may write, and the command works', async () => {
    mkdirSync(compiled(), { recursive: true, mode: 0o700 });
    chmodSync(compiled(), 0o777);
    assert.equal((await version()).code, 0);
    assert.deepEqual(readdirSync(compiled()), []);
  });

  it('creates no state folder', async () => {
    assert.equal((await version()).code, 0);
    assert.equal(existsSync(run()), false);
  });

  it('of earlier builds is removed, but of two', async () => {
    for (const name of ['0.0.1-a', '0.0.1-b', '0.0.1-c', '0.0.1-d']) {
      mkdirSync(join(compiled(), name), { recursive: true, mode: 0o700 });
    }
    assert.equal((await version()).code, 0);
    assert.equal(readdirSync(compiled()).length, 3);
  });
});
