import { equal, notEqual } from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, it } from 'mocha';
import type { Pending } from '../../../../src/guard/process/serverProcess.ts';
import { IdleCollector, restMs } from '../../../../src/guard/stdio/callMonitor.ts';
import { collectAll } from '../../../../src/guard/stdio/memoryUse.ts';

const pending: Pending = { method: 'tools/call', since: 0 };

describe('Memory of a guard at rest', () => {
  it('is collected once when the calls have come to rest, and again after the next ones', () => {
    let collected = 0;
    const memory = new IdleCollector(() => {
      collected += 1;
    });
    const link = { usedAt: 1_000, inFlight: new Map<number, Pending>(), listening: new Set<number>() };
    memory.check(undefined, 9_000);
    memory.check(link, 1_000 + restMs - 1);
    equal(collected, 0, 'not while calls may follow');
    memory.check(link, 1_000 + restMs);
    memory.check(link, 90_000);
    equal(collected, 1);
    link.usedAt = 95_000;
    memory.check(link, 96_000);
    memory.check({ ...link, inFlight: new Map([[7, pending]]) }, 200_000);
    equal(collected, 1, 'not while a call is in flight');
    memory.check({ ...link, inFlight: new Map([[7, pending]]), listening: new Set([7]) }, 200_000);
    equal(collected, 2, 'a subscription is no call');
  });

  it('is really given back', async () => {
    const kept = new WeakRef({ text: 'x' });
    const control = new WeakRef({ text: 'y' });
    const held = control.deref();
    // A weak reference keeps its target until the current job is done.
    await nextTurn();
    await collectAll();
    equal(kept.deref(), undefined);
    notEqual(control.deref(), undefined, 'what is in use stays');
    equal(held?.text, 'y');
  });
});
