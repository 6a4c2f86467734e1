import { join } from 'node:path';
import { readHistory } from '../../../src/action/execute/actionHistory.ts';
import { readPlanContext } from '../../../src/action/execute/planContext.ts';
import { serveRequests } from '../../../src/action/execute/windowRequestServer.ts';
import { pruneCandidates } from '../../../src/action/plan/pruneCandidates.ts';
import { upgradePlan } from '../../../src/action/plan/upgradePlan.ts';
import type { Log } from '../../../src/base/log.ts';
import { runCommandLine } from '../../../src/cli/runCommandLine.ts';
import type { Output, Shell } from '../../../src/cli/terminal.ts';
import {
  announcements,
  announcementText,
  groupText,
  type NotificationKind,
  notificationKinds,
} from '../../../src/extension/display/announcements.ts';
import { detailsDocument } from '../../../src/extension/display/details/detailsHtml.ts';
import { detailsPage } from '../../../src/extension/display/details/detailsPage.ts';
import { evidenceText } from '../../../src/extension/display/evidenceText.ts';
import { definitionTooltip, instanceTooltip } from '../../../src/extension/display/instanceTooltip.ts';
import { withoutLinks } from '../../../src/extension/display/plainText.ts';
import { problemsMessage } from '../../../src/extension/display/problemLog.ts';
import { planText, prunePicks, stopQuestion } from '../../../src/extension/display/pruneText.ts';
import { fixPicks, serverPicks } from '../../../src/extension/display/serverPicks.ts';
import { statusModel } from '../../../src/extension/display/statusModel.ts';
import { buildTree } from '../../../src/extension/display/treeModel.ts';
import { upgradePicks, upgradeQuestion } from '../../../src/extension/display/upgradeText.ts';
import { groupings, type WindowFacts } from '../../../src/extension/window/windowFacts.ts';
import { holderText } from '../../../src/guard/publish/acquireLocks.ts';
import { takeOver } from '../../../src/guard/publish/takeover.ts';
import { clearDeadRecords } from '../../../src/lock/clearDeadRecords.ts';
import { publishedHolders } from '../../../src/lock/holdResources.ts';
import { openLockDirectory } from '../../../src/lock/lockDirectory.ts';
import { readProcessStarts } from '../../../src/lock/processStarts.ts';
import { identityKey, type ProcessRow } from '../../../src/model/process.ts';
import type { Snapshot } from '../../../src/model/snapshot.ts';
import { createSurveyor } from '../../../src/survey/machineSurveyor.ts';
import { readPublished } from '../../../src/survey/publishedSnapshot.ts';
import type { HostileTree } from './hostileFiles.ts';
import type { Claimed } from './hostileRunFolder.ts';
import { hostileText } from './hostileText.ts';

/** A text that a user or a model sees, and what interprets it. */
export interface Shown {
  readonly where: string;
  readonly text: string;
  /** `label` is one line; `question` and `log` are plain text with several. */
  readonly kind: 'terminal' | 'markdown' | 'notice' | 'label' | 'question' | 'log';
}

