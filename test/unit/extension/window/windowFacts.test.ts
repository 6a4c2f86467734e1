import { equal, ok } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { isRestartable, localRoute } from '../../../../src/extension/window/windowFacts.ts';
import type { ServerRecord } from '../../../../src/model/snapshot.ts';
import { here, instance, snapshot } from '../samples.ts';

const record: ServerRecord = {
  id: 'a'.repeat(32),
  serverId: 'everything',
  state: 'running',
  exclusion: 'flock',
  locks: [],
  control: ['status', 'restart', 'stop'],
  guardPid: 9,
};

describe('localRoute', () => {
  it('A29: a guarded server is restarted with one click from every window, also one of a client that never restarts any', () => {
    const claude = { id: 'claude-code', name: 'Claude Code', pid: 7, identity: 'boot:1:7:lx:1' } as const;
    for (const client of [instance().client, claude]) {
      const guarded = instance({ client, record });
      const seen = snapshot({ instances: [guarded] });
      for (const facts of [here, { ...here, pid: 999 }, { ...here, trusted: false }]) {
        const route = localRoute(guarded, seen, facts);
        ok(route.kind === 'elsewhere' && route.askable && /its guard \(PID 9\)/.test(route.step), JSON.stringify(route));
        ok(isRestartable(guarded, seen, facts));
        equal(route.route.kind, 'control', 'the plan gets the route that was decided here');
      }
    }
    // The control: without a guard only the person at that client can.
    const bare = instance({ client: claude });
    ok(!isRestartable(bare, snapshot({ instances: [bare] }), here));
  });

  it('leaves stopping to the window that runs it', () => {
    const guarded = instance({ record });
    const seen = snapshot({ instances: [guarded] });
    equal(localRoute(guarded, seen, here, 'stop').kind, localRoute(instance(), snapshot({ instances: [instance()] }), here, 'stop').kind);
  });
});
