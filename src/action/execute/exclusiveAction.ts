import { createHash } from 'node:crypto';
import { reasonOf } from '../../base/errors.ts';
import { t } from '../../base/language/translate.ts';
import type { Log } from '../../base/log.ts';
import { quotedText } from '../../base/singleLine.ts';
import { type Actor, actOnce } from '../../lock/actOnce.ts';
import { openLockDirectory, protocolBase } from '../../lock/lockDirectory.ts';
import { readProcessStarts } from '../../lock/processStarts.ts';
import { FactStore } from '../../survey/facts/factStore.ts';
import type { ActionTarget, Verb } from '../plan/plan.ts';
import { appendHistory, type HistoryEntry, type HistoryTarget, historyEntry, requesterText } from './actionHistory.ts';
import { alreadyEndedMessage, type RunPlace } from './otherAction.ts';

/** Who asks for an action, and where its records go. */
export interface Requester extends RunPlace {
  /** For the user: "terminal (PID 4711)", "VS Code window (PID 4711)". */
  readonly by: string;
  /** The window that acts for it, in the same form. */
  readonly via?: string;
  readonly log: Log;
}

/** The result of the action itself. */
export interface ActionResult {
  readonly outcome: 'done' | 'failed' | 'refused';
  /** One sentence for the user. */
  readonly message: string;
  readonly steps: readonly { readonly text: string; readonly result: string }[];
  /** `stillOld`: the new process does not run the installed version either. */
  readonly after?: { readonly pid: number; readonly runs: string | null; readonly stillOld?: true };
}

/** An action's result from its parts; without steps unless some are given. */
export function actionResult(outcome: ActionResult['outcome'], message: string, steps: ActionResult['steps'] = []): ActionResult {
  return { outcome, message, steps };
}

/** The result of a request for an action. */
export type Outcome =
  | ({
      readonly status: 'done' | 'failed' | 'refused';
      /** PID under which the client started the server again. */
      readonly startedAgain?: number;
    } & Omit<ActionResult, 'outcome'>)
  /** Another requester did it or is doing it, or the process ended by itself; we did nothing. */
  | { readonly status: 'already' | 'busy'; readonly message: string }
  /** The user has to take this step. */
  | { readonly status: 'manual'; readonly message: string };

/** How long to wait while another requester acts on the same server; a restart may have to download first. */
const busyLimitMs = 120_000;

/** The name of the intent on one process, with or without a record (docs/instance-lock-protocol.md, section 8). */
export function intentTarget(instance: string): string {
  return createHash('sha256').update(`shepherd\ninstance\n${instance}`, 'utf8').digest('hex').slice(0, 32);
}

/**
 * Acts on a server under its intent: at most once for each process on this machine, however many requesters there are. The result goes into the history.
 * @param isRunning whether exactly the target still runs; called while waiting, and once more under the intent
 */
export async function runExclusively(
  target: ActionTarget,
  verb: Verb,
  requester: Requester,
  isRunning: () => Promise<boolean>,
  act: () => Promise<ActionResult>,
): Promise<Outcome> {
  const opened = openLockDirectory(protocolBase(requester.runDir, requester.explicitRunDir));
  if ('refused' in opened) {
    return recordOutcome(refused(notExclusive(opened.refused)), target, verb, requester);
  }
  const { directory } = opened;
  const start = (await (await readProcessStarts()).startOf(process.pid)) ?? '?';
  const options = {
    directory,
    expect: target.instance,
    actor: {
      by: requesterText(requester).slice(0, 200),
      pid: process.pid,
      start,
      verb: verb === 'end' ? ('reap' as const) : verb,
      since: new Date().toISOString(),
    },
    current: async () => ((await isRunning()) ? target.instance : undefined),
    waitMs: busyLimitMs,
  };
  const actAndRecord = async (): Promise<ActionResult> => {
    new FactStore(requester.runDir).noteAsked(target.instance);
    const result = await safely(act);
    appendToHistory(requester, historyTarget(target), verb, result);
    return result;
  };
  // Other requesters may know the server by its record only: an actor holds both intents.
  const { record } = target;
  const outer = await actOnce({ ...options, target: intentTarget(target.instance) }, async () =>
    record === undefined
      ? ({ status: 'acted', result: await actAndRecord() } as const)
      : actOnce({ ...options, target: record }, actAndRecord),
  );
  const once = outer.status === 'acted' ? outer.result : outer;
  switch (once.status) {
    case 'acted': {
      const { outcome, ...rest } = once.result;
      return { status: outcome, ...rest };
    }
    case 'already':
      return recordOutcome({ status: 'already', message: await alreadyEndedMessage(requester, target) }, target, verb, requester);
    case 'busy':
      return recordOutcome({ status: 'busy', message: busyText(target, once.actor) }, target, verb, requester);
    default:
      return recordOutcome(refused(notExclusive(once.reason)), target, verb, requester);
  }
}

/** An error of the action is a failed action, which belongs in the history too. */
async function safely(act: () => Promise<ActionResult>): Promise<ActionResult> {
  try {
    return await act();
  } catch (error) {
    return actionResult('failed', reasonOf(error));
  }
}

/** Records a request that led to no action of ours, and returns it. A step that the user has to take is not recorded. */
export function recordOutcome(outcome: Outcome, target: ActionTarget, verb: Verb, requester: Requester): Outcome {
  if (outcome.status !== 'manual') {
    const steps = 'steps' in outcome ? outcome.steps : [];
    appendToHistory(requester, historyTarget(target), verb, { outcome: outcome.status, message: outcome.message, steps });
  }
  return outcome;
}

/** The target of an action as the history keeps it. */
export function historyTarget({ instance, pid, name, client, runs }: ActionTarget): HistoryTarget {
  const whose = client ? { client: `${client.name} (PID ${client.pid})`, clientIdentity: client.identity } : { client };
  return { instance, pid, name, ...whose, runs };
}

/** Adds to the history. A failure to write is logged and stops nothing. */
export function appendToHistory(
  requester: Requester,
  target: HistoryTarget,
  verb: HistoryEntry['verb'],
  done: Omit<ActionResult, 'outcome'> & { readonly outcome: HistoryEntry['outcome'] },
): void {
  const { outcome, message, steps, after } = done;
  const { by, via } = requester;
  try {
    appendHistory(
      requester.runDir,
      historyEntry({ by, ...(via === undefined ? {} : { via }), verb, target, steps, outcome, message, ...(after ? { after } : {}) }),
    );
  } catch (error) {
    requester.log.warn(`The action on ${target.name} (PID ${target.pid}) could not be added to the history: ${reasonOf(error)}`);
  }
}

function busyText(target: ActionTarget, actor: Actor | undefined): string {
  const who = actor
    ? actor.verb === 'restart'
      ? t('{0} has been restarting it since {1}', quotedText(actor.by), quotedText(actor.since))
      : t('{0} has been stopping it since {1}', quotedText(actor.by), quotedText(actor.since))
    : t('another process is acting on it and has not identified itself');
  return t('Nothing was done to {0} (PID {1}): {2}.', target.name, target.pid, who);
}

function notExclusive(reason: string): string {
  return t('Nothing was done, because another program could not be kept from acting at the same time: {0}.', reason);
}

function refused(message: string): Outcome {
  return { status: 'refused', message, steps: [] };
}
