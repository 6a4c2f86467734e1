import { createHash } from 'node:crypto';
import { reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type Actor, actOnce } from '../../lock/actOnce.ts';
import { openLockDirectory, protocolBase } from '../../lock/lockDirectory.ts';
import { readProcessStarts } from '../../lock/processStarts.ts';
import type { ActionTarget, Verb } from '../plan/plan.ts';
import { appendHistory, type HistoryEntry, type HistoryTarget, historyEntry } from './actionHistory.ts';
import { alreadyEndedMessage, type RunPlace } from './otherAction.ts';

/** Who wants something done, and where its files are. */
export interface Requester extends RunPlace {
  /** For a person: "terminal (PID 4711)", "VS Code window (PID 4711)". */
  readonly by: string;
  readonly log: Log;
}

/** What became of the work itself. */
export interface ActionResult {
  readonly outcome: 'done' | 'failed' | 'refused';
  /** One sentence for a person. */
  readonly message: string;
  readonly steps: readonly { readonly text: string; readonly result: string }[];
  /** `stillOld`: what runs now is not what is installed either. */
  readonly after?: { readonly pid: number; readonly runs: string | null; readonly stillOld?: true };
}

/** Work of which one sentence tells all. */
export function actionResult(outcome: ActionResult['outcome'], message: string, steps: ActionResult['steps'] = []): ActionResult {
  return { outcome, message, steps };
}

/** What became of the wish. */
export type Outcome =
  | ({
      readonly status: 'done' | 'failed' | 'refused';
      /** Its client has started again what was ended: under this PID. */
      readonly startedAgain?: number;
    } & Omit<ActionResult, 'outcome'>)
  /** Somebody else did it, is doing it, or the process ended by itself; nothing was done by us. */
  | { readonly status: 'already' | 'busy'; readonly message: string }
  /** The step is the user's. */
  | { readonly status: 'manual'; readonly message: string };

/** How long to wait while somebody else acts on the same server; a restart may have to download first. */
const busyLimitMs = 120_000;

/** The name of the intent on a process, whether it has a record or not: one for each incarnation (docs/instance-lock-protocol.md, section 8). */
export function intentTarget(instance: string): string {
  return createHash('sha256').update(`shepherd\ninstance\n${instance}`, 'utf8').digest('hex').slice(0, 32);
}

/**
 * Does something to a server under its intent, at most once for each incarnation on this machine, whoever asks; and writes it into the history.
 * @param isThere whether exactly the process of the plan still runs: asked while waiting, and once more under the intent
 */
export async function runExclusively(
  target: ActionTarget,
  verb: Verb,
  asker: Requester,
  isThere: () => Promise<boolean>,
  act: () => Promise<ActionResult>,
): Promise<Outcome> {
  const opened = openLockDirectory(protocolBase(asker.runDir, asker.explicitRunDir));
  if ('refused' in opened) {
    return recordOutcome(refused(notExclusive(opened.refused)), target, verb, asker);
  }
  const { directory } = opened;
  const start = (await (await readProcessStarts()).startOf(process.pid)) ?? '?';
  const intention = {
    directory,
    expect: target.instance,
    actor: {
      by: asker.by.slice(0, 200),
      pid: process.pid,
      start,
      verb: verb === 'end' ? ('reap' as const) : verb,
      since: new Date().toISOString(),
    },
    current: async () => ((await isThere()) ? target.instance : undefined),
    waitMs: busyLimitMs,
  };
  const doIt = async (): Promise<ActionResult> => {
    const result = await carefully(act);
    appendToHistory(asker, historyTarget(target), verb, result);
    return result;
  };
  // Others may know the server by its record alone: whoever acts on it holds both.
  const { record } = target;
  const outer = await actOnce({ ...intention, target: intentTarget(target.instance) }, async () =>
    record === undefined ? ({ status: 'acted', result: await doIt() } as const) : actOnce({ ...intention, target: record }, doIt),
  );
  const deed = outer.status === 'acted' ? outer.result : outer;
  switch (deed.status) {
    case 'acted': {
      const { outcome, ...rest } = deed.result;
      return { status: outcome, ...rest };
    }
    case 'already':
      return recordOutcome({ status: 'already', message: await alreadyEndedMessage(asker, target) }, target, verb, asker);
    case 'busy':
      return recordOutcome({ status: 'busy', message: busyText(target, deed.actor) }, target, verb, asker);
    default:
      return recordOutcome(refused(notExclusive(deed.reason)), target, verb, asker);
  }
}

async function carefully(act: () => Promise<ActionResult>): Promise<ActionResult> {
  try {
    return await act();
  } catch (error) {
    return actionResult('failed', reasonOf(error));
  }
}

/** Writes down what became of a wish that came to no work, and gives it back. What the user has to do is no action. */
export function recordOutcome(outcome: Outcome, target: ActionTarget, verb: Verb, asker: Requester): Outcome {
  if (outcome.status !== 'manual') {
    const steps = 'steps' in outcome ? outcome.steps : [];
    appendToHistory(asker, historyTarget(target), verb, { outcome: outcome.status, message: outcome.message, steps });
  }
  return outcome;
}

/** What the history says of the process that is meant. */
export function historyTarget({ instance, pid, name, client, runs }: ActionTarget): HistoryTarget {
  return { instance, pid, name, client: client && `${client.name} (PID ${client.pid})`, runs };
}

/** Adds to the history; what cannot be written is said, and stops nothing. */
export function appendToHistory(
  asker: Requester,
  target: HistoryTarget,
  verb: Verb,
  done: Omit<ActionResult, 'outcome'> & { readonly outcome: HistoryEntry['outcome'] },
): void {
  const { outcome, message, steps, after } = done;
  try {
    appendHistory(asker.runDir, historyEntry({ by: asker.by, verb, target, steps, outcome, message, ...(after ? { after } : {}) }));
  } catch (error) {
    asker.log.warn(`What was done to ${target.name} (PID ${target.pid}) could not be written into the history: ${String(error)}`);
  }
}

const present = { restart: 'restarting', stop: 'stopping', reap: 'ending' } as const;

function busyText(target: ActionTarget, actor: Actor | undefined): string {
  const who = actor
    ? `${actor.by} is ${present[actor.verb]} it since ${actor.since}`
    : 'somebody is acting on it who does not say who he is';
  return `Nothing was done to ${target.name} (PID ${target.pid}): ${who}.`;
}

function notExclusive(reason: string): string {
  return `Nothing was done, because others could not be kept from doing the same at once: ${reason}.`;
}

function refused(message: string): Outcome {
  return { status: 'refused', message, steps: [] };
}
