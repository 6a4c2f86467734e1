import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { countsText, findingsText, worstFinding } from '../../../../src/extension/display/findingWords.ts';
import { ageText, changeSummary, memoryText, processText, versionsText } from '../../../../src/extension/display/instanceText.ts';
import { finding, instance, now, stale } from '../samples.ts';

const own = { ecosystem: 'npm', name: 'p', root: '/r' } as const;

describe('What is said of a running server', () => {
  it('names running and installed version when they differ, one when not', () => {
    assert.equal(versionsText(stale()), 'runs 1.0.0, installed 1.1.0');
    assert.equal(versionsText(instance()), 'runs 1.1.0');
  });

  it('says what is not known instead of guessing', () => {
    assert.equal(versionsText(instance({ package: null })), 'version unknown');
    assert.equal(versionsText(instance({ package: { ...own, running: null, installed: null } })), 'version unknown');
    assert.equal(versionsText(instance({ package: { ...own, running: null, installed: '2.0.0' } })), 'version unknown, installed 2.0.0');
  });

  it('names the dependency when that is what changed', () => {
    const changed = instance({
      changedDependencies: [
        { name: 'chromadb', running: '0.6.3', installed: '1.5.7', direction: 'upgrade' },
        { name: 'numpy', running: '1', installed: '2', direction: 'upgrade' },
      ],
      findings: [finding({ subKind: 'dependency' })],
    });
    assert.equal(versionsText(changed), 'runs 1.1.0 with chromadb 0.6.3, installed 1.5.7 and 1 more');
    assert.equal(changeSummary(changed), 'still runs with chromadb 0.6.3, but 1.5.7 is installed');
    assert.equal(changeSummary(stale()), 'still runs 1.0.0, but 1.1.0 is installed');
    const again = instance({ findings: [finding({ subKind: 'content' })] });
    assert.equal(changeSummary(again), 'still runs its old code: its files were installed again');
  });

  it('says that files are gone', () => {
    const gone = instance({ findings: [finding({ kind: 'files-gone' })], package: { ...own, running: '1.0.0', installed: null } });
    assert.equal(versionsText(gone), 'runs 1.0.0, no longer installed');
  });

  it('is coarse about age and memory, so that rows do not flicker', () => {
    const at = (ms: number): string => ageText(new Date(now - ms).toISOString(), now);
    assert.deepEqual([0, 59_000, 60_000, 3_599_000, 3_600_000, 47 * 3_600_000, 48 * 3_600_000].map(at), [
      'just started',
      'just started',
      '1 min',
      '59 min',
      '1 h',
      '47 h',
      '2 days',
    ]);
    assert.equal(at(-5_000), 'just started');
    const mb = 1024 ** 2;
    assert.deepEqual([0, mb / 2, 58.4 * mb, 123 * mb, 1100 * mb].map(memoryText), [undefined, '1 MB', '58 MB', '120 MB', '1.1 GB']);
    assert.equal(processText(instance(), now), 'PID 4711 · 58 MB · 3 h');
  });
});

describe('Findings in words', () => {
  it('are told worst first, with their confidence, once each', () => {
    const two = [finding({ kind: 'duplicate' }), finding({ confidence: 'likely' })];
    assert.equal(findingsText(two), 'probably stale, duplicate');
    assert.equal(worstFinding(two)?.kind, 'stale');
  });

  it('are not told when they are not known, and information only when nothing is wrong', () => {
    assert.equal(findingsText([finding({ confidence: 'unknown' })]), undefined);
    assert.equal(worstFinding([finding({ kind: 'update-available' })]), undefined);
    assert.equal(findingsText([finding({ kind: 'update-available' })]), 'update available');
    assert.equal(findingsText([finding({ kind: 'update-available' }), finding()]), 'stale');
  });

  it('are counted', () => {
    assert.equal(countsText([]), undefined);
    const some = [finding(), finding(), finding({ kind: 'duplicate' }), finding({ kind: 'orphan' }), finding({ kind: 'orphan' })];
    assert.equal(countsText(some), '2 stale, 1 duplicate, 2 orphans');
  });
});
