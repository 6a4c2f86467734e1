import { equal } from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { ownCommand } from '../../../../src/guard/stale/restartCure.ts';
import { assertNames } from '../../../names.ts';

describe('a command of this program', () => {
  it('names a program that is there: on PATH, the launcher of the run folder, the files that the guard was started from', function () {
    if (process.platform === 'win32') {
      this.skip();
    }
    const root = mkdtempSync(join(tmpdir(), 'restart-command-'));
    try {
      const bin = join(root, 'bin');
      const run = join(root, "my run's");
      const home = { path: join(root, 'home'), explicit: false };
      const program = (folder: string): void => {
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, 'mcp-shepherd'), '');
        chmodSync(join(folder, 'mcp-shepherd'), 0o755);
      };
      equal(ownCommand(['restart', '42'], home, { PATH: bin }, '/nowhere/guard.cjs'), 'mcp-shepherd restart 42');
      writeFileSync(join(root, 'cli.cjs'), '');
      assertNames(ownCommand(['restart', '42'], home, { PATH: bin }, join(root, 'guard.cjs')), 'node', 'cli.cjs restart 42');
      program(join(run, 'shepherd', 'bin'));
      const quoted = `'${run.replace("'", "'\\''")}'`;
      equal(
        ownCommand(['restart', '42'], { path: run, explicit: true }, { PATH: bin }, join(root, 'guard.cjs')),
        `'${join(run, 'shepherd/bin/mcp-shepherd').replace("'", "'\\''")}' restart 42 --run-dir ${quoted}`,
      );
      program(bin);
      equal(ownCommand(['restart', '42'], home, { PATH: `relative:${bin}` }, join(root, 'guard.cjs')), 'mcp-shepherd restart 42');
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
