// Twelve copies of one entry under a client that keeps one for each thread, in every view; the wording stands in a golden file.
import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { pruneCandidates } from '../../../../src/action/plan/pruneCandidates.ts';
import { attentions } from '../../../../src/extension/display/attention.ts';
import { planText, prunePicks, stopQuestion } from '../../../../src/extension/display/pruneText.ts';
import { fixPicks } from '../../../../src/extension/display/serverPicks.ts';
import { statusModel, tooltipCommands } from '../../../../src/extension/display/statusModel.ts';
import { buildTree } from '../../../../src/extension/display/treeModel.ts';
import type { TreeNode } from '../../../../src/extension/display/treeNode.ts';
import type { Finding } from '../../../../src/model/finding.ts';
import { assertNames } from '../../../names.ts';
import { assertGolden } from '../../cli/golden.ts';
import { definition, finding, here, instance, now, snapshot } from '../samples.ts';

const codex = { id: 'codex', name: 'Codex', pid: 50, identity: 'boot:1:50:lx:1' } as const;
const entry = definition({
  id: 'notes',
  name: 'notes',
  client: 'codex',
  readBy: ['codex'],
  file: '/home/ann/.codex/config.toml',
  scope: 'user',
});
const copy = (pid: number, findings: readonly Finding[]) =>
  instance({
    pid,
    idleSince: '2026-11-21T09:00:00Z',
    id: `boot:1:${pid}:lx:${pid}`,
    name: 'notes',
    definitions: ['notes'],
    client: codex,
    package: null,
    findings,
  });
const idle = (pid: number): Finding =>
  finding({
    kind: 'copies',
    confidence: 'likely',
    message: 'Codex (PID 50) runs notes 12 times; 11 have done nothing for 3 h; 638 MB',
    evidence: [`PID ${pid}, started 08:0${pid % 10}: 0.42 s of processor time, none since 09:00; 58 MB`],
    actions: [{ kind: 'end' }],
  });
const pids = Array.from({ length: 11 }, (_, at) => 60 + at);
const twelve = snapshot({ definitions: [entry], instances: [...pids.map((pid) => copy(pid, [idle(pid)])), copy(99, [])] });
const candidates = pruneCandidates(twelve, { windows: new Set(), ownPids: new Set() }).filter(({ class: kind }) => kind === 'idle-copy');

const lines = (nodes: readonly TreeNode[], indent = ''): string[] =>
  nodes.flatMap(({ label, description, spoken, children }) => [
    `${indent}${label} | ${description} (spoken: ${spoken})`,
    ...lines(children, `${indent}  `),
  ]);

describe('Idle copies of a living client', () => {
  it('are one line whose fix lists them all; status bar and badge count each', () => {
    const items = attentions(twelve, here);
    assert.deepEqual(
      items.map(({ fix, copies }) => [fix, copies?.map(({ pid }) => pid)]),
      [['stop-copies', pids]],
    );
    assert.equal(statusModel(twelve, here, true).text, '$(mcp) 11 idle copies');
    assert.ok(tooltipCommands.includes('mcpShepherd.stopCopies'));
    const one = snapshot({ definitions: [entry], instances: [copy(60, [idle(60)]), copy(99, [])] });
    assert.deepEqual(
      attentions(one, here).map(({ fix, copies }) => [fix, copies]),
      [['stop', undefined]],
      'a single one is stopped itself',
    );
  });

  it('their row offers neither restart nor stop of one process', () => {
    const [group] = buildTree(twelve, here, now);
    assert.deepEqual(
      group?.children.map(({ flags }) => flags),
      ['instance;configured;surplus;ignorable'],
    );
  });

  it('are never preselected, the newest is not offered, and the question says what threads lose and what the client then does', () => {
    assert.deepEqual(
      candidates.map(({ class: kind, instance: { pid }, preselected }) => [kind, pid, preselected]),
      pids.map((pid) => ['idle-copy', pid, false]),
    );
    const { message, detail, button } = stopQuestion(
      candidates.map(({ plan }) => plan),
      [],
    );
    assertNames(detail, 'Threads or sessions', 'Codex (PID 50)', 'does not start it again in that thread');
    assert.equal(message, 'Stop 11 idle copies of notes?');
    assert.equal(button, 'Stop Anyway');
  });

  it('in words', () => {
    const { text, tooltip, spoken } = statusModel(twelve, here, true);
    const { message, detail, button } = stopQuestion(
      candidates.map(({ plan }) => plan),
      [],
    );
    assertGolden(
      'idle-copies',
      [
        text,
        spoken,
        tooltip,
        '',
        ...lines(buildTree(twelve, here, now)),
        '',
        ...fixPicks(twelve, here).map(({ label, description }) => [label, description].filter(Boolean).join(' | ')),
        '',
        ...prunePicks(candidates, now).map((pick) => [pick.label, pick.description, pick.detail].filter(Boolean).join(' | ')),
        '',
        message,
        detail,
        `[${button}]`,
        '',
        planText(
          candidates.slice(0, 1).map(({ plan }) => plan),
          [],
        ),
      ].join('\n'),
      'extension',
    );
  });
});
