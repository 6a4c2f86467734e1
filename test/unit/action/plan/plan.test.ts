import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { makePlan } from '../../../../src/action/plan/makePlan.ts';
import type { Plan, PlanContext, Verb } from '../../../../src/action/plan/plan.ts';
import { freedBytes, isPickedCopy, lastCopies, pruneCandidates, respawnRates } from '../../../../src/action/plan/pruneCandidates.ts';
import { manualStep } from '../../../../src/clients/clientTable.ts';
import type { Instance, Snapshot } from '../../../../src/model/snapshot.ts';
import { assertNames } from '../../../names.ts';
import { client, definition, finding, fixtureNow, instance, snapshot } from '../../cli/fixture.ts';

const window = client('vscode', 'VS Code', 4711);
const other = client('vscode', 'VS Code', 4712);
const claude = client('claude-code', 'Claude Code', 5001);
const entry = definition({ id: 'd1', name: 'memory', vscodeCollection: 'user' });
const around: PlanContext = { windows: new Set([4711]), ownPids: new Set([1, 77]) };

const record = {
  id: 'a'.repeat(32),
  serverId: 'memory',
  state: 'running',
  exclusion: 'flock',
  locks: [],
  control: ['status', 'restart', 'stop'],
  guardPid: 9,
} as const;

function plan(verb: Verb, one: Instance, others: readonly Instance[] = [], given: Partial<Snapshot> = {}): Plan {
  return makePlan(verb, one, snapshot({ definitions: [entry], instances: [one, ...others], ...given }), around);
}
const kinds = ({ steps }: Plan): string[] => steps.map(({ kind }) => kind);

