// The wording of each view stands in one golden file; the tests of the models check fields. UPDATE_GOLDEN=1 writes the files.
import { describe, it } from 'mocha';
import type { PlanContext } from '../../../../src/action/plan/plan.ts';
import { lastCopies, pruneCandidates } from '../../../../src/action/plan/pruneCandidates.ts';
import type { UpgradePlan } from '../../../../src/action/plan/upgradePlan.ts';
import type { ProtectChange } from '../../../../src/action/protect/protectChange.ts';
import { announcements, announcementText, groupText } from '../../../../src/extension/display/announcements.ts';
import { attentions } from '../../../../src/extension/display/attention.ts';
import { changeNotice, guardDone, guardPicks, guardQuestion } from '../../../../src/extension/display/guardQuestions.ts';
import { definitionTooltip, instanceTooltip } from '../../../../src/extension/display/instanceTooltip.ts';
import { problemsMessage } from '../../../../src/extension/display/problemLog.ts';
import { planText, prunePicks, pruneSummary, stopQuestion } from '../../../../src/extension/display/pruneText.ts';
import { fixPicks, serverPicks } from '../../../../src/extension/display/serverPicks.ts';
import { statusModel } from '../../../../src/extension/display/statusModel.ts';
import { buildTree } from '../../../../src/extension/display/treeModel.ts';
import type { TreeNode } from '../../../../src/extension/display/treeNode.ts';
import { upgradeFailure, upgradeQuestion } from '../../../../src/extension/display/upgradeText.ts';
import { outcomeText, summaryText } from '../../../../src/extension/window/outcomeText.ts';
import type { UserChoices } from '../../../../src/extension/window/windowFacts.ts';
import type { WindowRestart } from '../../../../src/extension/window/windowServers.ts';
import type { Instance, Snapshot } from '../../../../src/model/snapshot.ts';
import { fullSnapshot } from '../../cli/fullSnapshot.ts';
import { assertGolden } from '../../cli/golden.ts';
import { claude, definition, finding, here, instance, now, snapshot, stale } from '../samples.ts';

const memory = definition({
  id: 'd2',
  name: 'memory',
  file: '/home/ann/.claude.json',
  client: 'claude-code',
  readBy: ['claude-code'],
  scope: 'user',
});
const { folder: _folder, vscodeCollection: _collection, ...inHome } = memory;
const own = { ecosystem: 'npm', name: 'notes', root: '/home/ann/api' } as const;
const otherWindow = { id: 'vscode', name: 'VS Code', pid: 999, identity: 'boot:1:999:lx:1' } as const;

/** One server for each thing that a view can say about one. */
const varied: Snapshot = snapshot({
  definitions: [
    definition(),
    inHome,
    definition({ id: 'd3', name: 'disabled', enabled: false }),
    definition({ id: 'd4', name: 'remote', transport: 'http', url: 'https://example.org' }),
    definition({ id: 'd5', name: 'twin', file: '/home/ann/api/.mcp.json' }),
    definition({ id: 'd6', name: 'guarded', guarded: true }),
    definition({ id: 'd7', name: 'taken', transport: 'http', url: 'http://127.0.0.1:1/', findings: [finding({ kind: 'port-taken' })] }),
  ],
  instances: [
    stale({ definitions: ['d1', 'd5'] }),
    instance({ pid: 2, client: otherWindow }),
    instance({ pid: 3, name: 'guarded', definitions: ['d6'], guarded: true }),
    stale({ pid: 4, name: 'memory', definitions: ['d2'], client: claude }),
    instance({
      pid: 5,
      name: 'memory',
      definitions: ['d2'],
      client: claude,
      findings: [finding({ kind: 'duplicate', confidence: 'likely' })],
    }),
    instance({ pid: 6, name: 'left', definitions: [], client: null, findings: [finding({ kind: 'orphan' })] }),
    instance({ pid: 7, name: 'service', definitions: [], client: null, background: true, package: null, memoryBytes: 0 }),
    instance({
      pid: 8,
      name: 'gone',
      definitions: [],
      findings: [finding({ kind: 'files-gone' })],
      package: { ...own, running: '1.0.0', installed: null },
    }),
    instance({
      pid: 9,
      name: 'update',
      definitions: [],
      package: { ...own, running: '1.0.0', installed: '1.0.0', latest: '1.2.0' },
      findings: [finding({ kind: 'update-available', actions: [{ kind: 'upgrade', argv: ['npm', 'install', 'notes@1.2.0'] }] })],
    }),
    instance({
      pid: 10,
      name: 'dependency',
      definitions: [],
      changedDependencies: [{ name: 'zod', running: '3.1.0', installed: '4.0.0', direction: 'upgrade' }],
      findings: [finding({ subKind: 'dependency' })],
    }),
    instance({ pid: 11, name: 'deaf', definitions: [], findings: [finding({ kind: 'unresponsive' }), finding({ kind: 'lock-conflict' })] }),
  ].map((one) => (one.name === 'everything' ? one : { ...one, command: `node /srv/${one.name}.js` })),
});
const busy = { ...here, busy: new Map([[varied.instances[2]?.id ?? '', 'restarting' as const]]) };

