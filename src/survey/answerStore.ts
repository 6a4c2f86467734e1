import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import type { AnswerRecord } from '../registry/answerRecord.ts';
import { readRecord, writeRecord } from './recordFile.ts';
import { stateFolder } from './stateFolder.ts';

const time = v.pipe(v.number(), v.finite());
const short = v.pipe(v.string(), v.maxLength(300));
const version = v.pipe(v.string(), v.regex(/^v?(\d+!)?\d[0-9A-Za-z.+_-]{0,63}$/));

const answerSchema = v.object({
  schema: v.literal(1),
  key: v.pipe(v.string(), v.maxLength(8192)),
  askedAt: time,
  failure: v.exactOptional(short),
  unreachable: v.exactOptional(v.boolean()),
  answer: v.exactOptional(
    v.object({
      at: time,
      candidates: v.pipe(
        v.array(v.object({ version, requires: v.exactOptional(v.pipe(v.array(short), v.maxLength(100))) })),
        v.maxLength(200),
      ),
      etag: v.exactOptional(short),
    }),
  ),
});

/** The answers of registries, one file each, shared by all windows and command lines of the user. What cannot be read is not there. */
export class AnswerStore {
  readonly #folder: string;

  /** @throws when the folder cannot be made */
  constructor(runDir: string) {
    this.#folder = stateFolder(runDir, 'registry');
  }

  /** The kernel lock that one process on the machine holds while it asks. */
  get lockFile(): string {
    return join(this.#folder, 'asking.lock');
  }

  /** A record of another question (a copied file, a hash by chance) is not believed. */
  read(key: string): AnswerRecord | undefined {
    const record = readRecord(this.#file(key), answerSchema);
    return record?.key === key ? record : undefined;
  }

  /** @throws on I/O errors */
  write(record: AnswerRecord): void {
    writeRecord(this.#file(record.key), { schema: 1, ...record });
  }

  #file(key: string): string {
    return join(this.#folder, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.json`);
  }
}