describe('makePlan', () => {
  const own = instance({ name: 'memory', pid: 10, definitions: ['d1'], client: window });

  it('follows the route that its caller has decided', () => {
    const seen = snapshot({ definitions: [entry], instances: [own] });
    const made = makePlan('restart', own, seen, around, { kind: 'control', record: record.id, guardPid: 9 });
    assert.deepEqual(
      made.steps.map((step) => [step.kind, 'record' in step && step.record]),
      [['ask-control', record.id]],
    );
    // The control: decided from the snapshot, it is another one.
    assert.deepEqual(kinds(plan('restart', own)), ['ask-window']);
  });

  it('asks the window that runs it, and needs no question for what its own button would do', () => {
    for (const verb of ['restart', 'stop'] as const) {
      const made = plan(verb, own);
      assert.deepEqual([kinds(made), made.confirm], [['ask-window'], 'no']);
    }
  });

  it('tells the step in the window that has no MCP Shepherd, and never signals what the editor itself can stop', () => {
    for (const verb of ['restart', 'stop', 'end'] as const) {
      const made = plan(verb, { ...own, client: other });
      assert.deepEqual(kinds(made), ['manual'], verb);
      assert.match(made.steps[0]?.text ?? '', verb === 'restart' ? /Restart Server/ : /Stop Server/);
    }
  });

  it('tells the exact step in a client that takes no request; stopping it needs a second yes', () => {
    const one = { ...own, client: claude };
    assert.deepEqual(kinds(plan('restart', one)), ['manual']);
    const stop = plan('stop', one);
    assert.deepEqual([kinds(stop), stop.confirm], [['end-tree'], 'twice']);
    assert.equal(stop.risks.length, 3);
    // The control: with another copy under the same client, nothing is said of the only one.
    assert.equal(plan('stop', one, [instance({ name: 'memory', pid: 12, definitions: ['d1'], client: claude })]).risks.length, 2);
  });

  it('lets opencode stop its idle copy in a directory; one beside it there gets a signal, because opencode knows one in each', () => {
    const opencode = client('opencode', 'opencode', 6001);
    const idle = {
      idleSince: new Date(fixtureNow - 7_200_000).toISOString(),
      findings: [finding({ kind: 'copies', confidence: 'likely' })],
    };
    const [here, beside, there] = ['/a', '/a', '/b'].map((cwd, at) =>
      instance({ name: 'memory', pid: 40 + at, definitions: ['d1'], client: opencode, cwd, ...idle }),
    );
    assert.ok(here && beside && there);
    const seen = snapshot({ definitions: [entry], instances: [here, beside, there] });
    const askable = { ...around, askable: new Map([[6001, 'http://127.0.0.1:1']]) };
    const made = [here, beside, there].map((one) => makePlan('end', one, seen, askable));
    assert.deepEqual(made.map(kinds), [['end-tree'], ['end-tree'], ['ask-opencode']]);
    assert.deepEqual([...new Set(made.map(({ confirm }) => confirm))], ['twice']);
    for (const { risks, target } of made) {
      assert.deepEqual([risks.length, target.idle], [2, true], risks.join(' '));
    }
    // The control: opencode does not answer.
    assert.deepEqual(kinds(makePlan('end', there, seen, around)), ['end-tree']);
  });

  it('tells the step in a session of the Agent Host, which no program can ask; to signal its server needs a second yes and names the gentler way', () => {
    const agentHost = client('vscode-agent-host', 'VS Code Agent Host', 4800);
    const one = { ...own, client: agentHost };
    const restart = plan('restart', one);
    assert.deepEqual(kinds(restart), ['manual']);
    assert.equal(restart.steps[0]?.text, manualStep(agentHost, 'memory'));
    const stop = plan('stop', one);
    assert.deepEqual([kinds(stop), stop.confirm], [['end-tree'], 'twice']);
    assertNames(stop.risks[2], 'memory', '“Stop Server”');
    assert.equal(plan('stop', { ...own, client: claude }).risks.length, 3);
  });

  it('A29: asks the guard to restart, for every client, without a question; and to stop, on a second yes', () => {
    for (const guarded of [
      { ...own, record },
      { ...own, client: claude, record },
      { ...own, client: null, background: true, record },
    ]) {
      const made = plan('restart', guarded);
      assert.deepEqual(
        [made.steps.map((step) => (step.kind === 'ask-control' ? step.record : step.kind)), made.confirm],
        [[record.id], 'no'],
      );
      assertNames(made.reason, 'PID 9');
    }
    const stop = plan('stop', { ...own, client: claude, record });
    assert.deepEqual([kinds(stop), stop.confirm], [['ask-control'], 'twice']);
    // Signals alone would make the guard start it again.
    assert.deepEqual(kinds(plan('stop', { ...own, client: null, background: true, record })), ['ask-control']);
    // The editor stops its own servers itself, and knows then that they are stopped.
    assert.deepEqual(kinds(plan('stop', { ...own, record })), ['ask-window']);
    // The controls: a record without the verb, and a server that was left behind.
    assert.deepEqual(kinds(plan('restart', { ...own, client: claude, record: { ...record, control: ['status'] } })), ['manual']);
    const orphan = instance({ name: 'memory', pid: 11, findings: [finding({ kind: 'orphan' })], record });
    assert.deepEqual(kinds(plan('restart', orphan)), ['end-tree']);
  });

  it('ends a proven orphan, whatever the verb; an unproven one only on a second yes', () => {
    const orphan = instance({ name: 'memory', pid: 11, tree: [11, 9], findings: [finding({ kind: 'orphan' })] });
    for (const verb of ['restart', 'stop', 'end'] as const) {
      const made = plan(verb, orphan);
      assert.deepEqual([kinds(made), made.confirm, made.verify], [['end-tree'], 'once', 'PID 11, 9 are gone']);
    }
    const perhaps = { ...orphan, findings: [finding({ kind: 'orphan', confidence: 'unknown' })] };
    assert.equal(plan('end', perhaps).confirm, 'twice');
    assert.ok(plan('restart', perhaps).refused?.endsWith(manualStep(null, 'memory')));
  });

  it('ends no server with another one that the same script has started', () => {
    const launchers = [{ pid: 40, kind: 'sh', command: 'sh start.sh' }];
    const one = instance({ name: 'one', pid: 41, launchers, background: true, tree: [41, 40, 42] });
    const two = instance({ name: 'two', pid: 42, launchers, background: true, tree: [42, 40, 41] });
    assertNames(plan('stop', one, [two]).refused, 'sh (PID 40)', 'two (PID 42)');
    assert.deepEqual(plan('end', one, [two]).steps, []);
    const left = [finding({ kind: 'orphan' })];
    assert.deepEqual(kinds(plan('end', { ...one, findings: left }, [{ ...two, findings: left }])), ['end-tree']);
    assertNames(plan('end', { ...one, findings: left }, [two]).refused, 'two (PID 42)');
  });

  it('leaves what runs on its own alone, but for a second yes', () => {
    const service = instance({ name: 'http', pid: 12, background: true, transport: 'http' });
    assert.equal(plan('restart', service).refused, `It runs without a client. ${manualStep(null, 'http')}`);
    assert.deepEqual([kinds(plan('stop', service)), plan('stop', service).confirm], [['end-tree'], 'twice']);
  });

  it('B17: refuses what runs this program', () => {
    const made = plan('end', { ...own, tree: [10, 77] });
    assert.deepEqual(
      [made.steps, made.refused],
      [[], 'This command runs below a process of memory (PID 77) and could end with it. Run it in another terminal.'],
    );
  });

  it('ends the surplus copy itself: its client would stop the one that it uses', () => {
    const surplus = { ...own, findings: [finding({ kind: 'duplicate' })] };
    const newer = instance({ name: 'memory', pid: 20, definitions: ['d1'], client: window });
    const made = plan('end', surplus, [newer]);
    assert.deepEqual([kinds(made), made.confirm], [['end-tree'], 'once']);
    assertNames(made.reason, 'PID 20');
    assert.deepEqual(kinds(plan('restart', surplus, [newer])), ['ask-window']);
  });
});

