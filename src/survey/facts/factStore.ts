import { createHash } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import { keepOnly } from '../../base/keepOnly.ts';
import { t } from '../../base/language/translate.ts';
import type { Baseline } from '../../diagnosis/stale/baseline.ts';
import type { Problem } from '../../model/problem.ts';
import { identityKey, type ProcessIdentity } from '../../model/process.ts';
import { readRecord, writeRecord, writeRecordOnce } from '../../storage/jsonRecord.ts';
import { FolderRefused } from '../../storage/privateFolder.ts';
import { stateFolder, writeErrorReason } from '../../storage/stateFolder.ts';
import {
  askedSchema,
  baselineSchema,
  type Fact,
  type FactKind,
  type FactValue,
  type FindingSeen,
  type FirstSeen,
  factSchemas,
  findingSeenSchema,
  firstSeenSchema,
  identitySchema,
} from './factSchemas.ts';

/** Facts of processes of another boot or namespace are kept this long: from here it cannot be seen whether they still run. */
const otherBootFactsMs = 7 * 86_400_000;

/** A note that an action ends a process is kept this long: survey/facts/serverLives.ts reads it at the first scan without the process. */
const askedMs = 600_000;

/** Two writes within one tick of the file system's clock give the folder the same time. */
const unsettledMs = 1_000;

/** A record younger than this may belong to a process that started after the caller listed the processes. */
const freshRecordMs = 60_000;

/**
 * Facts of each process, stored by identity in the state folder, so that a restarted editor, another window and the command line know them too. Each fact but the
 * reading of processor time and the first scan that saw a finding is written once and never changed: the first observer saw the process closest to its start.
 */
export class FactStore {
  readonly #folder: string;
  /** Another user could have written there: nothing is read or written. */
  readonly #closed: boolean;
  /** Why nothing can be stored, once that has failed. */
  #refused: string | undefined;
  readonly #firstSeen = new Map<string, FirstSeen>();
  readonly #baselines = new Map<string, Baseline>();
  /** By kind and identity. */
  readonly #facts = new Map<string, unknown>();
  /** The process of each file; a record never changes. */
  readonly #subjects = new Map<string, ProcessIdentity>();
  readonly #known = new Map<FactKind, ReadonlySet<string>>();
  /** The path of the baseline file of each process. */
  readonly #baselineFiles = new Map<string, string>();
  /** Facts that were asked for since `look` and do not exist. */
  readonly #absent = new Set<string>();
  /** Modification time of the folder at the last `look`, epoch ms; 0 without one, and without a folder. */
  #lookedAt = 0;

