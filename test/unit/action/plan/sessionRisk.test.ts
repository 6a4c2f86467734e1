import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { makePlan } from '../../../../src/action/plan/makePlan.ts';
import { sessionRisks } from '../../../../src/action/plan/sessionRisk.ts';
import type { Instance } from '../../../../src/model/snapshot.ts';
import { assertNames } from '../../../names.ts';
import { client, definition, instance, snapshot } from '../../cli/fixture.ts';

const claude = client('claude-code', 'Claude Code', 70);
const code = client('vscode', 'VS Code', 80);
const http = (over: Partial<Instance> = {}): Instance =>
  instance({
    name: 'notes',
    pid: 9,
    client: null,
    background: true,
    transport: 'http',
    listens: { port: 8700 },
    definitions: ['d1'],
    usedBy: [claude, code],
    ...over,
  });
const known = (readBy: readonly string[]) => snapshot({ definitions: [definition({ id: 'd1', name: 'notes', readBy })] });

describe('sessionRisks', () => {
  it('names the clients that are connected and lose their session, and offers the guard', () => {
    const risks = sessionRisks(http(), known(['claude-code']));
    assert.equal(risks.length, 2);
    assertNames(risks[0], 'PID 70', 'notes');
    assertNames(risks[1], 'guard --http');
    assert.ok(!risks.join().includes('VS Code'), 'which begins a new session by itself');
  });

  it('names those that only have an entry for it', () => {
    const [first] = sessionRisks(http({ usedBy: [] }), known(['vscode', 'codex', 'claude-code']));
    assertNames(first, 'Codex', 'Claude Code');
  });

  it('is empty where no client is known to lose its session, for stdio servers, and behind the guard', () => {
    assert.deepEqual(sessionRisks(http({ usedBy: [code] }), known(['vscode'])), []);
    const { listens: _, ...stdio } = http();
    assert.deepEqual(sessionRisks(stdio, known(['claude-code'])), []);
    assert.deepEqual(sessionRisks(http({ guarded: true }), known(['claude-code'])), []);
  });

  it('stands in the plan of a restart, also in one that is refused', () => {
    const plan = makePlan('restart', http(), known(['claude-code']), { windows: new Set(), ownPids: new Set() });
    assert.ok(plan.refused?.endsWith(sessionRisks(http(), known(['claude-code'])).join(' ')));
    assert.equal(plan.risks.length, 2);
    assertNames(plan.refused, '--replace 9”');
  });
});
