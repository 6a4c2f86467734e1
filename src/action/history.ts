import { appendFileSync, existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { stateFolder } from '../survey/stateFolder.ts';

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
  steps: v.pipe(v.array(v.object({ text, result: text })), v.maxLength(50)),
  outcome: v.picklist(['done', 'failed', 'refused']),
  message: text,
  /** The process that runs instead, after a restart. */
  after: v.optional(v.object({ pid, runs: v.nullable(text) })),
});

/** One action that was taken on this machine. Redacted, as everything that comes from a snapshot. */
export type HistoryEntry = Readonly<v.InferOutput<typeof entrySchema>>;

/** Then the file is put aside and the one before it is dropped: years of use. */
const maxBytes = 1_048_576;

function historyFile(runDir: string): string {
  return join(stateFolder(runDir, 'history'), 'history.jsonl');
}

/** Adds one entry, as one write of one line, so that several programs can do it at once. @throws on I/O errors */
export function appendHistory(runDir: string, entry: HistoryEntry): void {
  const file = historyFile(runDir);
  const line = `${JSON.stringify(v.parse(entrySchema, entry))}\n`;
  if (existsSync(file) && statSync(file).size + line.length > maxBytes) {
    renameSync(file, `${file}.1`);
  }
  appendFileSync(file, line, { mode: 0o600 });
}

/** All entries, oldest first. Lines that are no entries (cut by a full disk, written by a later version) are left out. Never throws: no file is no history. */
export function readHistory(runDir: string): HistoryEntry[] {
  return [`${historyPath(runDir)}.1`, historyPath(runDir)].flatMap((file) => {
    try {
      return readFileSync(file, 'utf8').split('\n').flatMap(parseLine);
    } catch {
      return [];
    }
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
