import assert from 'node:assert/strict';
import { SleepWatch } from '../../../../src/guard/lazy/sleepWatch.ts';
import type { ServerLink } from '../../../../src/guard/relay/serverLink.ts';
import type { ProcessRow } from '../../../../src/model/process.ts';

const row = (pid: number, ppid: number): ProcessRow => ({
  identity: { bootId: 'b', pidNamespace: 'n', pid, start: `lx:${pid}` },
  pid,
  ppid,
  startedAt: pid,
  startErrorMs: 0,
  name: 'node',
  argv: ['/usr/bin/node', '/srv/index.js'],
  argvExact: true,
  commandLine: '/usr/bin/node /srv/index.js',
  rssBytes: 0,
  state: 'S',
});
const limitMs = 600_000;
const link = { process: { pid: 10 }, isIdle: true, asked: new Map(), listening: new Set(), usedAt: 1_000, hasAsked: false };

describe('an idle server', () => {
  interface Facts {
    readonly link?: Partial<typeof link>;
    readonly at?: number;
    readonly rows?: readonly ProcessRow[];
    readonly subscriptions?: readonly string[];
    readonly hasTasks?: boolean;
    /** Happens while the processes are listed. */
    readonly meanwhile?: (now: typeof link) => void;
  }
  /** What the watch did, after two checks. */
  async function done({ at = 1_000 + limitMs, rows = [row(10, 1)], ...facts }: Facts = {}): Promise<string[]> {
    const did: string[] = [];
    const now = { ...link, ...facts.link };
    let serving: typeof link | undefined = now;
    const watch = new SleepWatch({
      limitMs,
      now: () => at,
      table: {
        list: async () => {
          facts.meanwhile?.(now);
          return rows;
        },
        detail: async () => ({ stdin: 'unknown', listens: 'unknown', missing: [] }),
      },
      serving: () => serving as unknown as ServerLink | undefined,
      memory: { subscriptions: new Map((facts.subscriptions ?? []).map((uri) => [uri, {}])), hasTasks: facts.hasTasks ?? false },
      sleep: () => {
        did.push('sleep');
        serving = undefined;
      },
      onAwake: (why) => did.push(`awake: ${why}`),
    });
    await watch.check();
    await watch.check();
    return did;
  }

  it('sleeps when its time is over, once', async () => {
    assert.deepEqual(await done(), ['sleep']);
    assert.deepEqual(await done({ at: 999 + limitMs }), []);
  });

  it('does not sleep during a call, a question of the guard, or when a call comes while its processes are listed', async () => {
    assert.deepEqual(await done({ link: { isIdle: false } }), []);
    assert.deepEqual(await done({ link: { hasAsked: true } }), []);
    assert.deepEqual(await done({ meanwhile: (now) => Object.assign(now, { isIdle: false }) }), []);
    assert.deepEqual(await done({ meanwhile: (now) => Object.assign(now, { usedAt: 2_000 }) }), []);
  });

  it('stays awake with a child process, a subscription, tasks or an open question, and tells why once', async () => {
    for (const [facts, why] of [
      [{ rows: [row(10, 1), row(11, 10)] }, /PID 11/],
      [{ subscriptions: ['file:///x'] }, /subscriptions/],
      [{ link: { listening: new Set([1] as never[]) } }, /subscriptions/],
      [{ hasTasks: true }, /tasks/],
      [{ link: { asked: new Map([[1, 1]] as never[]) } }, /answer of the client/],
      [{ rows: [] }, /not known/],
    ] as const) {
      const did = await done(facts);
      assert.equal(did.length, 1, did.join());
      assert.match(did[0] ?? '', why);
    }
  });
});
