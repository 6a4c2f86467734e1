import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { keepOnly } from '../../base/keepOnly.ts';
import { identityKey, type ProcessIdentity } from '../../model/process.ts';
import { type Usage, usageReader } from '../../process/processActivity.ts';
import { readRecord, writeRecord } from '../../storage/jsonRecord.ts';
import { stateFolderIfPossible } from '../../storage/stateFolder.ts';
import { identitySchema, time } from './factStore.ts';

const count = v.pipe(v.number(), v.minValue(0));
const schema = v.object({ schema: v.literal(1), identity: identitySchema, takenAt: time, cpuMs: count, readBytes: v.exactOptional(count) });
type Reading = v.InferOutput<typeof schema>;

/** How often the counts are looked at: a look at two files of `/proc` for each process. */
const lookEveryMs = 60_000;
/** A busy server's record is written anew no oftener; an idle one's not at all. */
const writeEveryMs = 600_000;

/** A running server, as far as its quiet needs it. */
export interface Counted {
  readonly identity: ProcessIdentity;
  /** PIDs, the server first. */
  readonly tree: readonly number[];
}

/**
 * Remembers what each server had read when somebody looked last, so that whoever looks hours later (another window, the command line) knows since when it
 * has been idle at least. The files are cleared away with the other facts (`FactStore.forget`). Never throws.
 */
export class LastReadTimes {
  readonly #folder: string;
  readonly #read: (tree: readonly number[]) => Usage | undefined;
  /** What was read of each record, by its file, with what told that the file is still that one. */
  readonly #records = new Map<string, { readonly mark: string; readonly reading: Reading | undefined }>();
  #lookedAt = 0;

  /** @param read replaced in tests only */
  constructor(runDir: string, read: (tree: readonly number[]) => Usage | undefined = usageReader()) {
    this.#folder = stateFolderIfPossible(runDir, 'facts').folder;
    this.#read = read;
  }

  /** Notes the counts of all servers, once a minute at most. @param now epoch ms */
  note(servers: readonly Counted[], now: number): void {
    if (now - this.#lookedAt < lookEveryMs && now >= this.#lookedAt) {
      return;
    }
    this.#lookedAt = now;
    keepOnly(this.#records, new Set(servers.map(({ identity }) => this.#file(identity))));
    for (const { identity, tree } of servers) {
      const signs = this.#read(tree);
      const known = signs && this.#known(identity);
      if (signs && (!known || (!isQuiet(known, signs) && (now - known.takenAt > writeEveryMs || now < known.takenAt)))) {
        this.#write({ schema: 1, identity, takenAt: now, cpuMs: signs.cpuMs, ...pick(signs) });
      }
    }
  }

  /** Since when it has read nothing; where that is not counted, since when it has used no processor time. Undefined when it did, or nobody has looked before. */
  since(identity: ProcessIdentity, signs: Usage): { readonly since: number; readonly by: 'bytes' | 'processor' } | undefined {
    const known = this.#known(identity);
    return known && isQuiet(known, signs) ? { since: known.takenAt, by: known.readBytes === undefined ? 'processor' : 'bytes' } : undefined;
  }

  #known(identity: ProcessIdentity): Reading | undefined {
    const record = this.#record(this.#file(identity));
    return record && identityKey(record.identity) === identityKey(identity) ? record : undefined;
  }

  /** It is written by rename, so another one has another inode, change time or size. */
  #record(file: string): Reading | undefined {
    const mark = markOf(file);
    const known = this.#records.get(file);
    if (known !== undefined && known.mark === mark) {
      return known.reading;
    }
    const reading = mark === undefined ? undefined : readRecord(file, schema);
    if (mark === undefined) {
      this.#records.delete(file);
    } else {
      this.#records.set(file, { mark, reading });
    }
    return reading;
  }

  #write(reading: Reading): void {
    try {
      writeRecord(this.#file(reading.identity), reading);
    } catch {
      // Where nothing can be kept, nobody is called idle.
    }
  }

  #file(identity: ProcessIdentity): string {
    return join(this.#folder, `${createHash('sha256').update(identityKey(identity)).digest('hex').slice(0, 32)}.quiet.json`);
  }
}

function markOf(file: string): string | undefined {
  try {
    const stat = statSync(file, { throwIfNoEntry: false });
    return stat && `${stat.ino} ${stat.ctimeMs} ${stat.size}`;
  } catch {
    return undefined;
  }
}

function pick({ readBytes }: Usage): { readonly readBytes?: number } {
  return readBytes === undefined ? {} : { readBytes };
}

function isQuiet(known: Reading, signs: Usage): boolean {
  return known.readBytes === undefined || signs.readBytes === undefined
    ? known.readBytes === signs.readBytes && known.cpuMs === signs.cpuMs
    : known.readBytes === signs.readBytes;
}
