import { deepEqual } from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { readBounded } from '../../../src/storage/boundedFile.ts';

describe('readBounded', () => {
  it('leaves out a byte order mark, and only at the start', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bounded-'));
    try {
      const text = (content: string): unknown => {
        writeFileSync(join(folder, 'x'), content);
        const read = readBounded(join(folder, 'x'));
        return read.status === 'ok' ? read.text : read.status;
      };
      deepEqual([text('\ufeff{}'), text('{}'), text('{}\ufeff'), text('')], ['{}', '{}', '{}\ufeff', '']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
