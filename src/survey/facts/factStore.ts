import { createHash } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { keepOnly } from '../../base/keepOnly.ts';
import type { Baseline } from '../../diagnosis/stale/baseline.ts';
import type { Problem } from '../../model/problem.ts';
import { identityKey, type ProcessIdentity } from '../../model/process.ts';
import { readRecord, writeRecordOnce } from '../../storage/jsonRecord.ts';
import { stateFolderIfPossible, writeErrorReason } from '../../storage/stateFolder.ts';

export const text = v.pipe(v.string(), v.maxLength(4096));
export const time = v.pipe(v.number(), v.finite());
const identitySchema = v.object({ bootId: text, pidNamespace: text, pid: v.pipe(v.number(), v.integer()), start: text });

const base = { schema: v.literal(1), identity: identitySchema, takenAt: time };
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

const startMark = v.variant('by', [
  v.object({ by: v.literal('git'), content: v.pipe(v.string(), v.regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/)) }),
  v.object({ by: v.literal('compiled'), size: v.pipe(v.number(), v.integer()) }),
]);

/** Facts that are recorded of a process once, when it is first seen, each in a file of its own. */
const factSchemas = {
  /** The name that its program was started by, if that led to the running file when it was first seen. */
  program: v.object({ ...base, command: v.exactOptional(text) }),
  /**
   * The source that it loads. `late`: when a file was written after the start and before this record, epoch ms; `was`: what that file held at the start, where that
   * is known and differs. `linked`: none of the files is the server's own entry.
   */
  source: v.object({
    ...base,
    files: v.pipe(v.array(v.object({ path: text, hash, late: v.exactOptional(time), was: v.exactOptional(startMark) })), v.maxLength(1000)),
    commit: v.exactOptional(text),
    linked: v.exactOptional(v.literal(true)),
  }),
  /** The entry that it was started from, as keyed hashes. */
  entry: v.object({
    ...base,
    definition: text,
    print: v.object({
      command: v.nullable(text),
      args: v.pipe(v.array(v.nullable(text)), v.maxLength(1000), v.readonly()),
      env: v.record(text, v.nullable(text)),
      cwd: v.exactOptional(v.nullable(text)),
    }),
  }),
} as const;

type FactKind = keyof typeof factSchemas;
export type Fact<K extends FactKind> = v.InferOutput<(typeof factSchemas)[K]>;
/** What the caller of `recordFact` passes; the store adds the rest. */
export type FactValue<K extends FactKind> = Omit<Fact<K>, 'schema' | 'identity'>;

const firstSeenSchema = v.object({
  schema: v.literal(1),
  identity: identitySchema,
  firstSeenAt: time,
  client: v.optional(v.object({ id: text, name: text, identity: identitySchema })),
});

const baselineSchema = v.object({
  schema: v.literal(1),
  identity: identitySchema,
  takenAt: time,
  trust: v.picklist(['before-start', 'around-start', 'after-start']),
  packages: v.pipe(
    v.array(
      v.object({
        ecosystem: v.picklist(['npm', 'python']),
        name: text,
        version: v.exactOptional(text),
        root: text,
        content: v.exactOptional(text),
        installedAt: v.exactOptional(time),
      }),
    ),
    v.maxLength(5000),
  ),
  ownOnly: v.exactOptional(text),
  written: v.exactOptional(v.object({ name: text, path: text, at: time })),
  ref: v.exactOptional(
    v.object({
      ecosystem: v.picklist(['npm', 'python']),
      entry: text,
      environment: text,
      name: text,
      extras: v.exactOptional(v.array(text)),
      editable: v.exactOptional(v.boolean()),
    }),
  ),
});

/** When a process was first seen, and under which client: that proves later that it is an orphan. */
export type FirstSeen = v.InferOutput<typeof firstSeenSchema>;

/** Facts of processes of another boot or namespace are kept this long: from here it cannot be seen whether they still run. */
const otherBootFactsMs = 7 * 86_400_000;

/** Two writes within one tick of the file system's clock give the folder the same time. */
const unsettledMs = 1_000;

/** A record younger than this may belong to a process that started after the caller listed the processes. */
const freshRecordMs = 60_000;

