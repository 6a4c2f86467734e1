import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { startDesktop } from '../../../scripts/start/startDesktop.ts';
import { userEnvironment } from '../../../scripts/start/userEnvironment.ts';
import { listProcesses } from '../../../scripts/system/processTree.ts';
import { projectRoot } from '../../../scripts/system/projectPaths.ts';
import { waitFor } from '../../../scripts/system/waitFor.ts';

describe('npm start with `code` on PATH', function () {
  this.timeout(30_000);
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'code-'));
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** A stand-in for `code`: notes its arguments and its own number, and starts a program that lives on. */
  function fakeCode(name: string, lastLine: string): { code: string; note: string } {
    const note = join(folder, `${name}.txt`);
    const code = join(folder, name);
    writeFileSync(code, `#!/bin/sh\nsleep 300 &\nprintf '%s\\n' "$!" "$@" > ${note}.new\nmv ${note}.new ${note}\n${lastLine}\n`);
    chmodSync(code, 0o755);
    return { code, note };
  }

  it('opens a development window on the folder, and ends all of it when it is told to', async () => {
    const { code, note } = fakeCode('staying', 'wait');
    let end = (): void => {};
    const ended = startDesktop(
      code,
      folder,
      new Promise<void>((resolve) => {
        end = resolve;
      }),
    );
    await waitFor('the stand-in to run', () => existsSync(note));
    const [pid = '', ...words] = readFileSync(note, 'utf8').trim().split('\n');
    assert.ok(words.includes(`--extensionDevelopmentPath=${projectRoot}`));
    const opener = words.filter((word) => word.startsWith('--extensionDevelopmentPath=')).at(1);
    assert.ok(existsSync(join(opener?.split('=')[1] ?? '', 'main.cjs')), 'the extension that opens the view');
    assert.ok(words.includes('--new-window') && words.includes('--wait'));
    assert.equal(words.at(-1), folder);
    assert.ok(listProcesses().has(Number(pid)));
    end();
    await ended;
    assert.ok(!listProcesses().has(Number(pid)), 'what it started lives on');
  });

  it('ends when the window is closed', async () => {
    const { code } = fakeCode('closing', 'kill $!; exit 0');
    await startDesktop(code, folder, new Promise<void>(() => {}));
  });

  it('gives the user PATH back, without what npm put in front', () => {
    const path = ['/project/node_modules/.bin', join(projectRoot, 'node_modules', '.bin'), '/home/me/bin', '/usr/bin'].join(':');
    const env = userEnvironment({ PATH: path, npm_command: 'run', INIT_CWD: '/x', HOME: '/home/me' });
    assert.deepEqual(env, { PATH: '/home/me/bin:/usr/bin', HOME: '/home/me' });
  });
});
