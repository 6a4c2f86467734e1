import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { isRecord } from '../../base/json.ts';
import { readRecord, writeRecord, writeRecordOnce } from '../../storage/jsonRecord.ts';
import { privateFolder } from '../../storage/privateFolder.ts';

/** What is kept of one entry: `readRecord` refuses larger files, so what does not fit is not kept. */
export const maxBytes = 1_000_000;
/** Clients, environments and versions whose answers are kept beside each other. */
const maxSets = 6;
/** Of one of them. */
export const maxAnswers = 200;
/** UTF-16 units of a request. */
export const maxRequest = 2_000;
const maxDifferences = 10;
/** Files of entries that are kept, and for how long without a use, ms. */
const [maxFiles, maxAgeMs] = [200, 90 * 86_400_000];

const time = v.pipe(v.number(), v.minValue(0));
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const plainObject = v.custom<Record<string, unknown>>(isRecord);
const sentence = v.pipe(v.string(), v.maxLength(1_000), v.regex(/^\P{Cc}*$/u));

const answerSchema = v.object({
  /** Method and parameters, hashed where the parameters are the user's (addresses of resources). */
  request: v.pipe(v.string(), v.maxLength(maxRequest)),
  result: plainObject,
  /** In place of a result: a server of an earlier protocol refuses `server/discover`, with which clients begin. */
  error: v.exactOptional(plainObject),
  at: time,
  /** How many starts in a row gave it; for `resources/list`. */
  same: v.pipe(v.number(), v.integer(), v.minValue(1)),
});
const setSchema = v.object({ key: hash, usedAt: time, answers: v.pipe(v.array(answerSchema), v.maxLength(maxAnswers)) });
const differenceSchema = v.object({ key: hash, at: time, what: sentence });
const kept = {
  schema: v.literal(1),
  /** The newest first. */
  sets: v.pipe(v.array(setSchema), v.maxLength(maxSets)),
  differences: v.pipe(v.array(differenceSchema), v.maxLength(maxDifferences)),
  /** Why the last lazy start failed; the next session starts the server at once. */
  failed: v.optional(v.object({ at: time, reason: sentence })),
  /** Keys of servers that asked their client something before their first answer. */
  asking: v.pipe(v.array(hash), v.maxLength(maxSets)),
  /** Sessions that ended without a start of the server. */
  spared: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** Resident memory of the server, measured after a start; bytes. */
  memoryBytes: v.optional(time),
};
const fileSchema = v.object(kept);

export type KeptAnswer = Readonly<v.InferOutput<typeof answerSchema>>;
export type KeptAnswers = Readonly<v.InferOutput<typeof fileSchema>>;

const empty: KeptAnswers = { schema: 1, sets: [], differences: [], asking: [], spared: 0 };

/** The answers of the servers of one entry, in a file that only this user can read. Tool lists only: no arguments and no values of the environment. */
export class AnswerFile {
  readonly #file: string | undefined;

  /** @param file undefined: nothing is kept */
  constructor(file: string | undefined) {
    this.#file = file;
  }

  /** A file that is missing, broken or not ours is an empty one. */
  read(): KeptAnswers {
    return (this.#file === undefined ? undefined : readRecord(this.#file, fileSchema)) ?? empty;
  }

  /** Reads, changes and writes it. Where two guards write at a time, the last one counts. @throws on I/O errors */
  change(change: (kept: KeptAnswers) => KeptAnswers): void {
    if (this.#file !== undefined) {
      writeRecord(this.#file, fitting(change(this.read())));
    }
  }
}

/** Leaves out the oldest that do not fit. */
function fitting(answers: KeptAnswers): KeptAnswers {
  let sets = [...answers.sets].sort((a, b) => b.usedAt - a.usedAt).slice(0, maxSets);
  sets = sets.map((set) => ({ ...set, answers: set.answers.slice(-maxAnswers) }));
  while (sets.length > 0 && Buffer.byteLength(JSON.stringify(sets)) > maxBytes) {
    sets.pop();
  }
  return { ...answers, sets, differences: answers.differences.slice(-maxDifferences), asking: answers.asking.slice(-maxSets) };
}

/** The folder of these files. Removes old ones. @throws what `privateFolder` throws */
export function answerFolder(runDir: string, now: number): string {
  const folder = privateFolder(runDir, 'lazy');
  const files = readdirSync(folder)
    .filter((name) => /^[0-9a-f]{32}\.json$/.test(name))
    .map((name) => ({ path: join(folder, name), at: statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((a, b) => b.at - a.at);
  for (const { path } of files.filter(({ at }, index) => index >= maxFiles || now - at > maxAgeMs)) {
    rmSync(path, { force: true });
  }
  return folder;
}

const secretSchema = v.object({ schema: v.literal(1), key: hash });

/** The secret of the keyed hashes, created on first use. @throws when it cannot be kept */
export function hashSecret(folder: string): string {
  const file = join(folder, 'secret.json');
  const known = readRecord(file, secretSchema);
  if (!known) {
    writeRecordOnce(file, { schema: 1, key: randomBytes(32).toString('hex') });
  }
  const { key } = known ?? readRecord(file, secretSchema) ?? {};
  if (key === undefined) {
    throw new Error(`${file} cannot be read`);
  }
  return key;
}
