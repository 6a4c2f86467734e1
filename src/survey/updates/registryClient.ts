import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Disposable } from '../../base/disposable.ts';
import type { Log } from '../../base/log.ts';
import { lockFile } from '../../lock/kernelLock.ts';
import { type AnswerRecord, answeredRecord, askingRecord, isDue, isUnderWay, knownAnswer, leanOn } from '../../registry/answerRecord.ts';
import { lookUp, type Question, questionKey } from '../../registry/lookUp.ts';
import { readRecord, writeRecord } from '../../storage/jsonRecord.ts';
import { stateFolder } from '../../storage/stateFolder.ts';

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

/** The answers of registries, one file each, shared by all processes of the user. A file that cannot be read counts as missing. */
class AnswerStore {
  readonly #folder: string;

  /** @throws when the folder cannot be made */
  constructor(runDir: string) {
    this.#folder = stateFolder(runDir, 'registry');
  }

  /** The kernel lock of the process that asks; one process of the user asks at a time. */
  get lockFile(): string {
    return join(this.#folder, 'asking.lock');
  }

  /** A record of another question (a copied file, a hash collision) is ignored. */
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

/** `ask`: registries are asked once a day for each package. `cached`: only stored answers are used, without network requests. `off`: no updates at all. */
export type RegistryMode = 'ask' | 'cached' | 'off';

interface RegistryOptions {
  readonly runDir: string;
  readonly mode: () => RegistryMode;
  readonly log: Log;
  /** Epoch ms. */
  readonly now: () => number;
  /** Time limit of one request, ms. */
  readonly limitMs?: number;
}

const defaultLimitMs = 2_000;
/** At most this many requests are in flight. */
const atOnce = 4;
/** While another process asks, its answers are waited for this much longer than its time limit. */
const othersMs = 500;

/** Whether the user forbids network requests by the variable `MCP_SHEPHERD_OFFLINE` (any value but empty, `0` and `false`). */
export function staysOffline(env: Readonly<Record<string, string | undefined>>): boolean {
  return !/^(0|false)?$/i.test(env.MCP_SHEPHERD_OFFLINE ?? '');
}

/** An answer with its time. */
export type Known = NonNullable<AnswerRecord['answer']>;

/**
 * Newest versions from registries. Answers at once from stored answers, and asks in the background for those that are due. One process of the user asks at a
 * time, and each package is asked for once a day.
 */
export class RegistryClient implements Disposable {
  readonly #options: RegistryOptions;
  readonly #records = new Map<string, AnswerRecord>();
  readonly #waiting = new Map<string, Question>();
  readonly #listeners = new Set<() => void>();
  readonly #end = new AbortController();
  #store: AnswerStore | 'unusable' | undefined;
  #round: Promise<void> | undefined;

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  get mode(): RegistryMode {
    return this.#options.mode();
  }

  /** The stored answer. Never waits: a question that is due is asked in the background, and `onAnswer` reports the answer. */
  known(question: Question): Known | undefined {
    const mode = this.#options.mode();
    const store = mode === 'off' ? undefined : this.#openStore();
    if (!store) {
      return undefined;
    }
    const now = this.#options.now();
    const key = questionKey(question);
    let record = this.#records.get(key);
    if (!record || isUnderWay(record) || isDue(record, now)) {
      // Another process may have asked since.
      record = store.read(key);
      if (record) {
        this.#records.set(key, record);
      }
      if (mode === 'ask' && isDue(record, now) && !this.#end.signal.aborted) {
        // The same index may be configured with a password for one server and without for another.
        if (!this.#waiting.has(key) || question.targets.some((target) => target.authorization !== undefined)) {
          this.#waiting.set(key, question);
        }
        this.#round ??= this.#askAll(store).finally(() => {
          this.#round = undefined;
        });
      }
    }
    return knownAnswer(record, now);
  }

  /** Resolves when all requests have ended; undefined when there is none. */
  asking(): Promise<void> | undefined {
    return this.#round;
  }

  onAnswer(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  }

  /** Aborts all requests. */
  dispose(): void {
    this.#listeners.clear();
    this.#end.abort();
  }

  #openStore(): AnswerStore | undefined {
    if (this.#store === undefined) {
      try {
        this.#store = new AnswerStore(this.#options.runDir);
      } catch (error) {
        this.#giveUp(error);
      }
    }
    return this.#store === 'unusable' ? undefined : this.#store;
  }

  /** Without a folder for the answers, registries would be asked at each start; so they are not asked at all. */
  #giveUp(error: unknown): void {
    this.#store = 'unusable';
    this.#options.log.debug(`Registries are not asked, because answers cannot be stored: ${String(error)}`);
  }

  async #askAll(store: AnswerStore): Promise<void> {
    // Not within the scan that asked for it.
    await new Promise((resolve) => setImmediate(resolve));
    const lock = await lockFile(store.lockFile);
    if (lock.status === 'held') {
      await this.#othersAsk(store);
      return;
    }
    try {
      const asked = this.#options.now();
      const due = [...this.#waiting].filter(([key]) => isDue(store.read(key), asked));
      this.#waiting.clear();
      const lanes = Array.from({ length: Math.min(atOnce, due.length) }, async () => {
        for (let next = due.shift(); next && this.#store !== 'unusable' && !this.#end.signal.aborted; next = due.shift()) {
          await this.#askOne(store, next[0], next[1]);
        }
      });
      await Promise.all(lanes);
    } finally {
      if (lock.status === 'locked') {
        lock.lock.release();
      }
    }
    this.#tell();
  }

  /** Waits for the answers of another process. What it does not ask for is asked in a later scan. */
  async #othersAsk(store: AnswerStore): Promise<void> {
    const until = performance.now() + (this.#options.limitMs ?? defaultLimitMs) + othersMs;
    const wanted = [...this.#waiting.keys()];
    this.#waiting.clear();
    while (performance.now() < until && !this.#end.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (wanted.every((key) => !isDue(store.read(key), this.#options.now()) && !this.#isUnderWay(store, key))) {
        break;
      }
    }
    this.#tell();
  }

  #isUnderWay(store: AnswerStore, key: string): boolean {
    const record = store.read(key);
    return record !== undefined && isUnderWay(record);
  }

  async #askOne(store: AnswerStore, key: string, question: Question): Promise<void> {
    const { now, limitMs = defaultLimitMs, log } = this.#options;
    const before = store.read(key);
    const asking = askingRecord(key, before, now());
    try {
      store.write(asking);
      const reply = await lookUp(question, leanOn(before, now()), AbortSignal.any([this.#end.signal, AbortSignal.timeout(limitMs)]));
      if (this.#end.signal.aborted) {
        // The request was aborted by `dispose`: the next process may ask.
        store.write(before ?? { ...asking, askedAt: 0 });
        return;
      }
      const record = answeredRecord(asking, reply, now());
      this.#records.set(key, record);
      store.write(record);
      if (record.failure !== undefined) {
        log.debug(`No newest version of ${question.name}: ${record.failure}.`);
      }
    } catch (error) {
      this.#giveUp(error);
    }
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) {
      listener();
    }
  }
}
