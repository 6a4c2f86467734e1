// Packs that a stranger may have written: what they cost is bounded. Counted in bytes of work, not in time.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { GitObjects } from '../../../../src/package/code/gitObjects.ts';
import { applyDelta, WorkLimit } from '../../../../src/package/code/gitPack.ts';

const mib = 1024 * 1024;
const commitId = 'c'.repeat(40);
const blobId = 'b'.repeat(40);
/** A tree with one file, filled up with a long name. */
const treeOf = (bytes: number): Buffer =>
  Buffer.concat([
    Buffer.from('100644 entry.js\0'),
    Buffer.from(blobId, 'hex'),
    Buffer.from(`100644 ${'x'.repeat(bytes - 64)}\0`),
    Buffer.alloc(20, 1),
  ]);

/** A number of a delta: seven bits a byte, the lowest first. */
function size(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 0x80, ...size(Math.floor(value / 128))];
}

/** A delta that copies the whole base, in pieces of at most 64 KiB. */
function copyOf(length: number): Buffer {
  const steps: number[] = [];
  for (let at = 0; at < length; at += 0xffff) {
    const part = Math.min(0xffff, length - at);
    steps.push(0xbf, at & 255, (at >> 8) & 255, (at >> 16) & 255, (at >> 24) & 255, part & 255, part >> 8);
  }
  return Buffer.from([...size(length), ...size(length), ...steps]);
}

function header(type: number, length: number): Buffer {
  const bytes = [(type << 4) | (length % 16)];
  for (let rest = Math.floor(length / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 0x80;
    bytes.push(rest % 128);
  }
  return Buffer.from(bytes);
}

function backBy(distance: number): Buffer {
  const bytes = [distance % 128];
  for (let rest = Math.floor(distance / 128); rest > 0; rest = Math.floor(rest / 128)) {
    rest -= 1;
    bytes.unshift((rest % 128) | 0x80);
  }
  return Buffer.from(bytes);
}

describe('a git pack that a stranger wrote', () => {
  let root = '';
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'git-pack-'));
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  /** A repository whose only commit has a tree in a pack: a base, and deltas of each other. @returns its `objects` folder */
  function repository(name: string, base: Buffer, deltas: readonly Buffer[]): string {
    const folder = join(root, name);
    mkdirSync(join(folder, 'pack'), { recursive: true });
    mkdirSync(join(folder, commitId.slice(0, 2)));
    const treeId = 'd'.repeat(40);
    const commit = Buffer.from(`tree ${treeId}\n`);
    writeFileSync(
      join(folder, commitId.slice(0, 2), commitId.slice(2)),
      deflateSync(Buffer.concat([Buffer.from(`commit ${commit.length}\0`), commit])),
    );
    const objects = [Buffer.concat([header(2, base.length), deflateSync(base)])];
    for (const delta of deltas) {
      objects.push(Buffer.concat([header(6, delta.length), backBy(objects.at(-1)?.length ?? 0), deflateSync(delta)]));
    }
    const at = objects.slice(0, -1).reduce((sum, { length }) => sum + length, 12);
    writeFileSync(join(folder, 'pack', 'p.pack'), Buffer.concat([Buffer.alloc(12), ...objects]));
    const index = Buffer.alloc(8 + 1_024 + 20 + 4 + 4);
    index.writeUInt32BE(0xff744f63, 0);
    index.writeUInt32BE(2, 4);
    for (let first = 0xdd; first < 256; first += 1) {
      index.writeUInt32BE(1, 8 + first * 4);
    }
    index.write(treeId, 8 + 1_024, 'hex');
    index.writeUInt32BE(at, 8 + 1_024 + 24);
    writeFileSync(join(folder, 'pack', 'p.idx'), index);
    return folder;
  }

  it('control: a chain of deltas is read', () => {
    const base = treeOf(100_000);
    const folder = repository('chain', base, [copyOf(base.length), copyOf(base.length), copyOf(base.length)]);
    const work = new WorkLimit();
    assert.equal(new GitObjects(folder, work).contentAt(commitId, 'entry.js'), blobId);
    assert.ok(work.spent > 4 * base.length && work.spent < 6 * base.length, `${work.spent}`);
  });

  it('has no step 0 in a delta: git calls that an error', () => {
    const base = Buffer.from('abc');
    const [from, to] = [size(3), size(3)];
    assert.equal(applyDelta(base, Buffer.from([...from, ...to, 0x90, 3])).toString(), 'abc', 'the control');
    assert.throws(() => applyDelta(base, Buffer.from([...from, ...to, 0, 0x90, 3])));
    assert.throws(() => applyDelta(base, Buffer.from([...from, ...to, 0x90, 3, 0, 0])));
  });

  it('makes no more than it says, out of nothing but its base', () => {
    const base = Buffer.from('abc');
    for (const [what, bytes] of Object.entries({
      'more than it says': [...size(3), ...size(2), 0x90, 3],
      'less than it says': [...size(3), ...size(4), 0x90, 3],
      'a copy beyond the base': [...size(3), ...size(4), 0x90, 4],
      'an insertion beyond the delta': [...size(3), ...size(4), 4, 97],
      'of another base': [...size(4), ...size(3), 0x90, 3],
      'more than any object': [...size(3), ...size(17 * mib), 0x90, 3],
    })) {
      assert.throws(() => applyDelta(base, Buffer.from(bytes)), what);
    }
  });

  it('with 16 million empty steps in one delta is not known, at little cost', () => {
    const base = treeOf(100);
    const delta = Buffer.concat([
      Buffer.from([...size(base.length), ...size(base.length)]),
      Buffer.alloc(15 * mib),
      Buffer.from([0x90, base.length]),
    ]);
    const work = new WorkLimit();
    assert.equal(new GitObjects(repository('steps', base, [delta]), work).contentAt(commitId, 'entry.js'), undefined);
    assert.ok(work.spent < 32 * mib, `${work.spent}`);
  });

  it('with a long chain of large objects is not known once the work for it is used up; the next question costs nothing', () => {
    const base = treeOf(8 * mib);
    const folder = repository(
      'large',
      base,
      Array.from({ length: 40 }, () => copyOf(base.length)),
    );
    const work = new WorkLimit();
    const objects = new GitObjects(folder, work);
    assert.equal(objects.contentAt(commitId, 'entry.js'), undefined);
    assert.ok(work.spent < 160 * mib, `${work.spent}`);
    const before = work.spent;
    assert.equal(new GitObjects(folder, work).contentAt(commitId, 'entry.js'), undefined);
    assert.ok(work.spent - before < mib);
  });

  it('with a large folder is searched for many files only until the work is used up', () => {
    const folder = repository('search', treeOf(4 * mib), [copyOf(treeOf(4 * mib).length)]);
    const work = new WorkLimit();
    const objects = new GitObjects(folder, work);
    const found = Array.from({ length: 100 }, (_, at) => objects.contentAt(commitId, `file-${at}.js`));
    assert.equal(found[0], null);
    assert.equal(found.at(-1), undefined);
    assert.ok(work.spent < 140 * mib, `${work.spent}`);
  });
});