/**
 * Facts of each process, stored by identity in the state folder, so that a restarted editor, another window and the command line know them too. Each fact is
 * written once and never changed: the first observer saw the process closest to its start.
 */
export class FactStore {
  readonly #folder: string;
  /** Why nothing can be stored, once that has failed. */
  #refused: string | undefined;
  readonly #firstSeen = new Map<string, FirstSeen>();
  readonly #baselines = new Map<string, Baseline>();
  /** By kind and identity. */
  readonly #facts = new Map<string, unknown>();
  /** The process of each file; a record never changes. */
  readonly #subjects = new Map<string, ProcessIdentity>();
  readonly #known = new Map<FactKind, ReadonlySet<string>>();
  /** Modification time of the folder when `#known` was read, epoch ms. */
  #knownAt = -1;
  /** Facts that were asked for and do not exist. */
  readonly #absent = new Set<string>();
  /** Modification time of the folder when `#absent` was filled, epoch ms. */
  #absentAt = -1;

  /** Never throws: without a writable folder facts live as long as this store. */
  constructor(runDir: string) {
    const { folder, refused } = stateFolderIfPossible(runDir, 'facts');
    this.#folder = folder;
    this.#refused = refused;
  }

  /** Undefined while facts can be stored. */
  problem(): Problem | undefined {
    return this.#refused === undefined
      ? undefined
      : {
          source: 'facts',
          message: `No facts can be stored (${this.#refused}), so replacements before this start cannot be detected. Make the run folder writable, or name another one with --run-dir.`,
          file: this.#folder,
        };
  }

  /** When and under which client a process was first seen; records `now` and `client` when that is this call. @param now epoch ms */
  firstSeen(identity: ProcessIdentity, now: number, client: FirstSeen['client']): FirstSeen {
    const key = identityKey(identity);
    const known = this.#firstSeen.get(key) ?? this.#read(identity, 'seen', firstSeenSchema);
    if (known) {
      this.#firstSeen.set(key, known);
      return known;
    }
    const fresh: FirstSeen = { schema: 1, identity, firstSeenAt: now, ...(client ? { client } : {}) };
    this.#write(this.#file(identity, 'seen'), fresh);
    this.#firstSeen.set(key, fresh);
    return fresh;
  }

  baseline(identity: ProcessIdentity): Baseline | undefined {
    const key = identityKey(identity);
    const known = this.#baselines.get(key) ?? this.#read(identity, 'baseline', baselineSchema);
    if (known) {
      this.#baselines.set(key, known);
    }
    return known;
  }

  /** The file that holds the baseline of a process, for display. */
  baselineFile(identity: ProcessIdentity): string {
    return this.#file(identity, 'baseline');
  }

  /** Records the packages of a process, unless another observer already has. @returns the stored record */
  recordBaseline(identity: ProcessIdentity, baseline: Baseline): Baseline {
    this.#write(this.#file(identity, 'baseline'), { schema: 1, identity, ...baseline });
    const stored = this.baseline(identity) ?? baseline;
    this.#baselines.set(identityKey(identity), stored);
    return stored;
  }

