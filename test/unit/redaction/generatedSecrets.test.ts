import { deepEqual, equal, ok } from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { historyEntry } from '../../../src/action/execute/actionHistory.ts';
import { makePlan } from '../../../src/action/plan/makePlan.ts';
import { pruneCandidates } from '../../../src/action/plan/pruneCandidates.ts';
import type { Disposable } from '../../../src/base/disposable.ts';
import type { Log } from '../../../src/base/log.ts';
import { changeLines } from '../../../src/cli/render/changes.ts';
import { lineDiff } from '../../../src/cli/render/diffView.ts';
import { renderDoctor } from '../../../src/cli/render/doctorView.ts';
import { renderExplanation, renderSummary } from '../../../src/cli/render/explainView.ts';
import { renderHistory } from '../../../src/cli/render/historyView.ts';
import { renderPlan } from '../../../src/cli/render/planView.ts';
import { renderPrune } from '../../../src/cli/render/pruneView.ts';
import { renderStatus } from '../../../src/cli/render/statusView.ts';
import { doctorReport } from '../../../src/cli/session/doctorReport.ts';
import { jsonText } from '../../../src/cli/terminal.ts';
import { logProblems } from '../../../src/extension/display/problemLog.ts';
import type { WindowState } from '../../../src/extension/window/windowState.ts';
import { parseGuardOptions } from '../../../src/guard/options/guardOptions.ts';
import { initialFacts, launchFacts } from '../../../src/guard/publish/guardRecord.ts';
import type { RawDefinition } from '../../../src/model/definition.ts';
import type { ProcessRow } from '../../../src/model/process.ts';
import { explanationOf, summaryOf } from '../../../src/presentation/explanation.ts';
import { fileRedactor, redactorOf } from '../../../src/redaction/definitionRedactor.ts';
import { createRedactor, type Redactor } from '../../../src/redaction/redactor.ts';
import { assembleSnapshot } from '../../../src/survey/assembleSnapshot.ts';
import { FactStore } from '../../../src/survey/facts/factStore.ts';
import type { HealthFacts } from '../../../src/survey/health/healthFacts.ts';
import { judgeHealth } from '../../../src/survey/health/judgeHealth.ts';
import type { Attributed } from '../../../src/survey/match/attributeServers.ts';
import { entryFindings, entryKey } from '../../../src/survey/server/entryChange.ts';
import { commandText } from '../../../src/survey/server/instanceParts.ts';
import type { ServerContext } from '../../../src/survey/server/serverContext.ts';
import { finding, fixtureNow, instance } from '../cli/fixture.ts';
import { Tree } from '../config/tree.ts';
import { canaryMark, type MadeSecret, madeSecret, wordMark } from './secretGenerator.ts';

const total = process.env.TEST_LONG === '1' ? 200_000 : 10_000;
const batch = 500;
/** Of each batch, in places where every line, or every file, is searched for all secrets of the batch. */
const fewer = 10;
/** A list in JSON is not split as a shell splits its words, and the words of one header are not joined. */
const onlyAlone = /^(?:variable in small letters|header in words|input of a login)/;
const view = { width: 200, color: false, now: fixtureNow };
const around = { windows: new Set<number>(), ownPids: new Set<number>() };
/** A machine that has none of the programs and files which the entries name. */
const emptyMachine: HealthFacts = {
  home: '/h',
  platform: 'linux',
  env: { PATH: '/bin' },
  inTerminal: true,
  running: new Map(),
  look: () => 'absent',
};
/** Shows everything: the control of these tests. */
const leaky: Redactor = { text: (value) => value, url: (value) => value, args: (list) => [...list] };

/** A running server of an entry; on some systems its command line is one string. */
function rowOf({ command = 'node', args }: RawDefinition, pid: number, argvExact: boolean): ProcessRow {
  const identity = { bootId: 'b', pidNamespace: '1', pid, startTicks: `${pid}` } as unknown as ProcessRow['identity'];
  const argv = [command, ...args];
  return { pid, ppid: 1, identity, argv, argvExact, commandLine: argv.join(' '), name: command } as unknown as ProcessRow;
}

