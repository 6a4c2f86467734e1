import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { type FindingDraft, finalFinding, howKnown, observed } from '../../../../src/diagnosis/evidence.ts';
import { withNativeProof } from '../../../../src/diagnosis/stale/nativeProof.ts';
import { judgeProgram, type ProgramEvidence } from '../../../../src/diagnosis/stale/program.ts';
import { judgeSource, type SourceEvidence } from '../../../../src/diagnosis/stale/source.ts';
import { isHeadline } from '../../../../src/model/finding.ts';
import { assertNames } from '../../../names.ts';

const start = Date.parse('2026-11-21T09:00:00');
const now = Date.parse('2026-11-21T12:00:00');

function program(state: ProgramEvidence['program'], over: Partial<ProgramEvidence> = {}) {
  return judgeProgram({
    now,
    pid: 4711,
    startedAt: start,
    startedBy: 'Cursor',
    role: 'binary',
    name: 'github-mcp-server',
    program: state,
    actions: [{ kind: 'restart' }],
    ...over,
  });
}

function source(over: Partial<SourceEvidence>) {
  return judgeSource({
    now,
    pid: 4711,
    startedAt: start,
    recordedAt: start + 2_000,
    changes: [],
    gone: false,
    late: [],
    unreadable: [],
    actions: [{ kind: 'restart' }],
    ...over,
  });
}

const replaced = { state: 'replaced', path: '/usr/bin/x', changedAt: now - 60_000, bornAt: now - 60_000, how: 'kernel' } as const;

describe('a replaced program', () => {
  it('is stale, for the server and for its interpreter', () => {
    assert.equal(program(replaced).findings[0]?.subKind, 'binary');
    const [finding] = program({ ...replaced, leadsTo: '/opt/node-24' }, { role: 'interpreter', name: 'Node.js' }).findings;
    assert.equal(finding?.subKind, 'interpreter');
    assert.equal(finding?.confidence, 'proven');
    assertNames(finding?.evidence[0], 'PID 4711', 'Cursor', '/usr/bin/x', '/opt/node-24', '11:59');
    assert.equal(finding?.since, new Date(now - 60_000).toISOString());
    assert.deepEqual(finding?.actions, [{ kind: 'restart' }]);
  });

  it('is only likely when nothing but the name says what was started, waits for the installer, and gives a deleted one ten seconds', () => {
    assert.equal(program({ ...replaced, how: 'name' }).findings[0]?.confidence, 'likely');
    const young = program({ ...replaced, changedAt: now - 100 });
    assert.deepEqual([young.findings.length, young.askAgainIn], [0, 400]);
    assert.equal(program({ state: 'gone', path: '/usr/bin/x', since: now - 1_000 }).askAgainIn, 9_000);
    assert.equal(program({ state: 'gone', path: '/usr/bin/x', since: now - 10_000 }).findings[0]?.kind, 'files-gone');
    assert.deepEqual(program({ state: 'same' }), { findings: [] });
    assert.deepEqual(program({ state: 'unknown', reason: 'permission denied' }), { findings: [], unknown: 'permission denied' });
  });
});

describe('edited source', () => {
  const edited = { path: '/p/lib/a.js', state: 'edited', changedAt: now - 5_000, entry: false } as const;

  it('is likely for a module and proven for the entry, with file and time', () => {
    const [finding] = source({ changes: [edited] }).findings;
    assert.deepEqual([finding?.subKind, finding?.confidence], ['source', 'likely']);
    assertNames(finding?.evidence[1], '/p/lib/a.js', '11:59');
    assert.equal(source({ changes: [edited, { ...edited, entry: true }] }).findings[0]?.confidence, 'proven');
  });

  it('gives what is missing ten seconds, as a build needs them; where nothing is left, the files are gone', () => {
    const removed = { path: '/p/lib/a.js', state: 'removed', changedAt: now - 3_000, entry: true } as const;
    assert.deepEqual([source({ changes: [removed, edited] }).findings, source({ changes: [removed] }).askAgainIn], [[], 7_000]);
    const later = { ...removed, changedAt: now - 11_000 };
    assert.equal(source({ changes: [later] }).findings[0]?.kind, 'stale');
    assert.equal(source({ changes: [later], gone: true }).findings[0]?.kind, 'files-gone');
  });

  it('is not judged while it changes, and unknown where it was written before the first scan', () => {
    assert.deepEqual(source({ changes: [{ ...edited, changedAt: now - 200 }] }).askAgainIn, 300);
    const late = [{ path: '/p/a.js', changedAt: now - 60_000 }];
    assert.deepEqual(source({ late }).findings, []);
    assertNames(source({ late }).unknown, '/p/a.js');
    const commits = { atStart: '1'.repeat(40), now: '2'.repeat(40) };
    const [finding] = source({ late, commits }).findings;
    assert.deepEqual([finding?.confidence, finding && isHeadline(finding)], ['likely', true]);
    assertNames(finding?.evidence.join('\n'), '1111111', '2222222');
    assertNames(source({ unreadable: ['/p/x.js'] }).unknown, '/p/x.js');
  });
});

describe('native code that was replaced', () => {
  const context = { now, pid: 4711, startedAt: start, actions: [] };
  const proof = { path: '/v/pydantic_core/_x.so', package: 'pydantic-core' };
  const likely: FindingDraft = {
    kind: 'stale',
    subKind: 'dependency',
    confidence: 'likely',
    message: 'm',
    evidence: [observed('one'), howKnown('by times')],
    since: new Date(now).toISOString(),
    actions: [],
  };

  it('makes a verdict from times proven, and is a finding where nothing else is', () => {
    assert.deepEqual(withNativeProof([likely], [], context), [finalFinding(likely)]);
    const [proven] = withNativeProof([likely], [proof], context);
    assert.equal(proven?.confidence, 'proven');
    assert.equal(proven?.evidence.length, 2);
    assert.equal(proven?.evidence[0], 'one', 'what was observed stays, and how a weaker verdict was known goes');
    const [own] = withNativeProof([{ ...likely, subKind: 'interpreter' }], [proof], context).slice(1);
    assert.deepEqual([own?.subKind, own?.confidence], ['content', 'proven']);
  });
});
