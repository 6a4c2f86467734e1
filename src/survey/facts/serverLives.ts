import { createHash } from 'node:crypto';
import { type Lifetime, respawnWindowMs, shortLifeMs } from '../../diagnosis/respawnStorm.ts';
import type { ClientId } from '../../model/definition.ts';
import type { ProcessIdentity } from '../../model/process.ts';
import type { Clock } from './bootClock.ts';
import type { FactStore } from './factStore.ts';

/** A server that runs now. */
export interface StartedServer {
  /** Text of its identity. */
  readonly id: string;
  readonly client: ProcessIdentity & { readonly key: string };
  /** Its entry, without secrets; only its hash is stored. */
  readonly entry: string;
  /** Epoch ms. */
  readonly startedAt: number;
}

/** What is remembered of an entry that was started under a client, to name it when it does not run. */
export interface StartedEntry {
  readonly name: string;
  readonly definition: string;
  readonly client: { readonly id: ClientId; readonly name: string; readonly pid: number };
}

/** Starts and ends of one entry under one client process. */
export interface EntryLives {
  readonly client: string;
  readonly entry: string;
  readonly lives: readonly Lifetime[];
}

interface Life extends Lifetime {
  readonly client: StartedServer['client'];
  readonly entry: string;
}

/** Of one client process; the oldest are dropped. */
const mostLives = 200;
/** Number of entries whose hash is kept from one scan to the next. */
const mostHashes = 1_000;

/** Remembers when the servers of each client process started and ended, in the facts of the client, so that the next program knows them too. */
export class ServerLives {
  readonly #facts: FactStore;
  readonly #clock: Clock;
  readonly #running = new Map<string, Life>();
  /** Ended within the last ten minutes, by client. */
  readonly #ended = new Map<string, Life[]>();
  readonly #read = new Set<string>();
  readonly #hashes = new Map<string, string>();

  constructor(facts: FactStore, clock: Clock) {
    this.#facts = facts;
    this.#clock = clock;
  }

  /** Takes the servers of this scan. @param isAlive whether exactly this client process runs @param now epoch ms */
  observe(servers: readonly StartedServer[], isAlive: (client: ProcessIdentity) => boolean, now: number): EntryLives[] {
    const uptime = this.#clock.uptime();
    const seen = new Set<string>();
    for (const { id, client, entry, startedAt } of servers) {
      this.#learn(client);
      seen.add(id);
      const before = this.#running.get(id);
      const life = before ?? { client, entry: this.entryHash(entry), startedAt: uptime - Math.max(0, now - startedAt) };
      this.#running.set(id, { ...life, seenAt: uptime });
    }
    this.#end(seen, uptime);
    for (const [client, lives] of this.#ended) {
      const recent = lives.filter(({ endedAt = 0 }) => uptime - endedAt <= respawnWindowMs + shortLifeMs).slice(-mostLives);
      if (recent[0] && isAlive(recent[0].client)) {
        this.#ended.set(client, recent);
      } else {
        this.#ended.delete(client);
        this.#read.delete(client);
      }
    }
    return [...this.#groups().values()];
  }

  /** The hash that stands for an entry in what `observe` returns. */
  entryHash(entry: string): string {
    const hash = this.#hashes.get(entry) ?? createHash('sha256').update(entry).digest('hex').slice(0, 32);
    if (this.#hashes.size >= mostHashes) {
      this.#hashes.clear();
    }
    this.#hashes.set(entry, hash);
    return hash;
  }

  #end(seen: ReadonlySet<string>, uptime: number): void {
    const ended = [...this.#running].filter(([id]) => !seen.has(id));
    for (const [id, life] of ended) {
      this.#running.delete(id);
      if (this.#facts.wasAsked(id)) {
        continue;
      }
      const withOthers = ended.some(([, other]) => other.client.key === life.client.key && other.entry !== life.entry);
      const list = this.#ended.get(life.client.key) ?? [];
      list.push({ ...life, endedAt: uptime, ...(withOthers ? { endedWithOthers: true } : {}) });
      this.#ended.set(life.client.key, list);
    }
    for (const client of new Set(ended.filter(([, life]) => uptime - life.startedAt <= shortLifeMs).map(([, life]) => life.client))) {
      const lives = (this.#ended.get(client.key) ?? []).slice(-mostLives).map(({ client: _, ...life }) => life);
      this.#facts.replaceFact(identityOf(client), 'lives', { takenAt: uptime, lives });
    }
  }

  /** What another program saw of this client's servers. */
  #learn(client: StartedServer['client']): void {
    if (this.#read.has(client.key)) {
      return;
    }
    this.#read.add(client.key);
    if (this.#facts.known('lives').has(client.key)) {
      const lives = this.#facts.fact(identityOf(client), 'lives')?.lives ?? [];
      this.#ended.set(client.key, [...lives.map((life) => ({ ...life, client })), ...(this.#ended.get(client.key) ?? [])]);
    }
  }

  #groups(): Map<string, EntryLives> {
    const groups = new Map<string, EntryLives & { readonly lives: Life[] }>();
    for (const life of [...[...this.#ended.values()].flat(), ...this.#running.values()]) {
      const key = `${life.client.key}\n${life.entry}`;
      const group = groups.get(key);
      if (group) {
        group.lives.push(life);
      } else {
        groups.set(key, { client: life.client.key, entry: life.entry, lives: [life] });
      }
    }
    return groups;
  }
}

function identityOf({ bootId, pidNamespace, pid, start }: ProcessIdentity): ProcessIdentity {
  return { bootId, pidNamespace, pid, start };
}
