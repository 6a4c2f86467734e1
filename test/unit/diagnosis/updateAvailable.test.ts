import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { judgeUpdate, type UpdateEvidence } from '../../../src/diagnosis/updateAvailable.ts';
import { isHeadline } from '../../../src/model/finding.ts';
import { assertNames } from '../../names.ts';

const now = Date.parse('2026-11-22T12:00:00Z');
const evidence: UpdateEvidence = {
  now,
  ecosystem: 'npm',
  name: '@acme/notes',
  installed: '1.0.0',
  newest: '1.1.0',
  answeredAt: now - 3_600_000,
  registry: 'registry.example',
  upgrade: { argv: ['npm', 'install', '--prefix', '/srv/shop', '@acme/notes@1.1.0'] },
  remarks: ['npm is set to refuse new versions for a time'],
  entry: { file: '/home/ada/.claude.json', line: 4 },
};

describe('judgeUpdate', () => {
  it('names both versions and the exact command, as information', () => {
    const finding = judgeUpdate(evidence);
    assert.ok(finding);
    assertNames(finding.message, '1.0.0', '1.1.0', 'npm install --prefix /srv/shop @acme/notes@1.1.0');
    assert.equal(finding.kind, 'update-available');
    assert.equal(isHeadline(finding), false);
    assert.ok(finding.evidence.includes(evidence.remarks[0] ?? ''));
    assert.deepEqual(finding.actions, [
      { kind: 'upgrade', argv: ['npm', 'install', '--prefix', '/srv/shop', '@acme/notes@1.1.0'] },
      { kind: 'reveal', file: '/home/ada/.claude.json', line: 4 },
    ]);
  });

  it('offers words where there is no command', () => {
    const finding = judgeUpdate({ ...evidence, upgrade: { words: 'it belongs to a conda environment' } });
    assert.deepEqual(finding?.actions[0], { kind: 'manual', step: 'It belongs to a conda environment.' });
  });

  it('C16: says nothing when the same or something newer is installed', () => {
    for (const [ecosystem, installed, newest] of [
      ['npm', '1.1.0', '1.1.0'],
      ['npm', '1.1.1', '1.1.0'],
      ['npm', '1.1.0', '1.1.0-rc.1'],
      ['python', '1.1', '1.1.0'],
      ['python', '2.1.0+cpu', '2.1.0'],
      ['python', '1!0.1', '9.0'],
    ] as const) {
      assert.equal(judgeUpdate({ ...evidence, ecosystem, installed, newest }), undefined, `${installed} ${newest}`);
    }
  });

  it('shows what cannot be compared, and does not compare it', () => {
    for (const installed of ['2024.05.01', '1.0', 'unknown']) {
      const finding = judgeUpdate({ ...evidence, installed });
      assert.equal(finding?.confidence, 'unknown', installed);
      assert.deepEqual(finding.actions, []);
    }
  });
});