/** The world that is read, and where the texts go. */
export interface Reading {
  readonly tree: HostileTree;
  readonly rows: readonly ProcessRow[];
  readonly claimed: readonly Claimed[];
  /** Of servers that files of the world name. */
  readonly names: readonly string[];
  /** Of its made processes. */
  readonly pids: readonly number[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly shown: Shown[];
}

function logTo(shown: Shown[], where: string): Log {
  const line = (text: string): void => void shown.push({ where, text, kind: 'log' });
  return { debug: line, info: line, warn: line, error: line };
}

/** Runs one command line as the program does, over at once: a scan is not repeated, and nothing is awaited. */
async function command({ tree, env, shown }: Reading, argv: readonly string[]): Promise<void> {
  const ended = AbortSignal.abort();
  const texts: string[] = [];
  const output = (): Output => ({ isTty: false, size: () => undefined, write: (text) => void texts.push(text) });
  const shell: Shell = {
    stdout: output(),
    stderr: output(),
    env,
    cwd: tree.project,
    home: tree.home,
    platform: 'linux',
    now: Date.now,
    ended,
    endOnSignals() {},
    onResize: () => () => undefined,
  };
  await runCommandLine([...argv, '--run-dir', tree.runDir], shell);
  shown.push({ where: argv.join(' ').slice(0, 100), text: texts.join(''), kind: 'terminal' });
}

/** Every text of the views for one snapshot. */
export function display({ tree, shown }: Reading, snapshot: Snapshot, around: Parameters<typeof pruneCandidates>[1]): void {
  const history = readHistory(tree.runDir);
  const facts: WindowFacts = {
    pid: snapshot.instances.find(({ client }) => client)?.client?.pid ?? 1,
    clientId: 'vscode',
    trusted: true,
    controllable: true,
    home: tree.home,
    busy: new Map(),
    stopped: new Set(),
    choices: { ignored: [], muted: [], onlyProblems: false, groupBy: groupings[snapshot.instances.length % groupings.length] ?? 'client' },
  };
  const now = Date.now();
  const add = (where: string, kind: Shown['kind'], ...texts: readonly (string | undefined)[]): void => {
    shown.push(...texts.flatMap((text) => (text === undefined ? [] : [{ where, text, kind }])));
  };
  const rows = buildTree(snapshot, facts, now);
  for (let open = [...rows]; open.length > 0; open = open.flatMap(({ children }) => [...children])) {
    for (const { label, description, spoken } of open) {
      add('tree', 'label', label, description, spoken);
    }
  }
  const status = statusModel(snapshot, facts, true);
  add('status bar', 'label', status.text, status.spoken);
  add('status bar', 'markdown', status.tooltip);
  for (const definition of snapshot.definitions.slice(0, 50)) {
    add('tooltip of an entry', 'markdown', definitionTooltip(definition, facts));
  }
  for (const instance of snapshot.instances) {
    add('tooltip', 'markdown', instanceTooltip(instance, undefined, facts, now));
    add('details', 'log', evidenceText(instance, snapshot, facts, now));
    add('page', 'log', detailsDocument(detailsPage({ instance, snapshot, facts, history }), 'nonce'));
    const plan = upgradePlan(instance, snapshot, 'linux');
    if (plan) {
      const { message, detail } = upgradeQuestion(plan, { exact: true }, facts);
      add('question', 'question', message, detail);
    }
  }
  const everyKind = Object.keys(notificationKinds) as NotificationKind[];
  for (const one of announcements(snapshot, facts, everyKind)) {
    add('announcement', 'notice', withoutLinks(announcementText(one, facts)));
  }
  add('announcement', 'notice', withoutLinks(groupText(announcements(snapshot, facts, everyKind))));
  add('message of the view', 'label', problemsMessage(snapshot.problems, tree.home));
  for (const { label, description, detail } of [
    ...serverPicks(snapshot, facts, now),
    ...upgradePicks(snapshot, facts),
    ...fixPicks(snapshot, facts).map((pick) => ({ detail: undefined, ...pick })),
  ]) {
    add('pick', 'label', label, description, detail);
  }
  const candidates = pruneCandidates(snapshot, around);
  for (const { label, description, detail } of prunePicks(candidates, now)) {
    add('pick', 'label', label, description, detail);
  }
  const plans = candidates.map(({ plan }) => plan);
  const { message, detail } = stopQuestion(plans, []);
  add('question', 'question', message, detail);
  add('plan', 'log', planText(plans, []));
}

/** Scans that may ask registries, with the views of the extension, and what a window does with the run folder. */
async function windowReads(reading: Reading): Promise<void> {
  const { tree, env, shown, rows } = reading;
  const { home, runDir, project } = tree;
  const log = logTo(shown, 'log of the window');
  const surveyor = await createSurveyor({
    home,
    platform: 'linux',
    env,
    runDir,
    folders: [project],
    vscodeUserDirs: [join(home, '.config', 'Code', 'User')],
    workspaceFiles: [join(project, 'x.code-workspace')],
    log,
    registry: () => 'ask',
    registryLimitMs: 100,
  });
  try {
    await surveyor.survey();
    await surveyor.asking();
    const snapshot = await surveyor.survey();
    const around = await readPlanContext(runDir, 'linux', snapshot);
    display(reading, snapshot, around);
    readPublished(join(runDir, 'shepherd', 'scanner'), '0.1.0');
    const own = rows.find(({ pid }) => pid === process.pid);
    if (own) {
      serveRequests(
        runDir,
        { pid: own.pid, identity: identityKey(own.identity) },
        async () => ({ status: 'refused', message: '', steps: [] }),
        log,
      ).dispose();
    }
  } finally {
    surveyor.dispose();
  }
}

/** What a guard decides by the records of others: whom to name, and whom it would end. */
async function guardReads({ tree, claimed, shown }: Reading): Promise<void> {
  const opened = openLockDirectory(join(tree.runDir, 'v1'));
  if ('refused' in opened) {
    return;
  }
  const { directory } = opened;
  const starts = await readProcessStarts();
  for (const { key } of claimed) {
    const [holder] = await publishedHolders(directory, key, starts);
    if (holder) {
      shown.push({ where: 'holder of a lock', text: holderText(holder), kind: 'terminal' });
      const result = await takeOver({ directory, starts, holder, key, force: tree.chance.is(0.5) });
      shown.push({ where: 'takeover', text: JSON.stringify(result), kind: 'terminal' });
    }
  }
  await clearDeadRecords(directory, starts);
}

/** A name to ask for: one of the world, or any word. */
function asked({ tree: { chance }, names }: Reading): string {
  const words = names.filter((name) => !name.startsWith('-'));
  return chance.is(0.9) && words.length > 0 ? chance.pick(words) : `x${hostileText(chance)}`;
}

/** For one step, ms of processor time. Where other programs use the processor, the clock may show twenty times as much. */
const limitMs = 10_000;

/** @throws when the step takes longer than the limit, and what the step throws */
export async function inTime<T>(what: string, step: Promise<T>, limit = limitMs): Promise<T> {
  const [began, before] = [performance.now(), process.cpuUsage()];
  const check = (): void => {
    const { user, system } = process.cpuUsage(before);
    if ((user + system) / 1_000 > limit || performance.now() - began > 20 * limit) {
      throw new Stuck(`${what} takes more than ${limit / 1_000} s (open: ${[...new Set(process.getActiveResourcesInfo())].join(', ')})`);
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      try {
        check();
      } catch (error) {
        reject(error);
      }
    }, limit / 10);
  });
  try {
    const result = await Promise.race([step, late]);
    // No timer runs during a step that never pauses.
    check();
    return result;
  } finally {
    clearInterval(timer);
  }
}

