import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { announcements, type NotificationKind, notifiesNow, ownerFirstMs } from '../../../../src/extension/display/announcements.ts';
import { attentions } from '../../../../src/extension/display/attention.ts';
import type { UserChoices } from '../../../../src/extension/window/windowFacts.ts';
import { claude, finding, here, instance, snapshot, stale } from '../samples.ts';

const of = (...instances: ReturnType<typeof stale>[]) => announcements(snapshot({ instances }), here, ['stale']);

describe('The notification of an upgrade', () => {
  it('is one for all copies that the upgrade left behind', () => {
    const all = of(stale(), stale({ pid: 2, client: claude }), instance({ pid: 3 }));
    assert.equal(all.length, 1);
    assert.deepEqual(
      all[0]?.instances.map((item) => item.pid),
      [4711, 2],
    );
  });

  it('is none for servers that the user has muted or ignores', () => {
    const two = snapshot({ instances: [stale(), stale({ pid: 2, name: 'notes', definitions: [], client: claude })] });
    const pids = (choices: Partial<UserChoices>) =>
      announcements(two, { ...here, choices: { ...here.choices, ...choices } }, ['stale']).flatMap(({ instances }) =>
        instances.map(({ pid }) => pid),
      );
    assert.deepEqual([pids({ muted: ['d1'] }), pids({ muted: ['notes'] }), pids({ muted: ['everything'] })], [[2], [4711], [4711, 2]]);
    const [item] = attentions(two, here);
    assert.deepEqual(pids({ ignored: [item?.key ?? ''] }), [2]);
  });

  it('is another one for another version, environment or dependency', () => {
    const own = stale().package;
    assert.ok(own);
    const all = of(
      stale(),
      stale({ pid: 2, package: { ...own, installed: '1.2.0' } }),
      stale({ pid: 3, package: { ...own, root: '/elsewhere' } }),
      stale({ pid: 4, changedDependencies: [{ name: 'zod', running: '3', installed: '4', direction: 'upgrade' }] }),
    );
    assert.equal(new Set(all.map((one) => one.key)).size, 4);
  });

  it('has the same key in every window, and after a restart of the editor', () => {
    assert.equal(of(stale())[0]?.key, of(stale({ pid: 9, client: claude, startedAt: '2026-01-01T00:00:00Z' }))[0]?.key);
  });

  it('is not made of duplicates, orphans, or what is unknown', () => {
    assert.deepEqual(of(instance({ findings: [finding({ kind: 'duplicate' }), finding({ confidence: 'unknown' })] })), []);
  });

  it('comes at once in the window that runs the server, else in the focused one, after the owner had its chance', () => {
    const [own] = of(stale());
    const [foreign] = of(stale({ client: claude }));
    assert.ok(own && foreign);
    assert.equal(notifiesNow(own, here, false, 0), true);
    assert.equal(notifiesNow(foreign, here, true, ownerFirstMs - 1), false);
    assert.equal(notifiesNow(foreign, here, true, ownerFirstMs), true);
    assert.equal(notifiesNow(foreign, here, false, 60_000), false);
  });

  it('is made of the kinds that the user has chosen: one for all copies of an entry under one client, none for what is unknown', () => {
    const duplicate = finding({ kind: 'duplicate', confidence: 'likely' });
    const instances = [
      stale({ findings: [finding(), duplicate] }),
      instance({ pid: 2, findings: [duplicate] }),
      instance({ pid: 3, client: claude, findings: [duplicate] }),
      instance({ pid: 4, client: null, findings: [finding({ kind: 'orphan' })] }),
      instance({ pid: 5, client: null, findings: [finding({ kind: 'orphan', confidence: 'unknown' })] }),
    ];
    const pids = (...kinds: NotificationKind[]) =>
      announcements(snapshot({ instances }), here, kinds).map((one) => [one.finding.kind, ...one.instances.map(({ pid }) => pid)]);
    assert.deepEqual(pids(), []);
    assert.deepEqual(pids('stale'), [['stale', 4711]]);
    assert.deepEqual(pids('copies'), [
      ['duplicate', 4711, 2],
      ['duplicate', 3],
    ]);
    assert.deepEqual(pids('stale', 'copies', 'orphans'), [
      ['stale', 4711],
      ['duplicate', 2],
      ['duplicate', 3],
      ['orphan', 4],
    ]);
  });
});
