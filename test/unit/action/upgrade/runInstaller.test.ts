import { deepEqual, equal, ok } from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { installerFolder } from '../../../../src/action/plan/upgradePlan.ts';
import { runInstaller } from '../../../../src/action/upgrade/runInstaller.ts';

describe('The run of an installer', () => {
  const run = async (program: string): Promise<{ readonly lines: readonly string[]; readonly failure: string | undefined }> => {
    const lines: string[] = [];
    const failure = await runInstaller([process.execPath, '-e', program], {
      cwd: '/',
      env: process.env,
      onLine: (line) => lines.push(line),
    });
    return { lines, failure };
  };

  it('gives each line as it was written, and the last one without an end', async () => {
    const { lines, failure } = await run('process.stdout.write("a\\r\\nb\\n\\nprogress 1\\rprogress 2\\nlast"); process.exitCode = 3');
    deepEqual(lines, ['a', 'b', '', 'progress 1', 'progress 2', 'last']);
    equal(failure, 'exit code 3');
  });

  it('keeps little of a line that does not end', async () => {
    const { lines } = await run('process.stdout.write("x".repeat(3_000_000))');
    equal(lines.join('').length, 3_000_000);
    ok(Math.max(...lines.map(({ length }) => length)) <= 3 * 65_536);
  });

  it('is not in the folder that MCP Shepherd was started in: a pip.py there is not run', async function () {
    // Three starts of pip, which take seconds each on a busy machine.
    this.timeout(120_000);
    if (process.platform === 'win32' || spawnSync('python3', ['-m', 'pip', '--version']).status !== 0) {
      this.skip();
    }
    const project = realpathSync(mkdtempSync(join(tmpdir(), 'installer-')));
    const before = process.cwd();
    try {
      const ran = join(project, 'ran');
      writeFileSync(join(project, 'pip.py'), `open(${JSON.stringify(ran)}, 'w')`);
      process.chdir(project);
      const command = ['python3', '-m', 'pip', '--version'] as const;
      const pip = (cwd: string): Promise<string | undefined> => runInstaller(command, { cwd, env: process.env, onLine() {} });
      equal(await pip(installerFolder(command, join(project, 'venv'), process.platform)), undefined);
      equal(existsSync(ran), false);
      await pip(project);
      equal(existsSync(ran), true, 'the control');
    } finally {
      process.chdir(before);
      rmSync(project, { recursive: true });
    }
  });

  it('is in the folder whose packages the command changes, where it names one, else in one that no project decides', () => {
    const root = '/srv/shop/.venv';
    for (const [command, folder] of [
      ['npm install --prefix /srv/shop notes@2', '/srv/shop'],
      ['npm install -g --prefix /usr/local notes@2', '/usr/local'],
      ['pnpm --dir /srv/shop update notes@2', '/srv/shop'],
      ['yarn --cwd /srv/shop up notes@2', '/srv/shop'],
      ['bun add --cwd /srv/shop notes@2', '/srv/shop'],
      ['uv sync --project /srv/shop --upgrade-package notes', '/srv/shop'],
      ['poetry --directory /srv/shop update notes', '/srv/shop'],
      ['uv pip install --python /srv/shop/.venv/bin/python3 notes==2', '/srv/shop'],
      ['/srv/shop/.venv/bin/python3 -m pip install notes==2', '/'],
      ['pipx upgrade notes', '/'],
      ['uv tool upgrade notes', '/'],
      ['pnpm add -g notes@2', '/'],
      ['yarn global add notes@2', '/'],
      ['npm install --prefix relative notes@2', '/'],
    ] as const) {
      equal(installerFolder(command.split(' '), root, 'linux'), folder, command);
    }
    equal(installerFolder(['pipx', 'upgrade', 'notes'], 'C:\\venvs\\notes', 'win32'), 'C:\\venvs');
  });
});