describe('pruneCandidates', () => {
  const orphan = instance({ name: 'memory', pid: 11, findings: [finding({ kind: 'orphan' })] });
  const perhaps = instance({ name: 'memory', pid: 12, findings: [finding({ kind: 'orphan', confidence: 'likely' })] });
  const old = instance({ name: 'memory', pid: 13, definitions: ['d1'], client: claude, findings: [finding({ kind: 'duplicate' })] });
  const newer = instance({ name: 'memory', pid: 14, definitions: ['d1'], client: claude });
  const elsewhere = instance({ name: 'memory', pid: 15, definitions: ['d1'], client: window });
  const service = instance({ name: 'http', pid: 16, background: true, transport: 'http' });
  const single = instance({ name: 'files', pid: 17, client: claude });
  const given = snapshot({ definitions: [entry], instances: [single, service, elsewhere, newer, old, perhaps, orphan] });
  const candidates = pruneCandidates(given, around);

  it('calls a server whose client exited a moment ago neither a proven orphan nor one that runs on its own by design', () => {
    const young = instance({ name: 'memory', pid: 18, client: null, background: false });
    assert.deepEqual(
      pruneCandidates(snapshot({ definitions: [entry], instances: [young] }), around).map(({ class: kind, preselected, plan: made }) => [
        kind,
        preselected,
        made.confirm,
      ]),
      [['likely-orphan', false, 'twice']],
    );
  });

  it('B15, B16: tells the classes apart, and preselects proven orphans alone', () => {
    assert.deepEqual(
      candidates.map(({ class: kind, instance: { pid }, preselected }) => [kind, pid, preselected]),
      [
        ['orphan', 11, true],
        ['likely-orphan', 12, false],
        ['duplicate', 13, false],
        ['copy', 14, false],
        ['copy', 15, false],
        ['background', 16, false],
      ],
    );
    assert.equal(freedBytes(candidates.filter(({ preselected }) => preselected)), orphan.memoryBytes);
    assertNames(candidates.find(({ class: kind }) => kind === 'copy')?.why, 'PID 5001', '2 copies');
  });

  it('B17: names a client that would be left without any copy', () => {
    const pick = (...pids: number[]) => candidates.filter(({ instance: { pid } }) => pids.includes(pid));
    assert.deepEqual(lastCopies(pick(11, 13), given), []);
    const [last, ...more] = lastCopies(pick(13, 14), given);
    assertNames(last, 'PID 5001', 'memory');
    assert.deepEqual([more.length, lastCopies(pick(15), given).length], [0, 1]);
  });

  it('B16: lists unresponsive servers and those that are idle by their guard’s record, unticked', () => {
    const guarded = instance({ name: 'wiki', pid: 19, client: claude, findings: [finding({ kind: 'unresponsive' })] });
    const idleFor = (pid: number, minutes: number): Instance =>
      instance({
        name: 'mail',
        pid,
        client: claude,
        record: { ...record, idleSince: new Date(fixtureNow - minutes * 60_000).toISOString() },
      });
    const found = pruneCandidates(snapshot({ instances: [idleFor(20, 59), idleFor(21, 60), guarded] }), around);
    assert.deepEqual(
      found.map(({ class: kind, instance: { pid }, preselected, plan: { confirm } }) => [kind, pid, preselected, confirm]),
      [
        ['wedged', 19, false, 'twice'],
        ['idle', 21, false, 'twice'],
        ['copy', 20, false, 'twice'],
      ],
    );
    assert.notDeepEqual(found[1]?.plan.risks, []);
  });

  it('shows a lock conflict, unticked, whichever client has it', () => {
    const conflict = finding({ kind: 'lock-conflict', message: '/data is used by two servers at the same time' });
    const rival = instance({ name: 'store', pid: 21, client: claude, findings: [conflict] });
    const alone = instance({ name: 'store', pid: 22, background: true, findings: [conflict] });
    const found = pruneCandidates({ ...given, instances: [rival, alone] }, around);
    assert.deepEqual(
      found.map(({ class: kind, instance: { pid }, preselected, plan: { confirm } }) => [kind, pid, preselected, confirm]),
      [
        ['lock-conflict', 21, false, 'twice'],
        ['background', 22, false, 'twice'],
      ],
    );
    for (const { why } of found) {
      assert.ok(why.endsWith(`; ${conflict.message}`), why);
    }
  });

  it('leaves a copy that its client started again out of `--copies`, and tells the rate', () => {
    const idle = { client: claude, definitions: ['d1'], idleSince: new Date(fixtureNow - 7_200_000).toISOString() };
    const copies = [31, 32, 33].map((pid) =>
      instance({ name: 'memory', pid, ...idle, findings: [finding({ kind: 'copies', confidence: 'likely' })] }),
    );
    const [, again] = copies;
    const startedAgain = new Map([[again?.id ?? '', { stops: 7, again: 5 }]]);
    const list = snapshot({ definitions: [entry], instances: [...copies, newer] });
    const picked = (context: typeof around) => pruneCandidates(list, context).filter(isPickedCopy);
    assert.deepEqual(
      picked(around).map(({ instance: { pid } }) => pid),
      [31, 32, 33],
    );
    assert.deepEqual(
      picked({ ...around, startedAgain }).map(({ instance: { pid } }) => pid),
      [31, 33],
    );
    assertNames(pruneCandidates(list, { ...around, startedAgain }).find(({ instance: { pid } }) => pid === 32)?.why, claude.name, '5 of 7');
    const done = picked(around).map((candidate, at) => ({ candidate, again: at > 0 }));
    const [rate, ...more] = respawnRates(done);
    assertNames(rate, 'memory', claude.name, 'PID 5001', '2 of 3');
    assert.deepEqual(more, []);
    assert.deepEqual(respawnRates(done.slice(0, 1)), []);
  });

  it('leaves out what runs this program', () =>
    assert.deepEqual(
      pruneCandidates(given, { ...around, ownPids: new Set([11, 14]) }).map(({ instance: { pid } }) => pid),
      [12, 13, 15, 16],
    ));
});
