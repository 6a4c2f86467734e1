import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { serverPicks } from '../../../../src/extension/display/serverPicks.ts';
import { claude, finding, here, instance, now, snapshot, stale } from '../samples.ts';

describe('Restart Server…', () => {
  it('lists stale servers first, those this window can restart before others, then other trouble, then by name', () => {
    const instances = [
      instance({ pid: 1, name: 'zoo' }),
      instance({ pid: 2, name: 'ant' }),
      instance({ pid: 3, name: 'twice', findings: [finding({ kind: 'duplicate' })] }),
      stale({ pid: 4, name: 'elsewhere', client: claude }),
      stale({ pid: 5 }),
      instance({ pid: 6, name: 'aaa', client: claude }),
    ];
    const picks = serverPicks(snapshot({ instances }), here, now);
    assert.deepEqual(
      picks.map((pick) => pick.label),
      ['$(warning) everything', '$(warning) elsewhere', '$(warning) twice', 'ant', 'zoo', 'aaa'],
    );
  });

  it('makes no icon of a name', () => {
    assert.equal(serverPicks(snapshot({ instances: [instance({ name: '$(trash)' })] }), here, now)[0]?.label, '$ (trash)');
  });
});