  /** Never throws: without a writable folder facts live as long as this store. */
  constructor(runDir: string) {
    let closed = false;
    try {
      stateFolder(runDir, 'facts');
    } catch (error) {
      closed = error instanceof FolderRefused;
      this.#refused = writeErrorReason(error);
    }
    [this.#folder, this.#closed] = [join(runDir, 'shepherd', 'facts'), closed];
  }

  /** Undefined while facts can be stored. */
  problem(): Problem | undefined {
    const refused = this.#refused;
    if (refused === undefined) {
      return undefined;
    }
    const message = this.#closed
      ? t('Replacements before this start cannot be detected, as the state folder is not used: {0}, or use another --run-dir.', refused)
      : t('Replacements before this start cannot be detected ({0}): make the run folder writable, or use another --run-dir.', refused);
    return { source: 'facts', message, file: this.#folder };
  }

  /** Begins a scan: what other observers recorded until now is read when it is asked for. Without this call every question is answered from the folder. */
  look(): void {
    const changed = this.#folderChanged();
    if (changed !== this.#lookedAt) {
      this.#known.clear();
    }
    if (changed !== this.#lookedAt || Date.now() - changed < unsettledMs) {
      this.#absent.clear();
    }
    this.#lookedAt = changed;
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
    const key = identityKey(identity);
    const file = this.#baselineFiles.get(key) ?? this.#file(identity, 'baseline');
    this.#baselineFiles.set(key, file);
    return file;
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
    if (known || this.#absent.has(key)) {
      return known;
    }
    const read = this.#read(identity, kind, factSchemas[kind]);
    if (read) {
      this.#facts.set(key, read);
    } else if (this.#lookedAt !== 0) {
      this.#absent.add(key);
    }
    return read as Fact<K> | undefined;
  }

  /** Records a fact, unless another observer already has. @returns the stored record */
  recordFact<K extends FactKind>(identity: ProcessIdentity, kind: K, value: FactValue<K>): FactValue<K> {
    const fresh = { schema: 1, identity, ...value };
    const key = `${kind}:${identityKey(identity)}`;
    this.#write(this.#file(identity, kind), fresh);
    this.#absent.delete(key);
    const stored = this.fact(identity, kind) ?? value;
    this.#facts.set(key, stored);
    return stored;
  }

  /** Records a fact in the place of an earlier one: only for what is true of any moment, as a reading is. */
  replaceFact<K extends FactKind>(identity: ProcessIdentity, kind: K, value: FactValue<K>): void {
    const fresh = { schema: 1, identity, ...value };
    this.#write(this.#file(identity, kind), fresh, writeRecord);
    this.#facts.set(`${kind}:${identityKey(identity)}`, fresh);
  }

  /**
   * When something was first seen about a process, epoch ms: `now`, unless an earlier scan of any observer recorded it. Of each kind one is kept, because a
   * process can change what is seen of it without end.
   * @param about a kind of finding @param what a text that names it; only its hash is stored
   */
  firstSeenAt(identity: ProcessIdentity, about: string, what: string, now: number): number {
    const kind = `sighting-${hashOf(about)}` as const;
    const key = `${kind}:${identityKey(identity)}`;
    const of = hashOf(what);
    const remembered = this.#facts.get(key) as FindingSeen | undefined;
    let seen = remembered?.of === of ? remembered : this.#read(identity, kind, findingSeenSchema);
    if (seen?.of !== of) {
      seen = { of, at: now };
      this.#write(this.#file(identity, kind), { schema: 1, identity, ...seen }, writeRecord);
    }
    this.#facts.set(key, seen);
    return seen.at;
  }

  /** Notes, for ten minutes, that an action ends this process: its end is no failure. @param instance text of its identity */
  noteAsked(instance: string): void {
    this.#write(this.#file(instance, 'asked'), { schema: 1, instance });
  }

  /** Whether an action of any program has ended this process. @param instance text of its identity */
  wasAsked(instance: string): boolean {
    return this.#record(this.#file(instance, 'asked'), askedSchema)?.instance === instance;
  }

  /** `identityKey` of all processes with a fact of this kind. Read again only when the folder changed. */
  known(kind: FactKind): ReadonlySet<string> {
    let keys = this.#known.get(kind);
    if (!keys || this.#lookedAt === 0) {
      // A name belongs to one process for ever, so that each record is read once.
      const subjects = this.#names()
        .filter((name) => name.endsWith(`.${kind}.json`))
        .map((name) => this.#subjectOf(name));
      keys = new Set(subjects.flatMap((subject) => (subject ? [identityKey(subject)] : [])));
      this.#known.set(kind, keys);
    }
    return keys;
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
    keepOnly(this.#baselineFiles, alive);
    for (const name of names) {
      const file = join(this.#folder, name);
      const subject = this.#subjectOf(name);
      const ours = subject?.bootId === here.bootId && subject.pidNamespace === here.pidNamespace;
      if ((subject && ours && alive.has(identityKey(subject))) || !olderThan(file, now - freshRecordMs)) {
        continue;
      }
      if (subject && ours) {
        this.#drop(file, identityKey(subject));
      } else if (olderThan(file, now - (name.endsWith('.asked.json') ? askedMs : otherBootFactsMs))) {
        this.#drop(file, '');
      }
    }
  }

  #subjectOf(name: string): ProcessIdentity | undefined {
    const known = this.#subjects.get(name) ?? this.#record(join(this.#folder, name), v.object({ identity: identitySchema }))?.identity;
    if (known) {
      this.#subjects.set(name, known);
    }
    return known;
  }

  #names(): string[] {
    if (this.#closed) {
      return [];
    }
    try {
      return readdirSync(this.#folder);
    } catch (error) {
      this.#refused = writeErrorReason(error);
      return [];
    }
  }

  #record<const S extends v.GenericSchema>(file: string, schema: S): v.InferOutput<S> | undefined {
    return this.#closed ? undefined : readRecord(file, schema);
  }

  #write(file: string, record: object, write: (file: string, record: object) => unknown = writeRecordOnce): void {
    if (this.#closed) {
      return;
    }
    try {
      write(file, record);
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
    for (const one of this.#facts.keys()) {
      if (one.endsWith(`:${key}`)) {
        this.#facts.delete(one);
      }
    }
  }

  /** @param identity or its text */
  #file(identity: ProcessIdentity | string, kind: 'seen' | 'baseline' | 'asked' | FactKind | `sighting-${string}`): string {
    const key = typeof identity === 'string' ? identity : identityKey(identity);
    return join(this.#folder, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.${kind}.json`);
  }

  /** A record that names another process (a copied file, a hash collision) is ignored. */
  #read<const S extends v.GenericSchema<unknown, { readonly identity: ProcessIdentity }>>(
    identity: ProcessIdentity,
    kind: 'seen' | 'baseline' | FactKind | `sighting-${string}`,
    schema: S,
  ): v.InferOutput<S> | undefined {
    const file = this.#file(identity, kind);
    const record = this.#record(file, schema);
    if (record && identityKey(record.identity) === identityKey(identity)) {
      this.#subjects.set(basename(file), identity);
      return record;
    }
    return undefined;
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function olderThan(file: string, limit: number): boolean {
  try {
    return statSync(file).mtimeMs < limit;
  } catch {
    return false;
  }
}