  /** A fact of a process; undefined when none was recorded. */
  fact<K extends FactKind>(identity: ProcessIdentity, kind: K): Fact<K> | undefined {
    const key = `${kind}:${identityKey(identity)}`;
    const known = this.#facts.get(key) as Fact<K> | undefined;
    if (known || this.#isAbsent(key)) {
      return known;
    }
    const record = readRecord(this.#file(identity, kind), v.object({ identity: identitySchema }));
    const read =
      record && identityKey(record.identity) === identityKey(identity)
        ? readRecord(this.#file(identity, kind), factSchemas[kind])
        : undefined;
    if (read) {
      this.#facts.set(key, read);
    } else if (this.#absentAt !== 0) {
      this.#absent.add(key);
    }
    return read as Fact<K> | undefined;
  }

  /** Records a fact, unless another observer already has. @returns the stored record */
  recordFact<K extends FactKind>(identity: ProcessIdentity, kind: K, value: FactValue<K>): FactValue<K> {
    const fresh = { schema: 1, identity, ...value };
    this.#write(this.#file(identity, kind), fresh);
    const stored = this.fact(identity, kind) ?? value;
    this.#facts.set(`${kind}:${identityKey(identity)}`, stored);
    return stored;
  }

  /** `identityKey` of all processes with a fact of this kind. Read again only when the folder changed. */
  known(kind: FactKind): ReadonlySet<string> {
    const changed = this.#folderChanged();
    if (changed !== this.#knownAt) {
      this.#knownAt = changed;
      this.#known.clear();
    }
    let keys = this.#known.get(kind);
    if (!keys) {
      const records = this.#names()
        .filter((name) => name.endsWith(`.${kind}.json`))
        .map((name) => readRecord(join(this.#folder, name), v.object({ identity: identitySchema })));
      keys = new Set(records.flatMap((record) => (record ? [identityKey(record.identity)] : [])));
      this.#known.set(kind, keys);
    }
    return keys;
  }

  /** Whether the record did not exist when it was last asked for, and the folder did not change since. */
  #isAbsent(key: string): boolean {
    const changed = this.#folderChanged();
    if (changed !== this.#absentAt || Date.now() - changed < unsettledMs) {
      // Read before the record: a record that is written in between is found the next time.
      this.#absentAt = changed;
      this.#absent.clear();
    }
    return this.#absent.has(key);
  }

  #folderChanged(): number {
    try {
      return statSync(this.#folder).mtimeMs;
    } catch {
      return 0;
    }
  }

  /**
   * Deletes facts of processes that have ended. Those of the same boot and namespace that are not in `alive` are deleted at once, others after a week.
   * @param now epoch ms
   */
  forget(here: Pick<ProcessIdentity, 'bootId' | 'pidNamespace'>, alive: ReadonlySet<string>, now: number): void {
    const names = this.#names();
    keepOnly(this.#subjects, new Set(names));
    for (const name of names) {
      const file = join(this.#folder, name);
      const subject = this.#subjectOf(name);
      const ours = subject?.bootId === here.bootId && subject.pidNamespace === here.pidNamespace;
      if ((subject && ours && alive.has(identityKey(subject))) || !olderThan(file, now - freshRecordMs)) {
        continue;
      }
      if (subject && ours) {
        this.#drop(file, identityKey(subject));
      } else if (olderThan(file, now - otherBootFactsMs)) {
        this.#drop(file, '');
      }
    }
  }

  #subjectOf(name: string): ProcessIdentity | undefined {
    const known = this.#subjects.get(name) ?? readRecord(join(this.#folder, name), v.object({ identity: identitySchema }))?.identity;
    if (known) {
      this.#subjects.set(name, known);
    }
    return known;
  }

  #names(): string[] {
    try {
      return readdirSync(this.#folder);
    } catch (error) {
      this.#refused = writeErrorReason(error);
      return [];
    }
  }

  #write(file: string, record: object): void {
    try {
      writeRecordOnce(file, record);
    } catch (error) {
      this.#refused = writeErrorReason(error);
    }
  }

  #drop(file: string, key: string): void {
    try {
      rmSync(file, { force: true });
    } catch (error) {
      this.#refused = writeErrorReason(error);
    }
    this.#firstSeen.delete(key);
    this.#baselines.delete(key);
    for (const kind of Object.keys(factSchemas)) {
      this.#facts.delete(`${kind}:${key}`);
    }
  }

  #file(identity: ProcessIdentity, kind: 'seen' | 'baseline' | FactKind): string {
    return join(this.#folder, `${createHash('sha256').update(identityKey(identity)).digest('hex').slice(0, 32)}.${kind}.json`);
  }

  /** A record that names another process (a copied file, a hash collision) is ignored. */
  #read<S extends typeof firstSeenSchema | typeof baselineSchema>(
    identity: ProcessIdentity,
    kind: 'seen' | 'baseline',
    schema: S,
  ): v.InferOutput<S> | undefined {
    const record = readRecord(this.#file(identity, kind), schema);
    return record && identityKey(record.identity) === identityKey(identity) ? record : undefined;
  }
}

function olderThan(file: string, limit: number): boolean {
  try {
    return statSync(file).mtimeMs < limit;
  } catch {
    return false;
  }
}
