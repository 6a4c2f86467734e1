import assert from 'node:assert/strict';
import { maxKept, SharedView } from '../../../../src/host/share/sharedView.ts';

const mib = Buffer.alloc(1_048_576, 'x');

describe('a shared server as one of its sessions sees it', () => {
  let left = 0;
  const view = (): SharedView =>
    new SharedView({
      name: '1',
      pid: 1,
      take: () => undefined,
      later: (act) => act(),
      writable: (act) => act(),
      left: () => {
        left += 1;
      },
    });
  beforeEach(() => {
    left = 0;
  });
  async function gets(one: SharedView, count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      one.add(mib);
      await Promise.resolve();
      await Promise.resolve();
    }
  }

  it('a client that does not read is put out when more than 64 MB wait for it', async () => {
    const one = view();
    await gets(one, maxKept / mib.length);
    assert.deepEqual([one.ended, left], [undefined, 0]);
    await gets(one, 1);
    assert.deepEqual([one.ended, left], [{ code: 1, signal: null }, 1]);
  });

  it('a client that reads gets any number of bytes', async () => {
    const one = view();
    let bytes = 0;
    one.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    for (let i = 0; i < 100; i += 1) {
      await gets(one, 1);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual([bytes, one.ended, left], [100 * mib.length, undefined, 0]);
  });
});
