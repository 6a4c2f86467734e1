import { readdirSync } from 'node:fs';
import { type Actor, readActor } from '../../lock/actOnce.ts';
import { findLockDirectory, protocolBase } from '../../lock/lockDirectory.ts';
import { readProcessStarts } from '../../lock/processStarts.ts';
import { type HistoryEntry, type HistoryTarget, lastDone, readHistory } from './actionHistory.ts';

/** Where those who act say so. */
export interface RunPlace {
  readonly runDir: string;
  /** The run folder was named by `--run-dir` or `MCP_RUN_DIR`. */
  readonly explicitRunDir: boolean;
}

/** What somebody wants to know of who comes too late. */
export interface ActionQuery {
  /** How he calls what he meant: "memory (PID 4711)", "PID 4711". */
  readonly who: string;
  /** Whether somebody who acts right now acts on that. @param intent the name of what he holds */
  isMeant(actor: Actor, intent: string): boolean;
  /** What of the history was done to it. */
  done(entries: readonly HistoryEntry[]): HistoryEntry | undefined;
}

/** What another has done, or is doing, in words; and to what. */
export interface OtherAction {
  readonly message: string;
  readonly target: HistoryTarget;
}

const past = { restart: 'restarted', stop: 'stopped', end: 'ended', reap: 'ended' } as const;

/** Who has done something to what is meant, or else is just doing it; undefined when nobody says so. @throws when the system has no process list */
export async function findOtherAction({ runDir, explicitRunDir }: RunPlace, late: ActionQuery): Promise<OtherAction | undefined> {
  // In this order: whoever has done it writes it down before he lets go.
  const actor = await actingOn(protocolBase(runDir, explicitRunDir), late);
  const done = late.done(readHistory(runDir));
  if (done) {
    const { target, verb, by, after } = done;
    const now = after ? ` It runs as PID ${after.pid} now.` : '';
    return { message: `${target.name} (PID ${target.pid}) was already ${past[verb]} by ${by}.${now}`, target };
  }
  return (
    actor && {
      message: `${late.who} is already being ${past[actor.verb]} by ${actor.by}.`,
      target: { instance: actor.expect, pid: Number(pidIn(actor.expect)) || 0, name: late.who, client: null, runs: null },
    }
  );
}

/** What is said to whoever wants something of a process that is gone. @param record id of what it, or its guard, had published */
export async function alreadyEndedMessage(
  place: RunPlace,
  { instance, name, record }: { readonly instance: string; readonly name?: string; readonly record?: string | undefined },
): Promise<string> {
  const who = name === undefined ? `PID ${pidIn(instance)}` : `${name} (PID ${pidIn(instance)})`;
  const other = await findOtherAction(place, {
    who,
    // Others may know the server by its record alone.
    isMeant: ({ expect }, intent) => expect === instance || intent === record,
    done: (entries) => lastDone(entries, instance),
  });
  return other?.message ?? `${who} has ended meanwhile; nothing was done.`;
}

/** The PID in the text of an identity. */
export function pidIn(identity: string): string | undefined {
  return identity.split(':')[2];
}

/** Who acts right now. What was left over by somebody who was killed is not believed. */
async function actingOn(base: string, { isMeant }: ActionQuery): Promise<Actor | undefined> {
  const found = findLockDirectory(base);
  if (!found || 'refused' in found) {
    return undefined;
  }
  const { directory } = found;
  for (const intent of intentsIn(directory.intents)) {
    const actor = readActor(directory, intent);
    if (actor && isMeant(actor, intent) && (await (await readProcessStarts()).startOf(actor.pid)) === actor.start) {
      return actor;
    }
  }
  return undefined;
}

function intentsIn(folder: string): string[] {
  try {
    return readdirSync(folder).flatMap((name) => /^([0-9a-f]{32})\.json$/.exec(name)?.[1] ?? []);
  } catch {
    return [];
  }
}
