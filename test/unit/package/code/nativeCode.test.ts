import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import type { MappedPiece } from '../../../../src/model/process.ts';
import { type ElfSegment, layoutFits, parseElf } from '../../../../src/package/code/nativeCode.ts';

const segments: ElfSegment[] = [
  { executable: false, offset: 0, length: 0x500 },
  { executable: true, offset: 0x1000, length: 0x2100 },
  { executable: false, offset: 0x3e00, length: 0x280 },
];
const piece = (offset: number, length: number, executable = false): MappedPiece => ({ offset, length, executable });
const mapped = [piece(0, 0x1000), piece(0x1000, 0x3000, true), piece(0x3000, 0x2000)];

describe('the layout of native code', () => {
  it('fits the file it came from, also when the loader has split a piece', () => {
    assert.ok(layoutFits(mapped, segments));
    assert.ok(layoutFits([...mapped.slice(0, 2), piece(0x3000, 0x1000), piece(0x4000, 0x1000)], segments));
    assert.ok(layoutFits([piece(0, 0x1000), piece(0x1000, 0x1000, true), piece(0x2000, 0x2000, true), piece(0x3000, 0x2000)], segments));
  });

  it('does not fit a file of another length, or with other code', () => {
    assert.ok(!layoutFits(mapped, [...segments.slice(0, 2), { executable: false, offset: 0x5e00, length: 0x280 }]));
    assert.ok(
      !layoutFits(mapped, [segments[0] as ElfSegment, { executable: true, offset: 0x1000, length: 0x1100 }, segments[2] as ElfSegment]),
    );
  });

  it('is read from real programs, and from nothing else', function () {
    if (process.platform !== 'linux') {
      console.log('skipped: programs are ELF files on Linux');
      this.skip();
    }
    const real = parseElf(readFileSync(process.execPath).subarray(0, 16_384));
    assert.ok((real?.length ?? 0) >= 2 && real?.some((segment) => segment.executable && segment.length > 100_000));
    assert.equal(parseElf(Buffer.from('#!/bin/sh\n')), undefined);
    assert.equal(parseElf(Buffer.alloc(100)), undefined);
    assert.equal(parseElf(Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]), Buffer.alloc(90, 0xff)])), undefined);
  });
});
