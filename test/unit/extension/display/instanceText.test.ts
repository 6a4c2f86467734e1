import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { countsText, findingsText, worstFinding } from '../../../../src/extension/display/attention.ts';
import { changeSummary, processText, versionsText } from '../../../../src/extension/display/instanceText.ts';
import { finding, instance, now, stale } from '../samples.ts';

const own = { ecosystem: 'npm', name: 'p', root: '/r' } as const;

describe('What is said of a running server', () => {
  it('names running and installed version when they differ, one when not', () => {
    assert.equal(versionsText(stale()), 'runs 1.0.0, installed 1.1.0');
    assert.equal(versionsText(instance()), 'runs 1.1.0');
    assert.equal(versionsText(instance(), true), 'It runs 1.1.0');
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
    assert.equal(changeSummary(changed, 'a'), 'a still runs with chromadb 0.6.3, but 1.5.7 is installed');
    assert.equal(changeSummary(changed, 'a and b', 'many'), 'a and b still run with chromadb 0.6.3, but 1.5.7 is installed');
    assert.equal(changeSummary(stale(), 'It'), 'It still runs 1.0.0, but 1.1.0 is installed');
    assert.equal(changeSummary(stale(), 'It', 'probably'), 'It probably still runs 1.0.0, but 1.1.0 is installed');
    const again = instance({ findings: [finding({ subKind: 'content' })] });
    assert.equal(changeSummary(again, 'It'), 'It still runs its old code: its files were installed again');
  });

  it('says that files are gone', () => {
    const gone = instance({ findings: [finding({ kind: 'files-gone' })], package: { ...own, running: '1.0.0', installed: null } });
    assert.equal(versionsText(gone), 'runs 1.0.0, no longer installed');
  });

  it('names PID, memory and age of a process', () => assert.equal(processText(instance(), now), 'PID 4711 · 58 MB · 3 h'));
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
