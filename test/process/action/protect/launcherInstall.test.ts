import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { hasLauncher, type Installer, installLauncher, tryLauncher } from '../../../../src/action/protect/launcher.ts';
import { assertNames } from '../../../names.ts';
import { shippedProgram } from '../../shippedProgram.ts';

describe('installLauncher', () => {
  let root = '';
  let installer: Installer;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'launcher-'));
    installer = {
      runDir: join(root, 'run'),
      dist: dist('first', 'console.log("1.0.0")'),
      version: '1.0.0',
      execPath: process.execPath,
      electron: false,
      platform: process.platform,
      env: process.env,
    };
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function dist(name: string, text: string): string {
    const folder = join(root, name);
    mkdirSync(folder);
    writeFileSync(join(folder, 'cli.cjs'), text);
    writeFileSync(join(folder, 'guard.cjs'), text);
    for (const pieces of ['core', 'guard']) {
      mkdirSync(join(folder, pieces));
      writeFileSync(join(folder, pieces, 'piece-AB12.cjs'), text);
      writeFileSync(join(folder, pieces, 'piece-AB12.cjs.map'), text);
    }
    return folder;
  }

  const bin = (): string => join(root, 'run', 'shepherd', 'bin');
  const programs = (): string[] => readdirSync(bin()).filter((name) => /^\d/.test(name));
  const record = () => JSON.parse(readFileSync(join(bin(), 'launcher.json'), 'utf8'));

  it('writes nothing where all is as it should be, and mends what is missing', () => {
    equal(hasLauncher(installer.runDir), false);
    const path = installLauncher(installer);
    equal(hasLauncher(installer.runDir), true);
    const before = statSync(path, { bigint: true });
    equal(installLauncher(installer), path);
    equal(statSync(path, { bigint: true }).ino, before.ino, 'not even the same again');
    deepEqual(readdirSync(bin()).sort(), [programs()[0], 'launcher.json', 'mcp-shepherd'].sort());
    const [copied = ''] = programs();
    deepEqual(readdirSync(join(bin(), copied), { recursive: true }).sort(), [
      'cli.cjs',
      'compiled',
      'core',
      'core/piece-AB12.cjs',
      'guard',
      'guard.cjs',
      'guard/piece-AB12.cjs',
    ]);
    rmSync(join(bin(), copied, 'guard.cjs'));
    rmSync(join(bin(), copied, 'guard'), { recursive: true });
    rmSync(path);
    installLauncher(installer);
    ok(
      ['guard.cjs', 'core/piece-AB12.cjs', 'guard/piece-AB12.cjs'].every((name) => existsSync(join(bin(), copied, name))) &&
        existsSync(path),
    );
  });

  it('lets guarded entries start as before when the extension that installed it is gone', async () => {
    const shipped = join(root, 'extension');
    await shippedProgram('cli', shipped);
    await shippedProgram('guard', shipped);
    const launcher = installLauncher({ ...installer, dist: shipped });
    rmSync(shipped, { recursive: true });
    const server = "console.log(require('node:fs').readFileSync('/proc/' + process.ppid + '/cmdline', 'latin1').includes('guard.cjs'))";
    const options = ['guard', '--run-dir', installer.runDir, '--', process.execPath, '-e', server];
    const start = () => spawnSync(launcher, options, { encoding: 'utf8', timeout: 30_000 });
    equal(start().stdout, 'true\n', 'behind the guard, from the copy of its programs');
    rmSync(join(bin(), programs()[0] ?? ''), { recursive: true });
    const plain = start();
    deepEqual([plain.status, plain.stdout], [0, 'false\n'], 'control: without the copy it runs too, without the guard');
    assertNames(plain.stderr, 'is missing');
  });

  it('brings a newer version, keeps it before an older one, and clears away what is long gone', () => {
    const path = installLauncher(installer);
    installLauncher({ ...installer, version: '2.0.0', dist: dist('second', 'console.log("2.0.0")') });
    const text = readFileSync(path, 'utf8');
    assertNames(text, 'MCP Shepherd 2.0.0');
    installLauncher(installer);
    equal(readFileSync(path, 'utf8'), text);
    for (let build = 0; build < 6; build++) {
      installLauncher({ ...installer, version: `3.0.${build}`, dist: dist(`build ${build}`, `console.log("3.0.${build}")`) });
    }
    ok(programs().length <= 4 && programs().some((name) => name.startsWith('3.0.5-')), programs().join());
    tryLauncher(path, process.env);
  });

  it('remembers the Node and the editor, in either order', () => {
    installLauncher(installer);
    const editor = join(root, 'editor');
    writeFileSync(editor, '');
    installLauncher({ ...installer, electron: true, execPath: editor });
    deepEqual([record().node, record().editor], [process.execPath, editor]);
    rmSync(editor);
    installLauncher(installer);
    deepEqual([record().node, record().editor], [process.execPath, undefined]);
  });

  it('says what is wrong, before an entry names it', () => {
    throws(() => installLauncher({ ...installer, dist: join(root, 'nowhere') }), /cli\.cjs is missing: install MCP Shepherd again/);
    const broken = installLauncher({ ...installer, dist: dist('broken', 'throw new Error("no good")') });
    throws(() => tryLauncher(broken, process.env), /does not work on this machine/);
  });
});
