import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

describe('the secret of a host', () => {
  let runDir = '';

  before(function () {
    if (process.platform === 'win32') {
      this.skip();
    }
    runDir = realpathSync(mkdtempSync(join(tmpdir(), 'host-secret-')));
    mkdirSync(join(runDir, 'shepherd', 'host'), { recursive: true, mode: 0o700 });
  });
  after(() => runDir && rmSync(runDir, { recursive: true }));

  it('is read from a regular file, and a named pipe there keeps no relay waiting', () => {
    // In a process of its own: a wait would not end.
    const module = new URL('../../../src/relay/hostFolder.ts', import.meta.url);
    const script = `import { hostSecret } from ${JSON.stringify(module)}; console.log(String(hostSecret(process.argv[1])));`;
    const read = () =>
      spawnSync(process.execPath, ['--input-type=module', '-e', script, runDir], { encoding: 'utf8', timeout: 20_000 }).stdout.trim();
    const file = join(runDir, 'shepherd', 'host', 'secret');
    writeFileSync(file, 'abc\n', { mode: 0o600 });
    assert.equal(read(), 'abc');
    rmSync(file);
    execFileSync('mkfifo', ['-m', '600', file]);
    assert.equal(read(), 'undefined');
  });
});
