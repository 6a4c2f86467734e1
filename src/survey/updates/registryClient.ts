import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Disposable } from '../../base/disposable.ts';
import { reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { lockFile } from '../../lock/kernelLock.ts';
import { type AnswerRecord, answeredRecord, askingRecord, isDue, isInFlight, knownAnswer } from '../../registry/answerRecord.ts';
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

/** The answers of registries, one file each, shared by all windows and command lines of the user. An unreadable file counts as missing. */
class AnswerStore {
  readonly #folder: string;

  /** @throws when the folder cannot be made */
  constructor(runDir: string) {
    this.#folder = stateFolder(runDir, 'registry');
  }

  /** The file of the kernel lock that a process holds while it asks. */
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

/** `ask`: once a day for each package. `cached`: only stored answers, no network. `off`: no answers. */
export type RegistryMode = 'ask' | 'cached' | 'off';

interface RegistryClientOptions {
  readonly runDir: string;
  readonly mode: () => RegistryMode;
  readonly log: Log;
  /** Epoch ms. */
  readonly now: () => number;
  /** For one question, ms. */
  readonly limitMs?: number;
}

const defaultLimitMs = 2_000;
/** Maximum number of questions in flight. */
const atOnce = 4;
/** While another process asks, its answers are awaited for its time limit and this long, in milliseconds. */
const othersMs = 500;

/** Whether the user forbids network requests by the variable `MCP_SHEPHERD_OFFLINE` (any value but empty, `0` and `false`). */
export function staysOffline(env: Readonly<Record<string, string | undefined>>): boolean {
  return !/^(0|false)?$/i.test(env.MCP_SHEPHERD_OFFLINE ?? '');
}

/** An answer, with its time. */
type Known = NonNullable<AnswerRecord['answer']>;

/**
 * Gives the survey the answers of registries. It answers at once from stored records and asks in the background what is due. One process on the machine asks at a
 * time, and each package is asked for once a day for all processes together.
 */
export class RegistryClient implements Disposable {
  readonly #options: RegistryClientOptions;
  readonly #records = new Map<string, AnswerRecord>();
  readonly #waiting = new Map<string, Question>();
  readonly #listeners = new Set<() => void>();
  readonly #end = new AbortController();
  #store: AnswerStore | 'unusable' | undefined;
  #round: Promise<void> | undefined;

  constructor(options: RegistryClientOptions) {
    this.#options = options;
  }

  get mode(): RegistryMode {
    return this.#options.mode();
  }

  /** The stored answer. Never waits; a question that is due is asked in the background, and `onAnswer` reports new answers. */
  known(question: Question): Known | undefined {
    const mode = this.#options.mode();
    const store = mode === 'off' ? undefined : this.#openStore();
    if (!store) {
      return undefined;
    }
    const now = this.#options.now();
    const key = questionKey(question);
    let record = this.#records.get(key);
    if (!record || isInFlight(record) || isDue(record, now)) {
      // Another process may have asked since.
      record = store.read(key);
      if (record) {
        this.#records.set(key, record);
      }
      if (mode === 'ask' && isDue(record, now) && !this.#end.signal.aborted) {
        // Servers may have the same index with credentials and without.
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

  /** Resolves when all questions in flight are answered; undefined when there are none. */
  asking(): Promise<void> | undefined {
    return this.#round;
  }

  onAnswer(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  }

  /** Aborts all requests at once. */
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

  /** Without stored records each start would ask again, so nothing is asked. */
  #giveUp(error: unknown): void {
    this.#store = 'unusable';
    this.#options.log.debug(`Registries are not asked, because the answers cannot be kept: ${reasonOf(error)}`);
  }

  async #askAll(store: AnswerStore): Promise<void> {
    // After the scan that asked.
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

  /** Waits until another process has stored its answers. Questions that it did not ask are asked at a later scan. */
  async #othersAsk(store: AnswerStore): Promise<void> {
    const until = performance.now() + (this.#options.limitMs ?? defaultLimitMs) + othersMs;
    const wanted = [...this.#waiting.keys()];
    this.#waiting.clear();
    while (performance.now() < until && !this.#end.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (wanted.every((key) => !isDue(store.read(key), this.#options.now()) && !this.#isInFlight(store, key))) {
        break;
      }
    }
    this.#tell();
  }

  #isInFlight(store: AnswerStore, key: string): boolean {
    const record = store.read(key);
    return record !== undefined && isInFlight(record);
  }

  async #askOne(store: AnswerStore, key: string, question: Question): Promise<void> {
    const { now, limitMs = defaultLimitMs, log } = this.#options;
    const before = store.read(key);
    const asking = askingRecord(key, before, now());
    try {
      store.write(asking);
      const reply = await lookUp(question, knownAnswer(before, now()), AbortSignal.any([this.#end.signal, AbortSignal.timeout(limitMs)]));
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
