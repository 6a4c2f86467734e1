import * as v from 'valibot';
import { t } from '../../base/language/translate.ts';
import type { Instance } from '../../model/snapshot.ts';
import type { ClientStops } from '../plan/plan.ts';
import { appendLine, readLines, type UnreadFile } from './historyFile.ts';

/** A server that was started again is recorded within this time of its start; a later process with its PID is another one. */
const noticedWithinMs = 30_000;

/** A tree may have hundreds of processes. */
const maxSteps = 50;

const text = v.pipe(v.string(), v.maxLength(4_096));
const pid = v.pipe(v.number(), v.integer(), v.minValue(0));
const entrySchema = v.object({
  schema: v.literal(1),
  /** ISO 8601. */
  at: text,
  /** The requester, for the user: "terminal (PID 4711)". In entries without `via` it may name the window too. */
  by: text,
  /** The window that acted for the requester: "VS Code window (PID 4711)". */
  via: v.exactOptional(text),
  /** Versions before 0.2 leave out entries with `upgrade`. */
  verb: v.picklist(['restart', 'stop', 'end', 'upgrade']),
  target: v.object({
    instance: text,
    pid,
    name: text,
    client: v.nullable(text),
    /** The text of the client's identity. */
    clientIdentity: v.exactOptional(text),
    runs: v.nullable(text),
  }),
  steps: v.pipe(v.array(v.object({ text, result: text })), v.maxLength(maxSteps)),
  /** `already`: another program did it, or the server had ended. `busy`: another program is doing it. `started-again`: the client started the server again. */
  outcome: v.picklist(['done', 'failed', 'refused', 'already', 'busy', 'started-again']),
  message: text,
  /** The process that runs instead, after a restart. */
  after: v.optional(v.object({ pid, runs: v.nullable(text), stillOld: v.exactOptional(v.literal(true)) })),
});

/** One action that was taken on this machine. Redacted, as everything that comes from a snapshot. */
export type HistoryEntry = Readonly<v.InferOutput<typeof entrySchema>>;

/** The part of an entry about its target. */
export type HistoryTarget = HistoryEntry['target'];

/** "terminal (PID 4711), through the VS Code window (PID 4712)". */
export function requesterText({ by, via }: { readonly by: string; readonly via?: string }): string {
  return via === undefined ? by : t('{0}, through the {1}', by, via);
}

/** An entry of now, cut to what the file takes: no long name and no large tree keeps an action out of the history. */
export function historyEntry(
  entry: Omit<HistoryEntry, 'schema' | 'at' | 'steps'> & { readonly steps: readonly HistoryEntry['steps'][number][] },
): HistoryEntry {
  const cut = (value: string): string => value.slice(0, 4_096);
  const { target, steps, via } = entry;
  const kept = steps.length > maxSteps ? steps.slice(0, maxSteps - 1) : steps;
  const rest = steps.length - kept.length;
  return {
    ...entry,
    schema: 1,
    at: new Date().toISOString(),
    by: cut(entry.by),
    ...(via === undefined ? {} : { via: cut(via) }),
    target: {
      ...target,
      name: cut(target.name),
      client: target.client && cut(target.client),
      runs: target.runs && cut(target.runs),
    },
    steps: [
      ...kept.map((step) => ({ text: cut(step.text), result: cut(step.result) })),
      ...(rest > 0 ? [{ text: t('{0} more', rest), result: t('not listed') }] : []),
    ],
    message: cut(entry.message),
  };
}

/** Adds one entry. @throws on I/O errors */
export function appendHistory(runDir: string, entry: HistoryEntry): void {
  appendLine(runDir, JSON.stringify(v.parse(entrySchema, entry)));
}

/**
 * All entries, oldest first, and the files that cannot be read. Lines that are no entries (cut by a full disk, written by a later version) are left out.
 * Never throws: without a file the history is empty.
 */
export function readHistoryFiles(runDir: string): { readonly entries: HistoryEntry[]; readonly unread: readonly UnreadFile[] } {
  const { lines, unread } = readLines(runDir);
  return { entries: lines.flatMap(parseLine), unread };
}

/** The entries that can be read, for code that searches them: a file that cannot be read does not stop an action. Never throws. */
export function readHistory(runDir: string): HistoryEntry[] {
  return readHistoryFiles(runDir).entries;
}

/** The last action that did something to exactly this process. @param instance the text of its identity */
export function lastDone(entries: readonly HistoryEntry[], instance: string): HistoryEntry | undefined {
  return entries.findLast((entry) => entry.target.instance === instance && entry.outcome === 'done');
}

/** How often copies of a server were stopped under the client process of this one, and how often the client started the server again at once. */
export function stopsUnder(entries: readonly HistoryEntry[], { name, client }: Pick<Instance, 'name' | 'client'>): ClientStops {
  const own = entries.filter(
    ({ verb, target }) =>
      (verb === 'stop' || verb === 'end') && client !== null && target.clientIdentity === client.identity && target.name === name,
  );
  return {
    stops: own.filter(({ outcome }) => outcome === 'done').length,
    again: own.filter(({ outcome }) => outcome === 'started-again').length,
  };
}

/** The servers that their client started again when a copy of them was stopped, by id, with the client's rate. */
export function startedAgain(entries: readonly HistoryEntry[], instances: readonly Instance[]): ReadonlyMap<string, ClientStops> {
  const again = entries.filter(({ outcome }) => outcome === 'started-again');
  return new Map(
    instances.flatMap((instance) => {
      const { id, pid, client, startedAt } = instance;
      const isThis = ({ at, after, target }: HistoryEntry): boolean =>
        after?.pid === pid &&
        target.clientIdentity === client?.identity &&
        Math.abs(Date.parse(at) - Date.parse(startedAt)) <= noticedWithinMs;
      return client && again.some(isThis) ? [[id, stopsUnder(entries, instance)] as const] : [];
    }),
  );
}

/**
 * The last action of this kind that was done since a moment: a requester of that moment meant the process that is gone now.
 * @param asked a name or a PID (of the process that was acted on, or of the one that runs instead) @param since epoch ms
 */
export function doneSince(
  entries: readonly HistoryEntry[],
  asked: string,
  verb: HistoryEntry['verb'],
  since: number,
): HistoryEntry | undefined {
  return entries.findLast(
    ({ target, after, outcome, at, verb: did }) =>
      outcome === 'done' &&
      did === verb &&
      Date.parse(at) >= since &&
      [target.name, String(target.pid), after === undefined ? '' : String(after.pid)].includes(asked),
  );
}

function parseLine(line: string): HistoryEntry[] {
  if (line === '') {
    return [];
  }
  try {
    const result = v.safeParse(entrySchema, JSON.parse(line));
    return result.success ? [result.output] : [];
  } catch {
    return [];
  }
}
