import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { isUpgradable, upgradePlan } from '../../../../src/action/plan/upgradePlan.ts';
import type { Finding } from '../../../../src/model/finding.ts';
import type { Instance, Snapshot } from '../../../../src/model/snapshot.ts';
import { finding, instance, snapshot } from '../../extension/samples.ts';

const argv = ['npm', 'install', '--prefix', '/srv/shop', 'notes@1.2.0'];
const own = { ecosystem: 'npm', name: 'notes', root: '/srv/shop', running: '1.0.0', installed: '1.0.0', latest: '1.2.0' } as const;

function update(changes: Partial<Finding> = {}): Finding {
  return finding({ kind: 'update-available', confidence: 'proven', actions: [{ kind: 'upgrade', argv }], ...changes });
}

function upgradable(id: string, changes: Partial<Instance> = {}): Instance {
  return instance({ id, package: own, findings: [update()], ...changes });
}

const all = (...instances: Instance[]): Snapshot => snapshot({ instances });

describe('upgradePlan', () => {
  it('holds the exact command, and every server of that installation, the chosen one first', () => {
    const [other, chosen] = [upgradable('a'), upgradable('b')];
    const elsewhere = upgradable('c', { package: { ...own, root: '/srv/other' } });
    const plan = upgradePlan(chosen, all(other, chosen, elsewhere), 'linux');
    assert.deepEqual(plan?.argv, argv);
    assert.equal(plan.command, 'npm install --prefix /srv/shop notes@1.2.0');
    assert.deepEqual(
      plan.instances.map((one) => one.id),
      ['b', 'a'],
    );
    assert.deepEqual([plan.from, plan.to], ['1.0.0', '1.2.0']);
  });

  it('A33: stops the servers first on Windows, where files in use cannot be replaced, and nowhere else', () => {
    const one = upgradable('a');
    assert.equal(upgradePlan(one, all(one), 'win32')?.order, 'stop-first');
    assert.equal(upgradePlan(one, all(one), 'linux')?.order, 'upgrade-first');
    assert.equal(upgradePlan(one, all(one), 'darwin')?.order, 'upgrade-first');
  });

  it('runs no program but package managers and the interpreter of that very environment', () => {
    const venv = { ...own, ecosystem: 'python', root: '/opt/venv' } as const;
    const by = (program: string) =>
      upgradable('a', { package: venv, findings: [update({ actions: [{ kind: 'upgrade', argv: [program, 'x'] }] })] });
    for (const [program, allowed] of [
      ['npm', true],
      ['uvx', true],
      ['/opt/venv/bin/python3', true],
      ['python3.11', true],
      ['python3.11.sh', false],
      ['/tmp/evil', false],
      ['/opt/venv-other/bin/python3', false],
      ['/opt/venv/../../tmp/evil', false],
      ['sh', false],
      ['./npm', false],
    ] as const) {
      const one = by(program);
      assert.equal(upgradePlan(one, all(one), 'linux') !== undefined, allowed, program);
    }
  });

  it('there is none without a command, and none where versions cannot be compared', () => {
    const words = upgradable('a', { findings: [update({ actions: [{ kind: 'manual', step: 'In conda.' }] })] });
    const unknown = upgradable('a', { findings: [update({ confidence: 'unknown' })] });
    for (const one of [words, unknown, upgradable('a', { findings: [] })]) {
      assert.equal(upgradePlan(one, all(one), 'linux'), undefined);
      assert.equal(isUpgradable(one), false);
    }
  });
});
