import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Outcome } from '../../../../src/action/execute/exclusiveAction.ts';
import type { UpgradePlan } from '../../../../src/action/plan/upgradePlan.ts';
import type { PackageVersions, UndoWay } from '../../../../src/action/upgrade/undoWay.ts';
import { type UpgradeSystem, upgradeServers } from '../../../../src/action/upgrade/upgradeServers.ts';
import { assertNames, assertOmits } from '../../../names.ts';
import { instance } from '../../extension/samples.ts';

const own = { ecosystem: 'npm', name: 'notes', root: '/srv/shop', running: '1.0.0', installed: '1.0.0', latest: '1.1.0' } as const;
const [a, b] = [instance({ id: 'a', pid: 11, name: 'one', package: own }), instance({ id: 'b', pid: 12, name: 'two', package: own })];
const plan: UpgradePlan = {
  argv: ['npm', 'install', '--prefix', '/srv/shop', 'notes@1.1.0'],
  command: 'npm install --prefix /srv/shop notes@1.1.0',
  packageName: 'notes',
  from: '1.0.0',
  to: '1.1.0',
  instances: [a],
  order: 'upgrade-first',
};
const undo: UndoWay = {
  files: ['/srv/shop/package.json'],
  exact: true,
  install: { kind: 'command', argv: ['npm', 'install', '--prefix', '/srv/shop'] },
};
const done = (runs: string | null, stillOld?: true): Outcome => ({
  status: 'done',
  message: 'Restarted.',
  steps: [],
  after: { pid: 20, runs, ...(stillOld ? { stillOld } : {}) },
});
const failed: Outcome = { status: 'failed', message: 'The server ended (exit code 1).', steps: [] };

/** A system whose commands work; notes what was done. */
function world(changes: Partial<UpgradeSystem> = {}): { system: UpgradeSystem; deeds: string[] } {
  const deeds: string[] = [];
  let version = '1.0.0';
  const system: UpgradeSystem = {
    keep: (files) => void deeds.push(`keep ${files.join(' ')}`),
    filesChanged: () => version !== '1.0.0',
    putFilesBack: () => void deeds.push('put back'),
    versions: (): PackageVersions => new Map([['notes', version]]),
    installed: async () => version,
    run: async (argv) => {
      deeds.push(argv.join(' '));
      version = argv.at(-1) === 'notes@1.1.0' ? '1.1.0' : '1.0.0';
      return undefined;
    },
    restart: async ({ name }) => {
      deeds.push(`restart ${name}`);
      return done('1.1.0');
    },
    revive: async ({ name }) => {
      deeds.push(`revive ${name}`);
      return done('1.0.0');
    },
    runs: async () => true,
    ...changes,
  };
  return { system, deeds };
}
const up = plan.argv.join(' ');
const down = 'npm install --prefix /srv/shop';

describe('upgradeServers', () => {
  it('keeps the files, runs the command and restarts every server', async () => {
    const { system, deeds } = world();
    const result = await upgradeServers({ ...plan, instances: [a, b] }, undo, system);
    assert.deepEqual(deeds, ['keep /srv/shop/package.json', up, 'restart one', 'restart two']);
    assert.deepEqual([result.status, result.after?.runs], ['done', '1.1.0']);
  });

  for (const [what, changes] of [
    ['does not start', { restart: async () => failed }],
    ['comes back in another version', { restart: async () => done('1.0.9') }],
    ['comes back in the old version', { restart: async () => done('1.0.0', true) }],
    ['ends right after its start', { runs: async () => false }],
  ] as [string, Partial<UpgradeSystem>][]) {
    it(`goes back, and restarts it again, when the server ${what}`, async () => {
      const { system, deeds } = world(changes);
      const result = await upgradeServers(plan, undo, system);
      assert.deepEqual(
        deeds.filter((deed) => !deed.startsWith('restart')),
        ['keep /srv/shop/package.json', up, 'put back', down, 'revive one'],
      );
      assert.equal(result.status, 'rolled-back');
      assertNames(result.message, 'notes 1.0.0', 'every package is as before');
    });
  }

  it('does not say that every package is as before when one is not, or when that is not known', async () => {
    const versions = ['1', '2', '2'];
    const differs = world({ restart: async () => failed, versions: () => new Map([['lib', versions.shift() ?? '2']]) });
    const first = await upgradeServers(plan, undo, differs.system);
    assertNames(first.message, 'lib 1 -> 2');
    assertOmits(first.message, 'as before');
    const unknown = world({ restart: async () => failed, versions: () => undefined });
    assertOmits((await upgradeServers(plan, { ...undo, exact: false }, unknown.system)).message, 'as before');
  });

  it('restarts nothing when the command fails, and goes back only where it changed something', async () => {
    const clean = world({ run: async () => 'exit code 1', filesChanged: () => false });
    assert.equal((await upgradeServers(plan, undo, clean.system)).status, 'failed');
    assert.deepEqual(clean.deeds, ['keep /srv/shop/package.json']);
    const results = ['exit code 1', undefined];
    const half = world({ run: async () => results.shift(), filesChanged: () => true });
    assert.equal((await upgradeServers(plan, undo, half.system)).status, 'rolled-back');
    assert.deepEqual(half.deeds, ['keep /srv/shop/package.json', 'put back']);
  });

  it('takes a command that installs another version for a failed one', async () => {
    const { system, deeds } = world({ installed: async () => '1.0.5' });
    const result = await upgradeServers(plan, undo, system);
    assertNames(result.message, '1.0.5');
    assert.equal(deeds.includes('restart one'), false);
    assert.equal(result.status, 'rolled-back');
  });

  it('leaves the restart to the user where only the client can do it, and goes on with the others', async () => {
    const { system } = world({
      restart: async ({ name }) => (name === 'one' ? done('1.1.0') : { status: 'manual', message: 'Run /mcp.' }),
    });
    const result = await upgradeServers({ ...plan, instances: [a, b] }, undo, system);
    assert.equal(result.status, 'manual');
    assertNames(result.message, 'two (PID 12)', 'still runs 1.0.0', 'Run /mcp.');
  });

  it('does not take back what the first server runs with when a later one fails', async () => {
    const { system, deeds } = world({ restart: async ({ name }) => (name === 'one' ? done('1.1.0') : failed) });
    const result = await upgradeServers({ ...plan, instances: [a, b] }, undo, system);
    assert.equal(result.status, 'failed');
    assert.equal(deeds.includes('put back'), false);
  });

  it('changes nothing when a file cannot be kept, and names the version to install when going back fails', async () => {
    const link = world({ keep: () => '/srv/shop/package.json is a link' });
    assert.equal((await upgradeServers(plan, undo, link.system)).status, 'failed');
    assert.deepEqual(link.deeds, []);
    const results = [undefined, 'exit code 1'];
    const broken = world({
      restart: async () => failed,
      run: async () => results.shift(),
      installed: async () => '1.1.0',
    });
    assertNames((await upgradeServers(plan, undo, broken.system)).message, 'install notes 1.0.0 yourself');
    assertNames(
      (await upgradeServers(plan, undefined, world({ restart: async () => failed }).system)).message,
      'install notes 1.0.0 yourself',
    );
  });
});
