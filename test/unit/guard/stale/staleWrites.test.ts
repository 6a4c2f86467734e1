import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { type StaleWriteSummary, StaleWrites } from '../../../../src/guard/stale/staleWrites.ts';
import { until } from '../../../until.ts';

describe('writing calls to stale code', () => {
  it('are counted, with the names of at most 16 tools and the first and the newest time, and reported together', async () => {
    const reports: StaleWriteSummary[] = [];
    const writes = new StaleWrites((summary) => reports.push(summary));
    assert.equal(writes.summary, undefined);
    for (let index = 0; index < 20; index += 1) {
      writes.note(`tool${index}\n${'x'.repeat(100)}`, index);
    }
    writes.note('tool0\n'.padEnd(106, 'x'), 21);
    await until('the report', () => reports.length > 0);
    const [{ calls, from, to, tools } = { calls: 0, from: '', to: '', tools: [] }] = reports;
    assert.deepEqual([calls, Date.parse(from), Date.parse(to), tools.length, tools[0]?.calls], [21, 0, 21, 16, 2]);
    assert.ok(tools.every(({ name }) => name.length <= 64 && !name.includes('\n')));
    assert.equal(reports.length, 1);
  });
});
