import { createHash } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Baseline } from '../diagnosis/baseline.ts';
import type { Problem } from '../types/problem.ts';
import { identityKey, type ProcessIdentity } from '../types/process.ts';
import { type Fact, type FactKind, type FactValue, factSchemas, identitySchema, text, time } from './factShapes.ts';
import { readRecord, writeRecordOnce } from './recordFile.ts';
import { refusalOf, stateFolderIfPossible } from './stateFolder.ts';

const sightingSchema = v.object({
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

/** When a process was first seen, and under which client: what makes an orphan provable later. */
export type Sighting = v.InferOutput<typeof sightingSchema>;

/** Facts of dead processes of another boot or namespace are kept this long; they cannot be told dead from here. */
const foreignFactsMs = 7 * 86_400_000;

/** A record this young may be of a process that started after the caller made its list. */
const freshRecordMs = 60_000;

/**
 * What was seen of each process, kept per identity in the state folder so that a restart of the editor, another window and the command
 * line know it too. Each fact is written once and never changed: the first observer was the nearest to the truth.
 */
export class FactStore {
  readonly #folder: string;
  /** Why nothing can be kept on disk, once that has failed. */
  #refused: string | undefined;
  readonly #sightings = new Map<string, Sighting>();
  readonly #baselines = new Map<string, Baseline>();
  /** By kind and identity. */
  readonly #facts = new Map<string, unknown>();
  readonly #known = new Map<FactKind, ReadonlySet<string>>();
  /** When the folder had changed as `#known` was read, epoch ms. */
  #knownAt = -1;

  /** Never throws: where nothing can be written, facts live as long as this observer. */
  constructor(runDir: string) {
    const { folder, refused } = stateFolderIfPossible(runDir, 'facts');
    this.#folder = folder;
    this.#refused = refused;
  }

  /** Said once for a store that cannot keep what it learns; undefined while it can. */
  problem(): Problem | undefined {
    return this.#refused === undefined
      ? undefined
      : {
          source: 'facts',
          message: `Nothing can be remembered from one run to the next (${this.#refused}): what was replaced before this look is not known. Make the run folder writable, or name another with --run-dir.`,
          file: this.#folder,
        };
  }

  /** The first sighting of a process; `now` and `client` are recorded when this is it. */
  sighting(identity: ProcessIdentity, now: number, client: Sighting['client']): Sighting {
    const key = identityKey(identity);
    const known = this.#sightings.get(key) ?? this.#read(identity, 'seen', sightingSchema);
    if (known) {
      this.#sightings.set(key, known);
      return known;
    }
    const fresh: Sighting = { schema: 1, identity, firstSeenAt: now, ...(client ? { client } : {}) };
    this.#write(this.#file(identity, 'seen'), fresh);
    this.#sightings.set(key, fresh);
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

  /** The file in which the baseline of a process is or would be kept, for showing. */
  baselineFile(identity: ProcessIdentity): string {
    return this.#file(identity, 'baseline');
  }

  /** Records the packages of a process; where another observer was first, its record stands. @returns the record that stands */
  recordBaseline(identity: ProcessIdentity, baseline: Baseline): Baseline {
    this.#write(this.#file(identity, 'baseline'), { schema: 1, identity, ...baseline });
    const standing = this.baseline(identity) ?? baseline;
    this.#baselines.set(identityKey(identity), standing);
    return standing;
  }

  /** A fact of a process, when one was taken. */
  fact<K extends FactKind>(identity: ProcessIdentity, kind: K): Fact<K> | undefined {
    const key = `${kind}:${identityKey(identity)}`;
    const known = this.#facts.get(key) as Fact<K> | undefined;
    if (known) {
      return known;
    }
    const record = readRecord(this.#file(identity, kind), v.object({ identity: identitySchema }));
    const read =
      record && identityKey(record.identity) === identityKey(identity)
        ? readRecord(this.#file(identity, kind), factSchemas[kind])
        : undefined;
    if (read) {
      this.#facts.set(key, read);
    }
    return read as Fact<K> | undefined;
  }

  /** Records a fact; where another observer was first, its record stands. @returns the record that stands */
  recordFact<K extends FactKind>(identity: ProcessIdentity, kind: K, value: FactValue<K>): FactValue<K> {
    const fresh = { schema: 1, identity, ...value };
    this.#write(this.#file(identity, kind), fresh);
    const standing = this.fact(identity, kind) ?? value;
    this.#facts.set(`${kind}:${identityKey(identity)}`, standing);
    return standing;
  }

  /** The processes of which a fact of this kind is kept, by the text of their identity. Read anew only when the folder changed. */
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

  #folderChanged(): number {
    try {
      return statSync(this.#folder).mtimeMs;
    } catch {
      return 0;
    }
  }

  /** Forgets processes that are gone. Only what can be told dead from here goes at once: same boot, same namespace, not in `alive`. */
  forget(here: Pick<ProcessIdentity, 'bootId' | 'pidNamespace'>, alive: ReadonlySet<string>, now: number): void {
    for (const name of this.#names()) {
      const file = join(this.#folder, name);
      if (!olderThan(file, now - freshRecordMs)) {
        continue;
      }
      const record = readRecord(file, v.object({ identity: identitySchema }));
      if (record && record.identity.bootId === here.bootId && record.identity.pidNamespace === here.pidNamespace) {
        if (!alive.has(identityKey(record.identity))) {
          this.#drop(file, identityKey(record.identity));
        }
      } else if (olderThan(file, now - foreignFactsMs)) {
        this.#drop(file, '');
      }
    }
  }

  #names(): string[] {
    try {
      return readdirSync(this.#folder);
    } catch (error) {
      this.#refused = refusalOf(error);
      return [];
    }
  }

  #write(file: string, record: object): void {
    try {
      writeRecordOnce(file, record);
    } catch (error) {
      this.#refused = refusalOf(error);
    }
  }

  #drop(file: string, key: string): void {
    try {
      rmSync(file, { force: true });
    } catch (error) {
      this.#refused = refusalOf(error);
    }
    this.#sightings.delete(key);
    this.#baselines.delete(key);
    for (const kind of Object.keys(factSchemas)) {
      this.#facts.delete(`${kind}:${key}`);
    }
  }

  #file(identity: ProcessIdentity, kind: 'seen' | 'baseline' | FactKind): string {
    return join(this.#folder, `${createHash('sha256').update(identityKey(identity)).digest('hex').slice(0, 32)}.${kind}.json`);
  }

  /** A record that names another process (a copied file, a hash by chance) is not believed. */
  #read<S extends typeof sightingSchema | typeof baselineSchema>(
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
