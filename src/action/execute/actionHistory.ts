import * as v from 'valibot';
import { appendLine, readLines, type UnreadFile } from './historyFile.ts';

/** A tree may have hundreds of processes. */
const maxSteps = 50;

const text = v.pipe(v.string(), v.maxLength(4_096));
const pid = v.pipe(v.number(), v.integer(), v.minValue(0));
const entrySchema = v.object({
  schema: v.literal(1),
  /** ISO 8601. */
  at: text,
  /** Who asked, for a person: "terminal (PID 4711)". */
  by: text,
  verb: v.picklist(['restart', 'stop', 'end']),
  target: v.object({
    instance: text,
    pid,
    name: text,
    client: v.nullable(text),
    runs: v.nullable(text),
  }),
  steps: v.pipe(v.array(v.object({ text, result: text })), v.maxLength(maxSteps)),
  /** `already`: another had done it, or it had ended. `busy`: another is at it. `started-again`: its client has started again what was ended. */
  outcome: v.picklist(['done', 'failed', 'refused', 'already', 'busy', 'started-again']),
  message: text,
  /** The process that runs instead, after a restart. */
  after: v.optional(v.object({ pid, runs: v.nullable(text), stillOld: v.exactOptional(v.literal(true)) })),
});

/** One action that was taken on this machine. Redacted, as everything that comes from a snapshot. */
export type HistoryEntry = Readonly<v.InferOutput<typeof entrySchema>>;

/** What an entry says of the process that was meant. */
export type HistoryTarget = HistoryEntry['target'];

/** An entry of now, cut to what the file takes: no long name and no large tree may keep it out of the history. */
export function historyEntry(
  entry: Omit<HistoryEntry, 'schema' | 'at' | 'steps'> & { readonly steps: readonly HistoryEntry['steps'][number][] },
): HistoryEntry {
  const cut = (words: string): string => words.slice(0, 4_096);
  const { target, steps } = entry;
  const kept = steps.length > maxSteps ? steps.slice(0, maxSteps - 1) : steps;
  const rest = steps.length - kept.length;
  return {
    ...entry,
    schema: 1,
    at: new Date().toISOString(),
    by: cut(entry.by),
    target: {
      ...target,
      name: cut(target.name),
      client: target.client && cut(target.client),
      runs: target.runs && cut(target.runs),
    },
    steps: [
      ...kept.map(({ text: words, result }) => ({ text: cut(words), result: cut(result) })),
      ...(rest > 0 ? [{ text: `${rest} more`, result: 'not listed' }] : []),
    ],
    message: cut(entry.message),
  };
}

/** Adds one entry. @throws on I/O errors */
export function appendHistory(runDir: string, entry: HistoryEntry): void {
  appendLine(runDir, JSON.stringify(v.parse(entrySchema, entry)));
}

/**
 * All entries, oldest first, and the files of which nobody knows what stands in them. Lines that are no entries (cut by a full disk, written by a later version)
 * are left out. Never throws: no file is no history.
 */
export function lookIntoHistory(runDir: string): { readonly entries: HistoryEntry[]; readonly unread: readonly UnreadFile[] } {
  const { lines, unread } = readLines(runDir);
  return { entries: lines.flatMap(parseLine), unread };
}

/** The entries that can be read, for those who look for what was done to one server: they must not be stopped by a history that cannot. Never throws. */
export function readHistory(runDir: string): HistoryEntry[] {
  return lookIntoHistory(runDir).entries;
}

/** The last action that did something to exactly this process. */
export function lastDone(entries: readonly HistoryEntry[], instance: string): HistoryEntry | undefined {
  return entries.findLast((entry) => entry.target.instance === instance && entry.outcome === 'done');
}

/**
 * Somebody else's action on what is meant, done since a moment: whoever asked at that moment meant the process that is gone now.
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
