import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ignoreKey, restartableWhenIdle } from '../../../../src/extension/display/attention.ts';
import type { Instance } from '../../../../src/model/snapshot.ts';
import { claude, finding, here, snapshot, stale } from '../samples.ts';

const upgraded = { ...stale().package, running: '1.0.0', installed: '1.1.0', direction: 'upgrade' } as Instance['package'];
const idle = (changes: Partial<Instance> = {}): Instance => stale({ idleSince: '2026-11-21T10:00:00Z', package: upgraded, ...changes });

describe('A restart of what is stale and idle', () => {
  const ids = (instance: Instance, facts = here) => restartableWhenIdle(snapshot({ instances: [instance] }), facts).map(({ pid }) => pid);

  it('is for servers of this window that were upgraded and do nothing', () => {
    assert.deepEqual(ids(idle()), [4711]);
    const launcher = { pid: 9, kind: 'npx', identity: 'boot:1:9:lx:1' } as unknown as Instance['launchers'][number];
    assert.deepEqual(ids(idle({ launchers: [launcher], tree: [4711, 9] })), [4711]);
  });

  it('is for nothing where something could be lost, or that a person has to decide', () => {
    const { idleSince: _idleSince, ...working } = idle();
    const newer = { name: 'zod', running: '4', installed: '3', direction: 'downgrade' } as const;
    const cases: Record<string, Instance> = {
      'it works': working,
      'of another client': idle({ client: claude }),
      'a guard decides': idle({ guarded: true }),
      'a child process': idle({ tree: [4711, 4712] }),
      'a dependency that went back': idle({ changedDependencies: [newer] }),
      'installed again': idle({ package: stale().package, findings: [finding({ subKind: 'content' })] }),
      'likely only': idle({ findings: [finding({ confidence: 'likely' })] }),
    };
    for (const [reason, instance] of Object.entries(cases)) {
      assert.deepEqual(ids(instance), [], reason);
    }
    assert.deepEqual(ids(idle(), { ...here, trusted: false }), [], 'Restricted Mode');
    const ignored = [ignoreKey(finding(), { instance: idle(), name: 'everything' })];
    assert.deepEqual(ids(idle(), { ...here, choices: { ...here.choices, ignored } }), [], 'ignored');
  });
});
