import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Snapshot, snapshotSchema } from '../../../src/model/snapshot.ts';
import { publishedReader, publishSnapshot, withdrawSnapshot } from '../../../src/survey/publishedSnapshot.ts';

describe('what the scanning window publishes', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'scanner-file-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const by = { bootId: 'b', pidNamespace: '1', pid: 5, start: 'lx:5' };
  const publish = (at: string): void => {
    const snapshot: Snapshot = { schema: snapshotSchema, at, clients: [], definitions: [], instances: [], problems: [] };
    publishSnapshot(folder, { by, version: '1', snapshot });
  };

  it('is parsed once, again when there is something new, and gone when it is withdrawn', () => {
    const read = publishedReader(folder, '1');
    assert.equal(read(), undefined);
    publish('one');
    const first = read();
    assert.equal(first?.snapshot.at, 'one');
    assert.equal(read(), first, 'the same object: not parsed again');
    publish('two');
    assert.equal(read()?.snapshot.at, 'two', 'same size, a moment later');
    withdrawSnapshot(folder);
    assert.equal(read(), undefined);
    publish('new');
    assert.equal(read()?.snapshot.at, 'new');
  });

  it('is no longer shown when the file is broken', () => {
    const read = publishedReader(folder, '1');
    publish('one');
    assert.ok(read());
    writeFileSync(join(folder, 'snapshot.json'), '{');
    assert.equal(read(), undefined);
  });
});
