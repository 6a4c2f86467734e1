import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { UpgradePlan } from '../../../../src/action/plan/upgradePlan.ts';
import { versionsText } from '../../../../src/extension/display/instanceText.ts';
import { upgradePicks, upgradeQuestion } from '../../../../src/extension/display/upgradeText.ts';
import { finding, here, instance, snapshot } from '../samples.ts';

const own = { ecosystem: 'npm', name: 'notes', root: '/srv/shop', running: '1.0.0', installed: '1.0.0', latest: '1.2.0' } as const;
const server = instance({
  package: own,
  findings: [finding({ kind: 'update-available', confidence: 'proven', actions: [{ kind: 'upgrade', argv: ['npm', 'i'] }] })],
});
const plan: UpgradePlan = {
  argv: ['npm', 'install', '--prefix', '/srv/my shop', 'notes@1.2.0'],
  command: 'npm install --prefix "/srv/my shop" notes@1.2.0',
  cwd: '/work',
  packageName: 'notes',
  from: '1.0.0',
  to: '1.2.0',
  instances: [server],
  order: 'upgrade-first',
};

describe('What is said of an upgrade', () => {
  it('lets no line break or control character into the question', () => {
    const hostile = { ...plan, packageName: 'a\nb\u001b[31m', command: 'npm "a\u0007b\n\nc"' };
    const { message, detail } = upgradeQuestion(hostile, undefined, here);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that none is there is the point
    assert.doesNotMatch(message + detail.replaceAll('\n', ''), /[\u0000-\u001f]/);
  });

  it('names the newer version on the row, and each installation once in the list', () => {
    assert.equal(versionsText(server), 'runs 1.0.0, 1.2.0 available');
    const copy = { ...server, id: 'another' };
    const picks = upgradePicks(snapshot({ instances: [server, copy, instance({ id: 'current' })] }), here);
    assert.equal(picks.length, 1);
    assert.equal(picks[0]?.description, '1.0.0 → 1.2.0');
  });
});
