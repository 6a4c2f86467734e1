import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programRefusal, readEnsureSetting } from '../../../../src/cli/session/ensureSetting.ts';

const stranger = 12_345;

describe('mcp-shepherd.json', () => {
  let above: string;
  let folder: string;

  before(function () {
    if (process.platform === 'win32') {
      this.skip();
    }
    above = mkdtempSync(join(tmpdir(), 'ensure-setting-'));
    folder = join(above, 'project');
    mkdirSync(folder);
    writeFileSync(join(folder, 'mcp-shepherd.json'), '{"servers": {"notes": {"command": "node", "args": ["server.js"]}}}', { mode: 0o600 });
  });
  after(() => above && rmSync(above, { recursive: true }));
  afterEach(() => {
    for (const path of [above, folder]) {
      chmodSync(path, 0o755);
      if (process.getuid?.() === 0) {
        chownSync(path, 0, 0);
      }
    }
  });

  const read = () => readEnsureSetting([folder], 'notes')?.command;

  it('is not used from a folder in which another user can put the program that it starts', () => {
    assert.equal(read(), 'node', 'the control: a folder of this user');
    for (const [path, mode] of [
      [folder, 0o777],
      [folder, 0o1777],
      [above, 0o777],
    ] as const) {
      chmodSync(path, mode);
      assert.throws(read, /can be written by all users/, `${path} ${mode.toString(8)}`);
      chmodSync(path, 0o755);
    }
    chmodSync(above, 0o1777);
    assert.equal(read(), 'node', 'the sticky bit: no other user can replace the folder');
  });

  it('is not used from a folder of another user, also where the file belongs to this one', function () {
    if (process.getuid?.() !== 0) {
      this.skip();
    }
    for (const path of [folder, above]) {
      chownSync(path, stranger, stranger);
      assert.throws(read, /belongs to user 12345/, path);
      chownSync(path, 0, 0);
    }
    assert.equal(read(), 'node', 'the control');
  });

  it('starts nothing that another user can replace: in a working directory, a program or a script elsewhere', () => {
    const shared = join(above, 'shared');
    mkdirSync(shared);
    chmodSync(shared, 0o1777);
    const program = join(shared, 'server.js');
    writeFileSync(program, '', { mode: 0o755 });
    const own = join(folder, 'server.js');
    writeFileSync(own, '', { mode: 0o755 });
    const setting = {
      file: join(folder, 'mcp-shepherd.json'),
      command: 'node',
      args: ['server.js', join(shared, 'notes.log')],
      cwd: folder,
    };
    assert.equal(programRefusal(setting), undefined, 'the control');
    const open = /shared can be written by all users/;
    assert.match(programRefusal({ ...setting, cwd: shared }) ?? '', open);
    assert.match(programRefusal({ ...setting, command: program }) ?? '', open);
    assert.match(programRefusal({ ...setting, args: ['../shared/server.js'] }) ?? '', open);
    for (const script of [`--require=${program}`, `file://${program}`, `--import=file://${program}`, join(shared, 'later.mjs')]) {
      assert.match(programRefusal({ ...setting, args: [script] }) ?? '', open, script);
    }
    rmSync(own);
    symlinkSync(program, own);
    assert.match(programRefusal(setting) ?? '', open, 'by a link');
    chmodSync(shared, 0o755);
    assert.equal(programRefusal(setting), undefined);
    chmodSync(program, 0o757);
    assert.match(programRefusal(setting) ?? '', /server\.js can be written by all users/);
    if (process.getuid?.() === 0) {
      chmodSync(program, 0o755);
      chownSync(program, stranger, stranger);
      assert.match(programRefusal(setting) ?? '', /server\.js belongs to user 12345/);
    }
  });
});
