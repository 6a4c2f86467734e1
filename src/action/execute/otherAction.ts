import { readdirSync } from 'node:fs';
import { t } from '../../base/language/translate.ts';
import { quotedText } from '../../base/singleLine.ts';
import { type Actor, readActor } from '../../lock/actOnce.ts';
import { findLockDirectory, protocolBase } from '../../lock/lockDirectory.ts';
import { readProcessStarts } from '../../lock/processStarts.ts';
import { type HistoryEntry, type HistoryTarget, lastDone, readHistory, requesterText } from './actionHistory.ts';

/** Where actions are recorded: history and intents. */
export interface RunPlace {
  readonly runDir: string;
  /** The run folder was named by `--run-dir` or `MCP_RUN_DIR`. */
  readonly explicitRunDir: boolean;
}

/** The question of a requester that finds the target gone. */
interface ActionQuery {
  /** The requester's name for the target: "memory (PID 4711)", "PID 4711". */
  readonly who: string;
  /** Whether an action in progress is about the target. @param intent the name of the intent that its actor holds */
  isMeant(actor: Actor, intent: string): boolean;
  /** The entry of the history about the target, if any. */
  done(entries: readonly HistoryEntry[]): HistoryEntry | undefined;
}

/** The action of another requester, as a sentence, and its target. */
interface OtherAction {
  readonly message: string;
  readonly target: HistoryTarget;
}

/** The action on the target that is done, else the one in progress; undefined when none is recorded. @throws when the system has no process table */
export async function findOtherAction({ runDir, explicitRunDir }: RunPlace, query: ActionQuery): Promise<OtherAction | undefined> {
  // In this order: an actor writes the history before it releases its intent.
  const actor = await actingOn(protocolBase(runDir, explicitRunDir), query);
  const done = query.done(readHistory(runDir));
  if (done) {
    const { target, verb, after } = done;
    const [name, by] = [`${target.name} (PID ${target.pid})`, requesterText(done)];
    const already = {
      restart: t('{0} was already restarted by {1}.', name, by),
      stop: t('{0} was already stopped by {1}.', name, by),
      upgrade: t('{0} was already upgraded by {1}.', name, by),
    }[verb === 'restart' || verb === 'upgrade' ? verb : 'stop'];
    return { message: [already, ...(after ? [t('It now runs as PID {0}.', after.pid)] : [])].join(' '), target };
  }
  return (
    actor && {
      message:
        actor.verb === 'restart'
          ? t('{0} is already being restarted by {1}.', query.who, quotedText(actor.by))
          : t('{0} is already being stopped by {1}.', query.who, quotedText(actor.by)),
      target: { instance: actor.expect, pid: Number(pidIn(actor.expect)) || 0, name: query.who, client: null, runs: null },
    }
  );
}

/** The message for a requester whose target is gone. @param record id of the record that the target or its guard had published */
export async function alreadyEndedMessage(
  place: RunPlace,
  { instance, name, record }: { readonly instance: string; readonly name?: string; readonly record?: string | undefined },
): Promise<string> {
  const who = name === undefined ? t('PID {0}', pidIn(instance) ?? '?') : t('{0} (PID {1})', name, pidIn(instance) ?? '?');
  const other = await findOtherAction(place, {
    who,
    // Other requesters may know the server by its record only.
    isMeant: ({ expect }, intent) => expect === instance || intent === record,
    done: (entries) => lastDone(entries, instance),
  });
  return other?.message ?? t('{0} is no longer running; nothing was done.', who);
}

/** The PID in the text of an identity. */
export function pidIn(identity: string): string | undefined {
  return identity.split(':')[2];
}

/** The actor of an action in progress. An intent left by a process that was killed does not count. */
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