/** Everything that the views print of these entries and their servers, in pieces that belong to a server or to all. */
function shownTexts(definitions: readonly RawDefinition[], redactor: Redactor): string[] {
  const instances = definitions.map((raw, index) => {
    const pid = 10_000 + 2 * index;
    return instance({
      name: raw.name,
      pid,
      definitions: [raw.id],
      command: commandText(rowOf(raw, pid, true), redactor),
      launchers: [{ pid: pid + 1, kind: 'sh', command: commandText(rowOf(raw, pid + 1, index % 2 === 0), redactor) }],
      findings: [finding({ kind: 'orphan', message: redactor.text(`started by ${raw.command ?? ''} ${raw.args.join(' ')}`) })],
    });
  });
  const snapshot = assembleSnapshot(
    {
      definitions: [...definitions],
      ports: { states: new Map(), findings: new Map() },
      instances,
      copies: [],
      storms: new Map(),
      conflicts: new Map(),
      problems: definitions.slice(0, fewer).map((raw) => ({
        source: 'config',
        file: raw.file,
        message: redactor.text(`not read: ${raw.command ?? ''} ${raw.args.join(' ')}`),
      })),
      health: judgeHealth(definitions, emptyMachine, redactor),
      notStarted: [],
      hosts: [],
      otherHolders: [],
      redactor,
    },
    fixtureNow,
  );
  const plans = snapshot.instances.map((one) => makePlan('stop', one, snapshot, around));
  const candidates = pruneCandidates(snapshot, around);
  const survey = { processSource: 'proc', processCount: 1, bootId: 'b', pidNamespace: '1', folders: [], clients: [], files: [] };
  const machine = {
    version: '1',
    node: { version: 'v', path: 'n' },
    platform: 'linux',
    home: '/h',
    folders: [],
    runFolder: { path: '/nowhere' },
  };
  const report = doctorReport(snapshot, survey, machine);
  const history = plans.slice(0, 20).map((plan, index) =>
    historyEntry({
      by: 'terminal (PID 1)',
      verb: 'end',
      target: { instance: 'i', pid: 1, name: snapshot.instances[index]?.name ?? '', client: null, runs: null },
      steps: [{ text: JSON.stringify(plan), result: 'ended' }],
      outcome: 'done',
      message: `${snapshot.instances[index]?.command}`,
    }),
  );
  const log: string[] = [];
  const onChange = (listener: () => void): Disposable => {
    listener();
    return { dispose() {} };
  };
  const window = { onChange, snapshot, facts: { home: '/h' } };
  logProblems(window as unknown as WindowState, { warn: (text: string) => log.push(text) } as unknown as Log);
  return [
    ...log,
    ...changeLines(undefined, snapshot),
    ...diffLines(definitions.slice(0, fewer), redactor === leaky ? leaky : fileRedactor(definitions)),
    renderStatus(snapshot, view),
    jsonText(snapshot),
    ...snapshot.instances
      .slice(0, 100)
      .map(
        (one) =>
          renderExplanation(one, snapshot, explanationOf(one, snapshot, { restart: 'r' }), view) +
          renderSummary(one, snapshot, summaryOf(one, snapshot, { restart: 'r', now: view.now }), view),
      ),
    ...plans.map((plan, index) => {
      const one = snapshot.instances[index];
      return jsonText(plan) + (one && index < 100 ? renderPlan(plan, one, snapshot, view) : '');
    }),
    renderPrune(candidates, new Set(), view),
    jsonText(candidates),
    renderDoctor(report, { ...view, everything: true }),
    jsonText(report),
    renderHistory(history, view),
    renderHistory(history, { ...view, details: true }),
    jsonText(history),
  ];
}

/** What `protect` shows of a file in which every line changes: secrets stand on lines of their own, with the escapes of JSON. */
function diffLines(definitions: readonly RawDefinition[], redactor: Redactor): string[] {
  return definitions.flatMap(({ command, args, env, url }) => {
    const file = JSON.stringify({ command, args, env, url }, undefined, 2);
    const lines =
      lineDiff(file, file.replaceAll('\n', ' \n'), { redact: (line) => redactor.text(line), words: new Set([command ?? '', ...args]) }) ??
      [];
    return lines.map(({ text }) => text);
  });
}

/** Every file that facts and history of these entries leave in a run folder. */
function storedTexts(definitions: readonly RawDefinition[], redactor: Redactor): string[] {
  const runDir = mkdtempSync(join(tmpdir(), 'stored-'));
  try {
    const state = { facts: new FactStore(runDir), entryKey: entryKey(runDir) };
    for (const [index, raw] of definitions.entries()) {
      const row = rowOf(raw, 10_000 + index, true);
      const identity = { bootId: 'b', pidNamespace: '1', pid: row.pid, start: `lx:${row.pid}` };
      const attributed = { definitions: [raw], confidence: 'proven', client: undefined } as unknown as Attributed;
      entryFindings(attributed, { row: { ...row, identity }, now: 1 } as unknown as ServerContext, state);
      state.facts.recordFact(identity, 'program', { takenAt: 1, command: commandText(row, redactor) });
    }
    const folder = join(runDir, 'shepherd');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));
    ok(files.length > definitions.length, `${files.length} files`);
    return files.map((name) => readFileSync(join(folder, name), 'utf8'));
  } finally {
    rmSync(runDir, { recursive: true, force: true });
  }
}

/** What the record of a guard holds that started these servers, of those whose shape alone shows the secret. */
function recordTexts(first: number, redactor?: Redactor): string[] {
  return Array.from({ length: batch }, (_, index) => madeSecret(first + index).entry).flatMap(({ command = 'server', args = [], env }) => {
    const parsed = env ? undefined : parseGuardOptions(['--', command, ...args]);
    return parsed?.status !== 'run'
      ? []
      : [JSON.stringify(redactor ? launchFacts(parsed.options, redactor) : initialFacts(parsed.options, undefined, undefined))];
  });
}