function drawn(nodes: readonly TreeNode[], depth = 0): string[] {
  return nodes.flatMap(({ label, description, icon, spoken, children }) => [
    `${'  '.repeat(depth)}${label} | ${description} | ${icon.id}`,
    ...(children.length === 0 ? [`${'  '.repeat(depth)}  (spoken: ${spoken})`] : []),
    ...drawn(children, depth + 1),
  ]);
}

const golden = (name: string, lines: readonly string[]): void => assertGolden(name, `${lines.join('\n')}\n`, 'extension');

describe('The wording', () => {
  it('of the rows', () => {
    const problem = {
      source: 'config',
      client: 'cursor',
      message: 'Invalid JSON: expected a comma.',
      file: '/home/ann/.cursor/mcp.json',
      line: 3,
    } as const;
    const broken = { ...varied, problems: [problem] };
    const ignored = attentions(varied, here)
      .slice(0, 1)
      .map(({ key }) => key);
    const seen = (choices: Partial<UserChoices>) => drawn(buildTree(broken, { ...busy, choices: { ...busy.choices, ...choices } }, now));
    golden('tree', [
      ...seen({}),
      ...(['server', 'package'] as const).flatMap((groupBy) => ['', `By ${groupBy}`, ...seen({ groupBy, ignored })]),
      '',
      'Only problems',
      ...seen({ onlyProblems: true }),
    ]);
  });

  it('of the tooltips of rows', () => {
    const full = fullSnapshot as Snapshot;
    const facts = { ...here, home: '/home/ada' };
    const texts = [
      ...full.instances.map((one) => instanceTooltip(one, full.definitions[0], facts, Date.parse(one.startedAt) + 60_000)),
      ...full.definitions.map((one) => definitionTooltip(one, facts)),
      ...varied.instances.slice(0, 2).map((one) => instanceTooltip(one, undefined, here, now)),
    ];
    golden('tooltips', [texts.join('\n\n---\n\n')]);
  });

  it('of the status bar', () => {
    const unknown = instance({ pid: 2, package: null });
    const quiet = [
      [],
      [instance()],
      [instance(), instance({ pid: 3 })],
      [instance(), unknown],
      [unknown],
      [unknown, instance({ pid: 3, package: null })],
    ];
    golden('status-bar', [
      ...quiet.map((instances) => statusModel(snapshot({ instances }), here, true).spoken),
      ...['text', 'spoken', 'tooltip'].map((field) => statusModel(varied, busy, true)[field as 'text' | 'spoken' | 'tooltip']),
    ]);
  });

  it('of the pick list of a restart', () => {
    golden(
      'restart-picks',
      serverPicks(varied, here, now).map(({ label, description, detail }) => [label, description, detail].join(' | ')),
    );
  });

  it('of the list of fixes', () => {
    golden(
      'fix-picks',
      [varied, snapshot()].flatMap((one) => [
        ...fixPicks(one, busy).map(({ label, description, kind }) =>
          [kind === -1 ? `--- ${label}` : label, description].filter(Boolean).join(' | '),
        ),
        '',
      ]),
    );
  });

  it('of stopping duplicates and orphans', () => {
    const around: PlanContext = { windows: new Set([here.pid]), ownPids: new Set([1]) };
    const candidates = pruneCandidates(varied, around);
    const chosen = candidates.slice(0, 2);
    const questions = [
      stopQuestion(
        chosen.slice(0, 1).map(({ plan }) => plan),
        [],
      ),
      stopQuestion(
        chosen.map(({ plan }) => plan),
        lastCopies(candidates, varied),
      ),
    ];
    const summaries = [
      pruneSummary(chosen.map((candidate) => ({ candidate, outcome: { status: 'done', message: '', steps: [] } }))),
      pruneSummary(
        chosen.slice(0, 1).map((candidate) => ({ candidate, outcome: { status: 'done', message: '', steps: [] } })),
        2,
      ),
      pruneSummary(
        chosen.map((candidate, at) => ({
          candidate,
          outcome: { status: at === 0 ? 'done' : 'failed', message: 'memory is still running.', steps: [] },
        })),
      ),
    ];
    golden('prune', [
      ...prunePicks(candidates, now).map(({ label, description, detail }) => [label, description, detail].filter(Boolean).join(' | ')),
      ...questions.flatMap(({ message, detail, button }) => ['', message, detail, `[${button}]`]),
      '',
      planText(
        chosen.map(({ plan }) => plan),
        lastCopies(candidates, varied),
      ),
      '',
      ...summaries.map(({ severity, text }) => `${severity}: ${text}`),
    ]);
  });

  it('of notifications and messages', () => {
    const group = (instances: readonly Instance[]) => announcements(snapshot({ instances }), here, ['stale', 'orphans', 'storms']);
    const announced = [
      group([stale()]),
      group([stale(), stale({ pid: 2, client: claude })]),
      group([stale(), stale({ pid: 2, name: 'other folder' })]),
      group([stale({ findings: [finding({ subKind: 'content' })], package: instance().package })]),
      group([instance({ client: null, findings: [finding({ kind: 'orphan', message: 'its client has exited' })] })]),
    ].flat();
    const named = ['a', 'b', 'c', 'd', 'e'].map((name, at) =>
      stale({ pid: at + 1, name, package: { ...own, name, running: '1', installed: '2' } }),
    );
    const restarted = { kind: 'restarted', before: stale(), after: instance({ pid: 4805 }), leftBehind: false } as const;
    const settling = instance({ pid: 4805, package: { ...own, running: null, installed: '1.1.0' } });
    const failed = { kind: 'failed', reason: 'memory did not end.' } as const;
    const outcomes: WindowRestart[] = [
      restarted,
      { ...restarted, after: settling },
      { ...restarted, leftBehind: true },
      { ...restarted, after: stale({ pid: 4805 }) },
      { kind: 'stopped', before: stale(), leftBehind: false },
      { kind: 'stopped', before: stale(), leftBehind: true },
      failed,
    ];
    const plan: UpgradePlan = {
      argv: ['npm', 'install', '--prefix', '/srv/my shop', 'notes@1.2.0'],
      command: 'npm install --prefix "/srv/my shop" notes@1.2.0',
      cwd: '/work',
      packageName: 'notes',
      from: '1.0.0',
      to: '1.2.0',
      instances: [instance(), instance({ pid: 2, client: claude })],
      order: 'upgrade-first',
    };
    const problem = { source: 'config', message: 'Invalid JSON: expected a comma.', file: '/home/ann/.cursor/mcp.json', line: 3 } as const;
    golden('messages', [
      ...announced.map((one) => announcementText(one, here)),
      ...[
        group(named.slice(0, 2)),
        group(named),
        group([stale(), instance({ pid: 6, name: 'left', findings: [finding({ kind: 'orphan' })] })]),
      ].map(groupText),
      '',
      ...outcomes.map(outcomeText),
      ...[[restarted], [restarted, restarted], [restarted, failed, restarted], outcomes.slice(0, 4)].map(summaryText),
      '',
      ...[plan, { ...plan, order: 'stop-first' as const, instances: plan.instances.slice(0, 1) }].flatMap((one) => [
        ...[undefined, { exact: false }, { exact: true }].flatMap((undo) => Object.values(upgradeQuestion(one, undo, here))),
        upgradeFailure(one, 'exit code 1'),
        '',
      ]),
      problemsMessage([problem], here.home) ?? '',
      problemsMessage([problem, problem, problem], here.home) ?? '',
    ]);
  });

  it('of the guard questions', () => {
    const change = (action: ProtectChange['action']) => ({ action, definition: { name: 'notes' } }) as ProtectChange;
    golden('guard-questions', [
      ...Object.values(guardQuestion('notes', 'api/.vscode/mcp.json')),
      ...guardPicks().map(({ label, detail }) => `- ${label} | ${detail}`),
      ...(['protect', 'unprotect'] as const).flatMap((action) => ['', changeNotice(change(action)), guardDone(change(action))]),
      ...(['lazy', 'eager'] as const).flatMap((start) => [
        '',
        ...[false, true].map((guarded) => changeNotice({ ...change('protect'), start, guarded })),
        guardDone({ ...change('protect'), start }),
      ]),
    ]);
  });
});
