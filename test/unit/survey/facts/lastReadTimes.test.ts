import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { stateFolder } from '../../../../src/storage/stateFolder.ts';
import { LastReadTimes } from '../../../../src/survey/facts/lastReadTimes.ts';
import { row } from '../../../fixtures/argv/processRows.ts';

const { identity } = row(12, 11, ['node', 'server']);
const servers = [{ identity, tree: [12] }];

describe('QuietTimes', () => {
  let runDir: string;
  let readBytes: number;
  const make = (): LastReadTimes => new LastReadTimes(runDir, () => ({ cpuMs: 5, readBytes }));
  const files = (): string[] => readdirSync(folder()).filter((name) => name.endsWith('.quiet.json'));
  const folder = (): string => stateFolder(runDir, 'facts');

  beforeEach(() => {
    runDir = mkdtempSync(join(tmpdir(), 'quiet-'));
    readBytes = 10;
  });
  afterEach(() => rmSync(runDir, { recursive: true, force: true }));

  it('remembers a record no longer than its file stays: another observer may have written a later one', () => {
    const mine = make();
    mine.note(servers, 1_000_000);
    assert.equal(mine.since(identity, { cpuMs: 5, readBytes: 10 })?.since, 1_000_000);
    readBytes = 20;
    make().note(servers, 2_000_000);
    assert.equal(mine.since(identity, { cpuMs: 5, readBytes: 20 })?.since, 2_000_000);
    assert.equal(mine.since(identity, { cpuMs: 5, readBytes: 10 }), undefined);
  });

  it('writes it again when it was cleared away', () => {
    const mine = make();
    mine.note(servers, 1_000_000);
    const [name = ''] = files();
    rmSync(join(folder(), name));
    assert.equal(mine.since(identity, { cpuMs: 5, readBytes: 10 }), undefined);
    mine.note(servers, 1_060_000);
    assert.deepEqual(files(), [name]);
    assert.equal(mine.since(identity, { cpuMs: 5, readBytes: 10 })?.since, 1_060_000);
  });
});
