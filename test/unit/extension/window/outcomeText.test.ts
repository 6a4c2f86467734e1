import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { problemsMessage } from '../../../../src/extension/display/problemLog.ts';
import { outcomeText, summaryText } from '../../../../src/extension/window/outcomeText.ts';
import { instance, stale } from '../samples.ts';

const restarted = { kind: 'restarted', before: stale(), after: instance({ pid: 4805 }), leftBehind: false } as const;
const failed = { kind: 'failed', reason: 'memory did not end.' } as const;

describe('What became of an action', () => {
  it('is told with both PIDs and the version that runs now', () => {
    assert.equal(outcomeText(restarted), 'everything restarted: runs 1.1.0 (PID 4711 → 4805)');
    const young = instance({ pid: 4805, package: { ecosystem: 'npm', name: 'p', root: '/r', running: null, installed: '1.1.0' } });
    assert.equal(outcomeText({ ...restarted, after: young }), 'everything restarted; 1.1.0 is installed (PID 4711 → 4805)');
    assert.match(outcomeText({ ...restarted, leftBehind: true }), /The old process .* is still running$/);
    assert.equal(outcomeText({ kind: 'stopped', before: stale(), leftBehind: false }), 'everything stopped (PID 4711)');
    assert.equal(outcomeText(failed), 'memory did not end.');
  });

  it('says so when the server came back under the old version', () => {
    const old = { ...restarted, after: stale({ pid: 4805 }) };
    assert.match(outcomeText(old), /PID 4711 → 4805\).*1\.0\.0.*1\.1\.0/);
    assert.match(summaryText([restarted, old]), /^Restarted 2 servers\. everything: The new process still runs 1\.0\.0/);
  });

  it('is summed up, failures with their reasons', () => {
    assert.equal(summaryText([restarted]), 'Restarted 1 server.');
    assert.equal(summaryText([restarted, restarted]), 'Restarted 2 servers.');
    assert.equal(summaryText([restarted, failed, restarted]), 'Restarted 2 of 3 servers. memory did not end.');
  });
});

describe('Problems above the rows', () => {
  it('name the first file and count the rest', () => {
    const problem = { source: 'config', message: 'a comma is missing', file: '/home/ann/.cursor/mcp.json', line: 3 } as const;
    assert.equal(problemsMessage([], '/home/ann'), undefined);
    assert.equal(problemsMessage([problem], '/home/ann'), '~/.cursor/mcp.json, line 3: a comma is missing');
    assert.equal(
      problemsMessage([problem, problem], '/home/ann'),
      '~/.cursor/mcp.json, line 3: a comma is missing (and 1 more: see “MCP Shepherd: Show Log”)',
    );
  });
});