/** The parts of texts around each canary. */
function leaksIn(texts: readonly string[]): string[] {
  return texts.flatMap((text) => {
    const at = [canaryMark, wordMark].map((mark) => text.indexOf(mark)).find((place) => place >= 0);
    return at === undefined ? [] : [text.slice(Math.max(0, at - 60), at + 30)];
  });
}

function byShape({ entry: { args = [], command }, byShape: shown }: MadeSecret, redactor: Redactor): string[] {
  return shown ? leaksIn([redactor.args(args, command).join(' '), redactor.text([command, ...args].join(' '))]) : [];
}

/** What views show of the entries with these seeds, read from a file as a client writes it. */
async function byView(first: number, redactorFor: (definitions: readonly RawDefinition[]) => Redactor): Promise<string[]> {
  const tree = new Tree();
  try {
    const made = Array.from({ length: batch }, (_, index) => [`s${first + index}`, madeSecret(first + index).entry]);
    tree.write('home/.cursor/mcp.json', { mcpServers: Object.fromEntries(made) });
    const { definitions, problems } = await tree.discover();
    deepEqual([definitions.length, problems], [batch, []]);
    const redactor = redactorFor(definitions);
    return leaksIn([...shownTexts(definitions, redactor), ...storedTexts(definitions.slice(0, fewer), redactor), ...recordTexts(first)]);
  } finally {
    tree.remove();
  }
}

describe(`${total} generated shapes of secrets`, () => {
  it('are hidden by their shape alone', () => {
    const redactor = createRedactor([]);
    const leaks = Array.from({ length: total }, (_, seed) => madeSecret(seed)).flatMap((made) =>
      byShape(made, redactor).map((leak) => `${made.what} → ${leak}`),
    );
    deepEqual(leaks.slice(0, 20), [], `${leaks.length} leaks`);
  }).timeout(600_000);

  it('are hidden in a text that has their entry as JSON, and every text stays as it is when it is redacted again', () => {
    const [first, second] = [createRedactor([]), createRedactor([])];
    const wrong = Array.from({ length: total / 5 }, (_, seed) => madeSecret(seed)).flatMap(({ entry, what, byShape: shown }) => {
      const { args = [], command } = entry;
      const list = first.args(args, command);
      deepEqual(second.args(list, command), list, what);
      const texts = [[command, ...args].join(' '), `config: ${JSON.stringify(entry)}`, JSON.stringify(entry, undefined, 2)];
      return texts.flatMap((text, form) => {
        const once = first.text(text);
        equal(second.text(once), once, what);
        return shown && (form === 0 || !onlyAlone.test(what)) ? leaksIn([once]).map((leak) => `${what} → ${leak}`) : [];
      });
    });
    deepEqual(wrong.slice(0, 20), [], `${wrong.length} leaks`);
  }).timeout(600_000);

  it('are in no view, plan, log, history, diff, fact, record or JSON', async () => {
    const leaks: string[] = [];
    for (let first = 0; first < total; first += batch) {
      leaks.push(...(await byView(first, redactorOf)));
    }
    deepEqual(leaks.slice(0, 20), [], `${leaks.length} leaks`);
  }).timeout(1_200_000);

  it('are all found when the redactor shows everything, and in each view', async () => {
    for (let seed = 0; seed < 500; seed++) {
      const made = madeSecret(seed);
      ok(!made.byShape || byShape(made, leaky).length === 2, made.what);
    }
    // Each part by itself, so that none is silently empty.
    const made = Array.from({ length: 50 }, (_, seed) => madeSecret(seed).entry);
    const tree = new Tree();
    try {
      tree.write('home/.cursor/mcp.json', { mcpServers: Object.fromEntries(made.map((entry, seed) => [`s${seed}`, entry])) });
      const { definitions } = await tree.discover();
      for (const part of [diffLines(definitions, leaky), storedTexts(definitions, leaky), recordTexts(0, leaky)]) {
        ok(leaksIn(part).length > 20, `${leaksIn(part).length}`);
      }
    } finally {
      tree.remove();
    }
    // Doctor shows no command line.
    ok((await byView(0, () => leaky)).length > batch);
  });

  it('are found when the redactor misses one kind', () => {
    const rules = createRedactor([]);
    const blind: Redactor = { ...rules, args: (list) => list.map((arg) => (arg.startsWith('/') ? arg : rules.text(arg))) };
    const missed = Array.from({ length: 2_000 }, (_, seed) => madeSecret(seed)).filter((made) => byShape(made, blind).length > 0);
    ok(
      missed.some(({ what }) => what.startsWith('/option')),
      `${missed.length}`,
    );
  });
});
