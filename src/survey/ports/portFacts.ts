import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { identityKey, type ProcessIdentity } from '../../model/process.ts';
import { readRecord, writeRecord } from '../../storage/jsonRecord.ts';
import { stateFolderIfPossible } from '../../storage/stateFolder.ts';
import { factTime as time } from '../facts/factSchemas.ts';

const text = v.pipe(v.string(), v.maxLength(4096));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const schema = v.object({
  schema: v.literal(1),
  identity: v.object({ bootId: text, pidNamespace: text, pid: v.pipe(v.number(), v.integer()), start: text }),
  port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)),
  /** It was taken for the entry's server, not for another program. */
  server: v.boolean(),
  healthyAt: v.exactOptional(time),
  closedSince: v.exactOptional(time),
  closedLooks: count,
});

/** The observations of one process's port, so that a later observer knows that it listened and answered before. */
export type PortFact = v.InferOutput<typeof schema>;

/** Facts on ports: one file for each process and port in the state folder, deleted with the other facts of the process. In memory only where none can be written. */
export class PortFacts {
  /** Undefined without a state folder. */
  readonly #folder: string | undefined;
  #facts: Map<string, PortFact> | undefined;

  constructor(runDir: string) {
    this.#folder = stateFolderIfPossible(runDir, 'facts');
  }

  of(identity: ProcessIdentity, port: number): PortFact | undefined {
    return this.#all().get(keyOf(identity, port));
  }

  /** All facts, including those of processes that have ended. */
  all(): readonly PortFact[] {
    return [...this.#all().values()];
  }

  set(fact: PortFact): void {
    const key = keyOf(fact.identity, fact.port);
    const before = this.#all().get(key);
    this.#all().set(key, fact);
    // A fact that differs only in `healthyAt` is not written again.
    if (before && JSON.stringify({ ...before, healthyAt: 0 }) === JSON.stringify({ ...fact, healthyAt: 0 })) {
      return;
    }
    if (this.#folder === undefined) {
      return;
    }
    try {
      writeRecord(join(this.#folder, `${key}.http.json`), fact);
    } catch {
      // Kept in memory; `FactStore.problem` reports that nothing can be stored.
    }
  }

  keep(alive: ReadonlySet<string>): void {
    for (const [key, fact] of this.#all()) {
      if (!alive.has(identityKey(fact.identity))) {
        this.#all().delete(key);
      }
    }
  }

  #all(): Map<string, PortFact> {
    if (!this.#facts) {
      this.#facts = new Map();
      const folder = this.#folder;
      for (const name of folder === undefined ? [] : namesIn(folder)) {
        const fact = folder !== undefined && name.endsWith('.http.json') ? readRecord(join(folder, name), schema) : undefined;
        if (fact && name === `${keyOf(fact.identity, fact.port)}.http.json`) {
          this.#facts.set(keyOf(fact.identity, fact.port), fact);
        }
      }
    }
    return this.#facts;
  }
}

function keyOf(identity: ProcessIdentity, port: number): string {
  return createHash('sha256')
    .update(`${identityKey(identity)} ${port}`)
    .digest('hex')
    .slice(0, 32);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
