import assert from 'node:assert/strict';
import { type Baseline, baselineTrust } from '../../../../src/diagnosis/stale/baseline.ts';
import { judgeVersions, type VersionEvidence } from '../../../../src/diagnosis/stale/packages.ts';
import { isHeadline } from '../../../../src/model/finding.ts';
import type { InstalledPackage } from '../../../../src/model/package.ts';
import { assertNames } from '../../../names.ts';

const start = Date.parse('2026-11-17T14:02:00');
const now = Date.parse('2026-11-21T12:00:00');
const installedBefore = start - 3_600_000;
const installedAfter = Date.parse('2026-11-21T09:10:00');

function pkg(name: string, version: string, installedAt: number): InstalledPackage {
  return { ecosystem: 'python', name, version, root: `/env/${name}`, installedAt };
}

function baseline(packages: InstalledPackage[]): Baseline {
  return { takenAt: start + 60_000, trust: baselineTrust(packages, start, true), packages };
}

function evidence(over: Partial<VersionEvidence>): VersionEvidence {
  const packages = [pkg('mempalace', '3.6.0', installedBefore), pkg('chromadb', '0.6.3', installedBefore)];
  return {
    now,
    pid: 4711,
    startedAt: start,
    startedBy: 'Claude Code',
    packageName: 'mempalace',
    editable: false,
    reading: { status: 'ok', packages, changedAt: installedBefore, watch: [] },
    baseline: baseline(packages),
    own: undefined,
    dependencies: [],
    actions: [{ kind: 'restart' }],
    ...over,
  };
}

