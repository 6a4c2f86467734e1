import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { chmodSync, linkSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { checkReplaceable, readEditable, replaceText } from '../../../../src/action/protect/editableFile.ts';
import { EditRefused } from '../../../../src/config/formats/commandEdits.ts';
import { Tree } from '../../config/tree.ts';

describe('editableFile', () => {
  let tree: Tree;
  beforeEach(() => {
    tree = new Tree();
  });
  afterEach(() => tree.remove());

  const refused = (work: () => unknown, why: RegExp) => throws(work, (error) => error instanceof EditRefused && why.test(error.message));

  it('keeps mode, byte order mark and encoding, and leaves nothing beside the file', () => {
    const file = tree.write('home/a.json', '\ufeff{ "ü": 1 }\r\n');
    chmodSync(file, 0o644);
    replaceText(readEditable(file), '{ "ü": 2 }\r\n');
    equal(readFileSync(file, 'utf8'), '\ufeff{ "ü": 2 }\r\n');
    equal(statSync(file).mode & 0o777, 0o644);
    const wide = tree.write('home/b.json', '');
    writeFileSync(wide, Buffer.from('\ufeff{}', 'utf16le'));
    equal(readEditable(wide).text, '{}');
    replaceText(readEditable(wide), '{ }');
    equal(readFileSync(wide, 'utf16le'), '\ufeff{ }');
    deepEqual(readdirSync(tree.home).sort(), ['a.json', 'b.json', 'work']);
  });

  it('replaces what a link leads to, not the link', () => {
    const real = tree.write('dotfiles/a.json', '{}');
    const link = join(tree.home, 'a.json');
    symlinkSync('../dotfiles/a.json', link);
    replaceText(readEditable(link), '{ "a": 1 }');
    equal(readlinkSync(link), '../dotfiles/a.json');
    equal(readFileSync(real, 'utf8'), '{ "a": 1 }');
  });

  it('does not overwrite what another program has written since the file was read', () => {
    const file = tree.write('home/a.json', '{}');
    const seen = readEditable(file);
    writeFileSync(file, '{ "new": 1 }');
    refused(() => replaceText(seen, '{ "a": 1 }'), /changed/);
    equal(readFileSync(file, 'utf8'), '{ "new": 1 }');
    ok(readdirSync(tree.home).every((name) => !name.endsWith('.tmp')));
    const moved = readEditable(file);
    const other = tree.write('home/other.json', '{ "new": 1 }');
    writeFileSync(file, '');
    chmodSync(file, 0o600);
    refused(() => replaceText({ ...moved, path: other }, '{}'), /changed/);
  });

  it('refuses what it could not put back as it was', () => {
    const file = tree.write('home/a.json', '{}');
    chmodSync(file, 0o444);
    refused(() => checkReplaceable(readEditable(file)), /read-only/);
    const linked = tree.write('home/b.json', '{}');
    linkSync(linked, join(tree.home, 'c.json'));
    refused(() => checkReplaceable(readEditable(linked)), /2 hard links/);
    const latin = tree.write('home/d.json', '');
    writeFileSync(latin, Buffer.from([0x7b, 0x22, 0xe9, 0x22, 0x7d]));
    refused(() => readEditable(latin), /UTF-8/);
    mkdirSync(join(tree.home, 'folder.json'));
    refused(() => readEditable(join(tree.home, 'folder.json')), /regular file/);
    refused(() => readEditable(join(tree.home, 'none.json')), /no longer exists/);
  });
});
