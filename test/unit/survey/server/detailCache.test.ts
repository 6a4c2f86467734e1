import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { identityKey, type ProcessDetail, type ProcessRow } from '../../../../src/model/process.ts';
import { DetailCache } from '../../../../src/survey/server/detailCache.ts';
import { row } from '../../../fixtures/argv/processRows.ts';

const whole: ProcessDetail = { stdin: 'connected', listens: false, missing: [] };

describe('DetailCache', () => {
  let now = 0;
  let read: number[] = [];
  const client = row(10, 1, ['client']);
  const shell = row(11, 10, ['sh']);
  const server = row(12, 11, ['node', 'server']);
  const keys = new Set([client, shell, server].map(({ identity }) => identityKey(identity)));
  const make = (detail = whole): { cache: DetailCache; look: (rows: ProcessRow[], one?: ProcessRow) => Promise<number> } => {
    const cache = new DetailCache(() => now);
    now = 0;
    return {
      cache,
      /** @returns how often the system was asked */
      async look(rows, one = server) {
        read = [];
        const ask = cache.reader(rows, async ({ pid }) => {
          read.push(pid);
          return detail;
        });
        await Promise.all([ask(one), ask(one)]);
        return read.length;
      },
    };
  };

  it('gives the same object for what was read again and is equal, and another for what is not', async () => {
    const cache = new DetailCache(() => now);
    now = 0;
    const environment = (value: string): ProcessDetail => ({ ...whole, environment: new Map([['A', value]]) });
    const look = (value: string) => cache.reader([client, shell, server], async () => environment(value))(server);
    const first = await look('1');
    now = 60_000;
    assert.equal(await look('1'), first);
    now = 120_000;
    assert.deepEqual(await look('2'), environment('2'));
  });

  it('asks once for each process, also over several surveys', async () => {
    const { cache, look } = make();
    assert.equal(await look([client, shell, server]), 1);
    cache.keep(keys, new Set());
    assert.equal(await look([client, shell, server]), 0);
    now = 56_000;
    assert.equal(await look([client, shell, server]), 1, 'a minute is over');
  });

  it('asks again when an ancestor has gone, also behind a launcher, or the words have changed', async () => {
    const { look } = make();
    await look([client, shell, server]);
    assert.equal(await look([shell, server]), 1, 'the client is gone, the shell is still the parent');
    assert.equal(await look([shell, server]), 0);
    const retitled = row(12, 11, ['server:', 'ready']);
    assert.equal(await look([shell, retitled], retitled), 1);
  });

  it('asks each time for servers without an owner, and for what could not be read', async () => {
    const { cache, look } = make();
    await look([server]);
    cache.keep(keys, new Set([identityKey(server.identity)]));
    assert.equal(await look([server]), 1);
    assert.equal(await look([server]), 1);
    const denied = make({ ...whole, missing: ['exe: permission denied'] });
    await denied.look([server]);
    assert.equal(await denied.look([server]), 1);
  });

  it('forgets who is gone', async () => {
    const { cache, look } = make();
    await look([server]);
    cache.keep(new Set(), new Set());
    assert.equal(await look([server]), 1);
  });
});
