import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { MappedCode } from '../../../../src/process/linux/mappedCode.ts';
import { kernelProcFs } from '../../../../src/process/linux/procFs.ts';
import { type ProcStat, parseProcStat } from '../../../../src/process/linux/procStat.ts';

const lib = '/usr/lib/libx.so.1';
const addon = '/p/x.node';
const line = (path: string): string => `7f00-8f00 r-xp 00000000 08:01 42                 ${path}`;

describe('MappedCode', () => {
  let maps: string[];
  let inodes: Map<string, number>;
  let reads: number;
  let mapped: MappedCode;

  const stat = ({ start = 1_000, faults = 7, bytes = 4_096 } = {}): ProcStat => {
    const parsed = parseProcStat(`12 (x) S 1 1 1 0 -1 4194304 ${faults} 0 0 0 0 0 0 0 20 0 1 0 ${start} ${bytes} 10 0\n`);
    assert.ok(parsed);
    return parsed;
  };
  const look = (counts = {}, ours = true): string[] =>
    mapped
      .deleted('/proc/12', 12, stat(counts), ours, (path) => {
        const inode = inodes.get(path);
        return inode === undefined ? undefined : { device: 1, inode, size: 1 };
      })
      .deleted.map(({ path }) => path);

  beforeEach(() => {
    maps = [lib, addon];
    inodes = new Map([
      [lib, 1],
      [addon, 2],
    ]);
    reads = 0;
    mapped = new MappedCode({
      ...kernelProcFs,
      read: () => {
        reads += 1;
        return { text: `${maps.map(line).join('\n')}\n`, cut: false };
      },
    });
    assert.deepEqual(look(), []);
    assert.deepEqual(look(), []);
    assert.equal(reads, 2, 'once more for the numbers of the files');
  });

  it('does not read again what has faulted nothing in and whose files are the same', () => {
    assert.deepEqual([look(), look(), reads], [[], [], 2]);
  });

  it('reads again when a file is another one or has gone, and remembers that', () => {
    maps = [lib, `${addon} (deleted)`];
    inodes.set(addon, 3);
    assert.deepEqual([look(), reads], [[addon], 3]);
    assert.deepEqual([look(), reads], [[addon], 4]);
    assert.deepEqual([look(), reads], [[addon], 4]);
    maps = [`${lib} (deleted)`, `${addon} (deleted)`];
    inodes.delete(lib);
    assert.deepEqual([look(), reads], [[lib, addon], 5]);
  });

  it('reads again after a page fault, with another size, for another process under the PID, and for one that sees other files', () => {
    maps.push('/p/late.node (deleted)');
    for (const [index, counts] of [{ faults: 8 }, { faults: 8, bytes: 8_192 }, { faults: 8, bytes: 8_192, start: 2_000 }].entries()) {
      assert.deepEqual(look(counts), ['/p/late.node']);
      assert.equal(reads, 3 + index);
    }
    look({}, false);
    look({}, false);
    look({}, false);
    assert.equal(reads, 8);
  });

  it('does not believe numbers that were taken when the mapped file was already another one', () => {
    // Between the first reading and the numbers it was replaced: the second reading says so.
    mapped.keep(() => false);
    look();
    inodes.set(addon, 3);
    maps = [lib, `${addon} (deleted)`];
    assert.deepEqual([look(), look(), look()], [[addon], [addon], [addon]]);
  });

  it('forgets who is gone, and what may not be read', () => {
    mapped.keep((pid) => pid !== 12);
    look();
    assert.equal(reads, 3);
  });
});
