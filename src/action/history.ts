import { appendFileSync, closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { stateFolder } from '../survey/stateFolder.ts';

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

/** Then the file is put aside and the one before it is dropped: years of use. */
const maxBytes = 1_048_576;

function historyFile(runDir: string): string {
  return join(stateFolder(runDir, 'history'), 'history.jsonl');
}

/** Adds one entry, as one write of one line, so that several programs can do it at once. @throws on I/O errors */
export function appendHistory(runDir: string, entry: HistoryEntry): void {
  const file = historyFile(runDir);
  // It begins with a line break too: what stands before it may have been cut by a full disk, and must not take this one with it.
  const line = `\n${JSON.stringify(v.parse(entrySchema, entry))}\n`;
  const there = lstatSync(file, { throwIfNoEntry: false });
  if (there && (!there.isFile() || there.size + line.length > maxBytes)) {
    // A FIFO would be waited for, and a link leads elsewhere: put aside like what is full.
    renameSync(file, `${file}.1`);
  }
  appendFileSync(file, line, { mode: 0o600 });
}

/** All entries, oldest first. Lines that are no entries (cut by a full disk, written by a later version) are left out. Never throws: no file is no history. */
export function readHistory(runDir: string): HistoryEntry[] {
  return [`${historyPath(runDir)}.1`, historyPath(runDir)].flatMap((file) => {
    return textOf(file).split('\n').flatMap(parseLine);
  });
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

function historyPath(runDir: string): string {
  try {
    return historyFile(runDir);
  } catch {
    // Cannot be made: there is none.
    return join(runDir, 'shepherd', 'history', 'history.jsonl');
  }
}

/** The text of a plain file of ours, empty when it is none. Bytes that are no UTF-8 (cut by a full disk) cost their line alone. */
function textOf(file: string): string {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    const info = fstatSync(descriptor);
    return info.isFile() && info.size <= 2 * maxBytes ? readFileSync(descriptor, 'utf8') : '';
  } catch {
    return '';
  } finally {
    if (descriptor !== undefined) {
      closeSync(descriptor);
    }
  }
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
