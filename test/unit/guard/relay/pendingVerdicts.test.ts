import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { PendingVerdicts } from '../../../../src/guard/relay/pendingVerdicts.ts';
import type { Verdict } from '../../../../src/guard/relay/relayContext.ts';

describe('Calls that wait for a verdict', () => {
  it('are all decided, also those with one id; what is withdrawn is not', async () => {
    const awaited = new PendingVerdicts();
    const decided: string[] = [];
    const settle: ((verdict: Verdict) => void)[] = [];
    for (const [name, id] of [
      ['first', 1],
      ['second', 1],
      ['text', '1'],
      ['gone', 2],
      ['gone too', 2],
    ] as const) {
      awaited.add(id, new Promise((resolve) => settle.push(resolve)), () => decided.push(name));
    }
    equal(awaited.calls.size, 5);
    equal(awaited.withdraw(2), true);
    equal(awaited.withdraw(2), false);
    for (const one of settle) {
      one('pass');
    }
    await new Promise((resolve) => setImmediate(resolve));
    deepEqual(decided, ['first', 'second', 'text']);
    equal(awaited.calls.size, 0);
  });

  it('a decision that fails lets the call pass', async () => {
    const awaited = new PendingVerdicts();
    const verdict = await new Promise((resolve) => awaited.add(1, Promise.reject(new Error('x')), resolve));
    equal(verdict, 'pass');
  });
});
