import { deepEqual, equal, match } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { contradictsItself } from '../../../src/diagnosis/stale/packages.ts';
import { type BesideEvidence, judgeRemovedBeside, judgeReplacedBeside } from '../../../src/diagnosis/stale/replacedBeside.ts';
import type { RunningPackage } from '../../../src/model/snapshot.ts';
import { assertNames } from '../../names.ts';

const evidence: BesideEvidence = {
  now: 2_000_000,
  pid: 10,
  startedAt: 1_000_000,
  actions: [{ kind: 'restart' }],
  ecosystem: 'npm',
  name: 'tiny',
  running: { version: '1.0.0', place: '/r/1', by: 'recorded' },
  leads: { version: '1.1.0', place: '/r/2' },
  dependencies: [],
  followed: 'entry',
};

describe('a version that was installed beside the one that runs', () => {
  it('is stale, and names both versions, both places and the time of the change', () => {
    const finding = judgeReplacedBeside({ ...evidence, changedAt: 1_500_000 });
    deepEqual([finding?.kind, finding?.subKind, finding?.confidence], ['stale', 'replaced-beside', 'proven']);
    assertNames(finding?.message, '1.0.0', '1.1.0');
    match(finding?.evidence.join('\n') ?? '', /\/r\/1(.|\n)*\/r\/2/);
    equal(finding?.since, new Date(1_500_000).toISOString());
    deepEqual(finding?.actions, evidence.actions);
  });

  it('has no time of its own where the change is older than the process: the survey puts the first sighting there', () => {
    const finding = judgeReplacedBeside({ ...evidence, changedAt: 500_000 });
    deepEqual([finding?.since, finding?.sinceAtMost], [new Date(evidence.now).toISOString(), true]);
    equal(judgeReplacedBeside({ ...evidence, changedAt: 1_500_000 })?.sinceAtMost, undefined);
  });

  it('is likely where what runs was removed before the first scan', () => {
    const finding = judgeRemovedBeside({ ...evidence, script: '/r/1/server.js' });
    deepEqual([finding.kind, finding.subKind, finding.confidence], ['stale', 'replaced-beside', 'likely']);
    assertNames(finding.evidence.join('\n'), '/r/1/server.js', '/r/2');
    deepEqual([finding.since, finding.sinceAtMost], [new Date(evidence.now).toISOString(), true]);
  });

  for (const [by, followed, confidence] of [
    ['recorded', 'entry', 'proven'],
    ['recorded', 'command line', 'proven'],
    ['path', 'entry', 'proven'],
    ['path', 'extension', 'proven'],
    ['path', 'plugin', 'proven'],
    ['concluded', 'entry', 'likely'],
    ['recorded', 'session', 'likely'],
  ] as const) {
    it(`is ${confidence} where the running version is known by “${by}” and the ${followed} was followed`, () => {
      equal(judgeReplacedBeside({ ...evidence, followed, running: { ...evidence.running, by } })?.confidence, confidence);
    });
  }

  it('is nothing where the versions are equal, whatever their paths', () => {
    equal(judgeReplacedBeside({ ...evidence, leads: { version: '1.0.0', place: '/r/2' } }), undefined);
    const python = { ...evidence, ecosystem: 'python' as const, leads: { version: '1.0', place: '/r/2' } };
    equal(judgeReplacedBeside(python), undefined, 'equal by PEP 440');
  });

  it('is stale where only the build metadata of the version differ: that is another build', () => {
    const running = { ...evidence.running, version: '1.1.0+a' };
    const finding = judgeReplacedBeside({ ...evidence, running, leads: { version: '1.1.0+b', place: '/r/2' } });
    deepEqual([finding?.kind, finding?.confidence], ['stale', 'proven']);
    assertNames(finding?.message, '1.1.0+a', '1.1.0+b');
  });

  it('is stale where only a dependency differs, and a downgrade is named', () => {
    const dependencies = [{ name: 'below', running: '1.0.0', installed: '2.0.0', direction: 'upgrade' as const }];
    assertNames(judgeReplacedBeside({ ...evidence, leads: { version: '1.0.0', place: '/r/2' }, dependencies })?.message, '1.0.0 → 2.0.0');
    assertNames(judgeReplacedBeside({ ...evidence, leads: { version: '0.9.0', place: '/r/2' } })?.message, 'downgrade');
  });
});

describe('no instance contradicts itself', () => {
  const own: RunningPackage = { ecosystem: 'npm', name: 'tiny', root: '/r', running: '1.0.0', installed: '1.1.0' };
  const finding = judgeReplacedBeside(evidence);

  it('two versions that differ need a stale finding or a reason', () => {
    equal(contradictsItself({ package: own, findings: [] }), true);
    equal(contradictsItself({ package: own, findings: finding ? [{ ...finding, kind: 'respawn-differs' }] : [] }), true);
    equal(contradictsItself({ package: own, findings: finding ? [finding] : [] }), false);
    equal(contradictsItself({ package: own, findings: [], unknown: 'its files are changing right now' }), false);
    equal(contradictsItself({ package: { ...own, running: '1.1.0+a', installed: '1.1.0+b' }, findings: [] }), true);
    equal(contradictsItself({ package: { ...own, ecosystem: 'python', running: '1.0', installed: '1.0.0' }, findings: [] }), true);
    for (const other of [
      { ...own, running: null },
      { ...own, installed: null },
      { ...own, installed: '1.0.0' },
    ]) {
      equal(contradictsItself({ package: other, findings: [] }), false);
    }
  });
});
