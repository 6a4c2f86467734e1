import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { type Actor, actOnce, readActor } from '../lock/intent.ts';
import { findLockDirectory, type LockDirectory, openLockDirectory, protocolBase } from '../lock/lockDirectory.ts';
import { createWitness } from '../lock/witness.ts';
import type { Log } from '../types/log.ts';
import { appendHistory, type HistoryEntry, lastDone, readHistory } from './history.ts';
import type { Target, Verb } from './plan.ts';

/** Who wants something done, and where its files are. */
export interface Asker {
  /** For a person: "terminal (PID 4711)", "VS Code window (PID 4711)". */
  readonly by: string;
  readonly runDir: string;
  /** The run folder was named by `--run-dir` or `MCP_RUN_DIR`. */
  readonly explicitRunDir: boolean;
  readonly log: Log;
}

/** What became of the work itself. */
export interface Work {
  readonly outcome: 'done' | 'failed' | 'refused';
  /** One sentence for a person. */
  readonly message: string;
  readonly steps: readonly { readonly text: string; readonly result: string }[];
  readonly after?: { readonly pid: number; readonly runs: string | null };
}

/** What became of the wish. */
export type Outcome =
  | ({ readonly status: 'done' | 'failed' | 'refused' } & Omit<Work, 'outcome'>)
  /** Somebody else did it, is doing it, or the process ended by itself; nothing was done by us. */
  | { readonly status: 'already' | 'busy'; readonly message: string }
  /** The step is the user's. */
  | { readonly status: 'manual'; readonly message: string };

/** How long to wait while somebody else acts on the same server; a restart may have to download first. */
const busyLimitMs = 120_000;

/** The name of the intent on a server that has no record of its own: one for each incarnation. */
export function intentTarget(instance: string): string {
  return createHash('sha256').update(`shepherd\ninstance\n${instance}`, 'utf8').digest('hex').slice(0, 32);
}

/**
 * Does something to a server under its intent, at most once for each incarnation on this machine, whoever asks; and writes it into the history.
 * @param isThere whether exactly the process of the plan still runs: asked while waiting, and once more under the intent
 */
export async function actOn(
  target: Target,
  verb: Verb,
  asker: Asker,
  isThere: () => Promise<boolean>,
  work: () => Promise<Work>,
): Promise<Outcome> {
  const opened = openLockDirectory(protocolBase(asker.runDir, asker.explicitRunDir));
  if ('refused' in opened) {
    return refused(notExclusive(opened.refused));
  }
  const { directory } = opened;
  const name = intentTarget(target.instance);
  const start = (await (await createWitness()).startOf(process.pid)) ?? '?';
  const deed = await actOnce(
    {
      directory,
      target: name,
      expect: target.instance,
      actor: {
        by: asker.by.slice(0, 200),
        pid: process.pid,
        start,
        verb: verb === 'end' ? 'reap' : verb,
        since: new Date().toISOString(),
      },
      current: async () => ((await isThere()) ? target.instance : undefined),
      waitMs: busyLimitMs,
    },
    async () => {
      const result = await carefully(work);
      remember(asker, target, verb, result);
      return result;
    },
  );
  switch (deed.status) {
    case 'acted': {
      const { outcome, ...rest } = deed.result;
      return { status: outcome, ...rest };
    }
    case 'already':
      return { status: 'already', message: alreadyText(target, asker.runDir, directory) };
    case 'busy':
      return { status: 'busy', message: busyText(target, deed.actor) };
    default:
      return refused(notExclusive(deed.reason));
  }
}

async function carefully(work: () => Promise<Work>): Promise<Work> {
  try {
    return await work();
  } catch (error) {
    return { outcome: 'failed', message: error instanceof Error ? error.message : String(error), steps: [] };
  }
}

function remember(asker: Asker, target: Target, verb: Verb, work: Work): void {
  const { instance, pid, name, client, runs } = target;
  const entry: HistoryEntry = {
    schema: 1,
    at: new Date().toISOString(),
    by: asker.by,
    verb,
    target: { instance, pid, name, client: client && `${client.name} (PID ${client.pid})`, runs },
    steps: work.steps.map(({ text, result }) => ({ text: text.slice(0, 4_096), result: result.slice(0, 4_096) })),
    outcome: work.outcome,
    message: work.message.slice(0, 4_096),
    ...(work.after ? { after: work.after } : {}),
  };
  try {
    appendHistory(asker.runDir, entry);
  } catch (error) {
    asker.log.warn(`What was done to ${name} (PID ${pid}) could not be written into the history: ${String(error)}`);
  }
}

const past = { restart: 'restarted', stop: 'stopped', end: 'ended' } as const;
const present = { restart: 'restarting', stop: 'stopping', reap: 'ending' } as const;

/** Somebody who is acting right now on the process that had this PID, in words; for askers who come when it is gone and its successor not yet there. */
export async function actingOn(runDir: string, explicitRunDir: boolean, pid: number): Promise<string | undefined> {
  const found = findLockDirectory(protocolBase(runDir, explicitRunDir));
  if (!found || 'refused' in found) {
    return undefined;
  }
  const witness = await createWitness();
  for (const name of namesIn(found.directory.intents)) {
    const actor = readActor(found.directory, name);
    if (actor?.expect.split(':')[2] === String(pid) && (await witness.startOf(actor.pid)) === actor.start) {
      return `PID ${pid} is already being ${past[actor.verb === 'reap' ? 'end' : actor.verb]} by ${actor.by}.`;
    }
  }
  return undefined;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).flatMap((name) => /^([0-9a-f]{32})\.json$/.exec(name)?.[1] ?? []);
  } catch {
    return [];
  }
}

/** Who has done something to a process that is gone; for askers who come when it is over. */
export function endedMeanwhile(runDir: string, instance: string): string {
  const done = lastDone(readHistory(runDir), instance);
  return done ? alreadyDone(done) : 'It has ended meanwhile; nothing was done.';
}

/** Who has done it already. */
export function alreadyDone({ target, verb, by, after }: HistoryEntry): string {
  const now = after ? ` It runs as PID ${after.pid} now.` : '';
  return `${target.name} (PID ${target.pid}) was already ${past[verb]} by ${by}.${now}`;
}

function alreadyText(target: Target, runDir: string, directory: LockDirectory): string {
  const done = lastDone(readHistory(runDir), target.instance);
  if (done) {
    return alreadyDone(done);
  }
  const actor = readActor(directory, intentTarget(target.instance));
  if (actor) {
    return `${target.name} (PID ${target.pid}) is already being ${past[actor.verb === 'reap' ? 'end' : actor.verb]} by ${actor.by}.`;
  }
  return `${target.name} (PID ${target.pid}) has ended meanwhile; nothing was done.`;
}

function busyText(target: Target, actor: Actor | undefined): string {
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