describe('staleness', () => {
  it('says nothing when nothing changed', () => {
    const verdict = judgeVersions(evidence({}));
    assert.deepEqual(verdict.findings, []);
    assert.equal(verdict.running, '3.6.0');
    assert.equal(verdict.installed, '3.6.0');
    assert.equal(verdict.unknown, undefined);
  });

  it('tells a changed dependency with versions, times, PID and client', () => {
    const packages = [pkg('mempalace', '3.6.0', installedBefore), pkg('chromadb', '1.5.7', installedAfter)];
    const verdict = judgeVersions(
      evidence({
        reading: { status: 'ok', packages, changedAt: installedAfter, watch: [] },
        dependencies: [{ name: 'chromadb', running: '0.6.3', installed: '1.5.7', direction: 'upgrade' }],
      }),
    );
    const [finding] = verdict.findings;
    assert.equal(finding?.kind, 'stale');
    assert.equal(finding?.subKind, 'dependency');
    assert.equal(finding?.confidence, 'proven');
    assertNames(finding?.evidence[0]?.text, 'chromadb 0.6.3', 'Tue 14:02', 'PID 4711', 'Claude Code', 'chromadb 1.5.7', '09:10');
    assert.deepEqual(
      finding?.evidence.map(({ source }) => source),
      ['observed', 'how-known'],
    );
    assert.equal(finding?.since, new Date(installedAfter).toISOString());
  });

  it('tells the own package first and labels a downgrade', () => {
    const packages = [pkg('mempalace', '3.5.0', installedAfter), pkg('chromadb', '0.6.3', installedBefore)];
    const verdict = judgeVersions(
      evidence({
        reading: { status: 'ok', packages, changedAt: installedAfter, watch: [] },
        own: { name: 'mempalace', running: '3.6.0', installed: '3.5.0', direction: 'downgrade' },
      }),
    );
    assert.equal(verdict.findings[0]?.subKind, 'package');
    assertNames(verdict.findings[0]?.message, '3.6.0', '3.5.0', 'downgrade');
    assert.equal(verdict.installed, '3.5.0');
  });

  it('gives no verdict on files that changed within the last half second, and asks to be asked again', () => {
    const packages = [pkg('mempalace', '3.7.0', now - 100)];
    const verdict = judgeVersions(
      evidence({
        reading: { status: 'ok', packages, changedAt: now - 100, watch: [] },
        own: { name: 'mempalace', running: '3.6.0', installed: '3.7.0', direction: 'upgrade' },
      }),
    );
    assert.deepEqual(verdict.findings, []);
    assert.equal(verdict.askAgainIn, 400);
  });

  it('calls a server first seen after its upgrade likely stale, never proven, and claims no running version', () => {
    const packages = [pkg('mempalace', '3.7.0', installedAfter), pkg('chromadb', '0.6.3', installedBefore)];
    const verdict = judgeVersions(
      evidence({ reading: { status: 'ok', packages, changedAt: installedAfter, watch: [] }, baseline: baseline(packages) }),
    );
    assert.equal(verdict.running, null);
    assert.equal(verdict.findings[0]?.confidence, 'likely');
    assert.ok(verdict.findings[0] && isHeadline(verdict.findings[0]));
    assertNames(verdict.findings[0]?.message, 'mempalace 3.7.0', '09:10');
  });

  it('knows the own version of a server first seen after only a dependency was installed again', () => {
    const { installedAt: _, ...undated } = pkg('mempalace', '3.7.0', 0);
    const judge = (own: InstalledPackage): readonly unknown[] => {
      const packages = [own, pkg('chromadb', '0.6.3', installedAfter)];
      const { running, findings } = judgeVersions(
        evidence({ reading: { status: 'ok', packages, changedAt: installedAfter, watch: [] }, baseline: baseline(packages) }),
      );
      return [running, findings[0]?.subKind];
    };
    assert.deepEqual(judge(pkg('mempalace', '3.7.0', installedBefore)), ['3.7.0', 'dependency']);
    assert.deepEqual(judge(undated), [null, 'dependency']);
  });

  it('never calls what cannot be read stale', () => {
    const verdict = judgeVersions(evidence({ reading: { status: 'unreadable', reason: 'METADATA: permission denied', watch: [] } }));
    assert.deepEqual(verdict.findings, []);
    assert.equal(verdict.unknown, 'METADATA: permission denied');
    assert.equal(verdict.installed, null);
  });

  it('waits ten seconds before it calls files gone', () => {
    const gone = { status: 'gone', reason: '/env does not exist', watch: [] } as const;
    const early = judgeVersions(evidence({ reading: gone, goneSince: now - 4_000 }));
    assert.deepEqual(early.findings, []);
    assert.equal(early.askAgainIn, 6_000);
    const late = judgeVersions(evidence({ reading: gone, goneSince: now - 10_000 }));
    assert.equal(late.findings[0]?.kind, 'files-gone');
    assert.equal(late.running, '3.6.0');
  });

  it('calls an edited source likely, so that nothing is refused on its account', () => {
    const packages = [pkg('mempalace', '3.7.0', installedBefore)];
    const verdict = judgeVersions(
      evidence({
        editable: true,
        reading: { status: 'ok', packages, changedAt: installedAfter, watch: [] },
        own: { name: 'mempalace', running: '3.6.0', installed: '3.7.0', direction: 'upgrade' },
      }),
    );
    assert.equal(verdict.findings[0]?.subKind, 'source');
    assert.equal(verdict.findings[0]?.confidence, 'likely');
  });

  it('says why a young process has no verdict', () => {
    const verdict = judgeVersions(evidence({ baseline: undefined }));
    assert.equal(verdict.running, null);
    assert.deepEqual(verdict.findings, []);
    assert.ok(verdict.unknown);
  });
});

describe('baseline', () => {
  const at = (installedAt: number) => [pkg('x', '1', installedAt)];
  it('trusts what was installed well before the start', () => assert.equal(baselineTrust(at(start - 2_000), start, true), 'before-start'));
  it('leaves two seconds around the start open', () => {
    assert.equal(baselineTrust(at(start - 1_999), start, true), 'around-start');
    assert.equal(baselineTrust(at(start + 2_000), start, true), 'around-start');
  });
  it('knows an installation after the start', () => assert.equal(baselineTrust(at(start + 2_001), start, true), 'after-start'));
  it('believes no time after the clock was set', () => assert.equal(baselineTrust(at(start + 9_000), start, false), 'around-start'));
  it('does without times', () =>
    assert.equal(baselineTrust([{ ecosystem: 'npm', name: 'x', version: '1', root: '/x' }], start, true), 'around-start'));
});
