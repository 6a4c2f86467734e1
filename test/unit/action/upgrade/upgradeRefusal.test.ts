import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { upgradePlan } from '../../../../src/action/plan/upgradePlan.ts';
import { upgradeRefusal } from '../../../../src/action/upgrade/upgradeRefusal.ts';
import type { Instance } from '../../../../src/model/snapshot.ts';
import { assertNames } from '../../../names.ts';
import { finding, instance, snapshot } from '../../extension/samples.ts';

const own = { ecosystem: 'npm', name: 'notes', root: '/srv/shop', running: '1.0.0', installed: '1.0.0', latest: '1.1.0' } as const;
const argv = ['npm', 'install', '--prefix', '/srv/shop', 'notes@1.1.0'];
const update = finding({ kind: 'update-available', confidence: 'proven', actions: [{ kind: 'upgrade', argv }] });

function refusal(changes: Partial<Instance>, platform: NodeJS.Platform = 'linux') {
  const one = instance({ package: own, findings: [update], ...changes });
  return upgradeRefusal(one, upgradePlan(one, snapshot({ instances: [one] }), platform), platform);
}

describe('upgradeRefusal', () => {
  it('lets a known command for a newer version pass', () => assert.equal(refusal({}), undefined));

  it('tells the newest version from an unknown one, and from one that only needs a restart', () => {
    assert.equal(refusal({ findings: [], package: { ...own, latest: '1.0.0' } })?.kind, 'current');
    const { latest: _, ...unknown } = own;
    assert.equal(refusal({ findings: [], package: unknown })?.kind, 'refused');
    assert.equal(refusal({ findings: [], package: { ...own, installed: '1.1.0' } })?.kind, 'yours');
    assert.equal(refusal({ findings: [], package: null })?.kind, 'refused');
  });

  for (const [root, launcher] of [
    ['/home/ada/.npm/_npx/15b07286cbcc3329', 'npx'],
    ['/home/ada/.cache/uv/archive-v0/abc', 'uvx'],
    ['/home/ada/.cache/pnpm/dlx/abc/def', 'pnpm dlx'],
    ['/tmp/bunx-0-notes@latest', 'bunx'],
  ]) {
    it(`refuses what ${launcher} starts from its cache, and names the entry as the place`, () => {
      const { kind, message } = refusal({ package: { ...own, root: root ?? '' } }) ?? {};
      assert.equal(kind, 'refused');
      assertNames(message, String(launcher), 'notes@1.1.0');
    });
  }

  it('says the step where no single command does it, and leaves Windows to the user', () => {
    const words = { ...update, actions: [{ kind: 'manual', step: 'Upgrade it in conda.' }] as const };
    assertNames(refusal({ findings: [words] })?.message, 'Upgrade it in conda.');
    assert.equal(refusal({}, 'win32')?.kind, 'yours');
  });
});