/** A step that may still run. */
export class Stuck extends Error {}

/**
 * Reads a world as the product does.
 * @param all by the window and by every command; otherwise by one of them, because each scans the machine: every third world by the window, the others by the commands in turn
 * @throws what the product throws
 */
export async function readEverything(reading: Reading, all: boolean): Promise<void> {
  const { chance } = reading.tree;
  const { seed } = chance;
  const name = (): string => asked(reading);
  const json = (): readonly string[] => (chance.is(0.5) ? ['--json'] : []);
  if (all || seed % 3 === 0) {
    await inTime('the window', windowReads(reading));
  }
  const commands: (readonly string[])[] = [
    ['status', ...json()],
    ['watch', ...json()],
    ['explain', name(), ...json()],
    ['restart', name(), '--dry-run'],
    ['stop', chance.is(0.5) || reading.pids.length === 0 ? name() : String(chance.pick(reading.pids)), '--dry-run', ...json()],
    ['prune', '--dry-run', ...json()],
    ['history', ...json()],
    ['protect', name(), '--dry-run', ...json()],
    ['unprotect', name(), '--dry-run'],
    ['ensure', name()],
    ['doctor', ...json()],
  ];
  for (const [index, words] of commands.entries()) {
    if (all || (seed % 3 !== 0 && index === (seed - Math.floor(seed / 3)) % commands.length)) {
      await inTime(words.join(' ').slice(0, 100), command(reading, words));
    }
  }
  await inTime('the guard', guardReads(reading));
}
