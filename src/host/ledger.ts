import type { IdKey } from '../guard/message/envelope.ts';
import type { ServerProcess } from '../guard/process/serverProcess.ts';
import type { Relay } from '../guard/relay/relay.ts';
import type { ServerLink } from '../guard/relay/serverLink.ts';
import type { ListMethod, SessionMemory } from '../guard/relay/sessionMemory.ts';
import type { RemoteServer } from './remoteServer.ts';

/** One change of what the relay keeps for the next host; without a text, the entry is dropped. */
interface LedgerChange {
  readonly key: string;
  readonly text: string | undefined;
}

type NamedServer = ServerProcess & Pick<RemoteServer, 'name' | 'calls'>;

/** Fields of the memory that are one value each. */
const fields = (['initialize', 'protocolVersion', 'discover', 'logLevel', 'hasServed', 'hasTasks', 'requestMeta'] as const).map(
  (field) => [field, `memory.${field}`] as const,
);

const packed = (bytes: Buffer): string => bytes.toString('base64');
const unpacked = (text: unknown): Buffer => Buffer.from(`${text}`, 'base64');

/** The state of a session as entries that a relay keeps unread. */
export class Ledger {
  /** What the relay keeps: an entry is unchanged for as long as its token is the same. */
  readonly #told = new Map<string, { token: unknown; turn: number }>();
  readonly #program: string;
  readonly #numbers = new WeakMap<object, number>();
  readonly #asked = new WeakMap<ServerLink, Map<IdKey, object>>();
  /** Keys of the requests in flight, by server and id. */
  readonly #open = new Map<string, string>();
  #last = 0;
  #turn = 0;
  /** Entries of this turn. */
  #entries = 0;
  #changes: LedgerChange[] = [];

  /** @param program of this host: the relay starts the next one with it, because an update may have removed its own */
  constructor(program: string) {
    this.#program = program;
  }

  /** Called for each message. @returns what has changed since the last time @param servers all that the relay has @param graceMs of the session's options */
  changes(relay: Relay, servers: Iterable<NamedServer>, graceMs: number): LedgerChange[] {
    this.#turn += 1;
    this.#entries = 0;
    this.#changes = [];
    this.#calls(relay, servers);
    this.#note('program', this.#program, () => this.#program);
    this.#note('grace', graceMs, () => `${graceMs}`);
    this.#memory(relay.memory);
    this.#links(relay);
    for (const call of relay.waiting) {
      this.#note(this.#key('line', call), call, () => packed(call.line ?? Buffer.alloc(0)));
    }
    for (const [key, { turn }] of this.#entries < this.#told.size ? this.#told : []) {
      if (turn !== this.#turn) {
        this.#told.delete(key);
        this.#changes.push({ key, text: undefined });
      }
    }
    return this.#changes;
  }

  #note(key: string, token: unknown, text: () => string): void {
    this.#entries += 1;
    const told = this.#told.get(key);
    if (told) {
      told.turn = this.#turn;
    }
    if (!told || told.token !== token) {
      this.#told.set(key, { token, turn: this.#turn });
      this.#changes.push({ key, text: text() });
    }
  }

  /** Requests in flight. Those of a server that is gone are dropped with it. */
  #calls(relay: Relay, servers: Iterable<NamedServer>): void {
    for (const server of servers) {
      const { name, calls } = server;
      if (calls.noted.size === 0) {
        continue;
      }
      const listening = [...relay.links].find(({ process }) => process === server)?.listening;
      // A call that was answered leaves its entry to the next one: one frame instead of two.
      const free: string[] = [];
      for (const id of calls.noted) {
        const place = `${name} ${id}`;
        const key = calls.has(id) ? undefined : this.#open.get(place);
        if (key !== undefined) {
          this.#open.delete(place);
          free.push(key);
        }
      }
      for (const id of calls.noted) {
        const pending = calls.get(id);
        if (pending) {
          const place = `${name} ${id}`;
          const key = this.#open.get(place) ?? free.pop() ?? `call.${this.#next()}`;
          this.#open.set(place, key);
          const { method, tool } = pending;
          this.#changes.push({ key, text: JSON.stringify([name, id, method, tool ?? null, listening?.has(id) === true]) });
        }
      }
      calls.noted.clear();
      for (const key of free) {
        this.#changes.push({ key, text: undefined });
      }
    }
  }

  #next(): number {
    this.#last += 1;
    return this.#last;
  }

  #links({ links, current }: Relay): void {
    for (const link of links) {
      const { name } = link.process as NamedServer;
      const flags = Number(link === current) + 2 * Number(link.hasAnswered) + 4 * Number(link.hasBeenCalled) + 8 * Number(link.askedFirst);
      this.#note(`server.${name}`, flags, () => [1, 2, 4, 8].map((flag) => Number((flags & flag) > 0)).join(''));
      for (const [known, own] of link.asked) {
        const token = this.#askedToken(link, known);
        this.#note(this.#key('asked', token), token, () => JSON.stringify([name, known, own]));
      }
    }
  }

  #memory(memory: SessionMemory): void {
    for (const [field, key] of fields) {
      const value = memory[field];
      if (value !== undefined && value !== false) {
        this.#note(key, value, () => JSON.stringify(value));
      }
    }
    const { initialized } = memory;
    if (initialized) {
      this.#note('initialized', initialized, () => packed(initialized));
    }
    for (const [method, digest] of memory.lists) {
      this.#note(`list.${method}`, digest, () => digest);
    }
    for (const params of memory.subscriptions.values()) {
      this.#note(this.#key('subscription', params), params, () => JSON.stringify(params));
    }
    for (const [id, line] of memory.listens) {
      this.#note(this.#key('listen', line), line, () => JSON.stringify([id, packed(line)]));
    }
    for (const [id, request] of memory.asked) {
      const { method, params, line } = request;
      this.#note(this.#key('request', request), request, () => JSON.stringify([id, method, params, packed(line)]));
    }
  }

  /** Numbers grow, so that entries keep their order. */
  #key(kind: string, object: object): string {
    const number = this.#numbers.get(object) ?? this.#last + 1;
    this.#last = Math.max(this.#last, number);
    this.#numbers.set(object, number);
    return `${kind}.${number}`;
  }

  #askedToken(link: ServerLink, id: IdKey): object {
    const tokens = this.#asked.get(link) ?? new Map<IdKey, object>();
    this.#asked.set(link, tokens);
    for (const old of tokens.size > link.asked.size ? [...tokens.keys()] : []) {
      if (!link.asked.has(old)) {
        tokens.delete(old);
      }
    }
    const token = tokens.get(id) ?? {};
    tokens.set(id, token);
    return token;
  }
}

/** What a ledger says of one server. */
interface KeptServer {
  readonly name: string;
  readonly isCurrent: boolean;
  readonly hasAnswered: boolean;
  readonly hasBeenCalled: boolean;
  readonly askedFirst: boolean;
}

/** The servers of a ledger, and the lines that no server had got. */
export function keptServers(ledger: ReadonlyMap<string, string>): readonly KeptServer[] {
  return entriesOf(ledger, 'server').map(([key, flags]) => {
    const [isCurrent = false, hasAnswered = false, hasBeenCalled = false, askedFirst = false] = [...flags].map((flag) => flag === '1');
    return { name: key, isCurrent, hasAnswered, hasBeenCalled, askedFirst };
  });
}

/** Lines of the client that no server has got, in their order. */
export function keptLines(ledger: ReadonlyMap<string, string>): readonly Buffer[] {
  return entriesOf(ledger, 'line').map(([, text]) => unpacked(text));
}

/** Brings the memory of a new session to the state of the ledger. @throws when an entry is broken */
export function restoreMemory(memory: SessionMemory, ledger: ReadonlyMap<string, string>): void {
  for (const [field, key] of fields) {
    const text = ledger.get(key);
    if (text !== undefined) {
      Object.assign(memory, { [field]: JSON.parse(text) });
    }
  }
  const initialized = ledger.get('initialized');
  if (initialized !== undefined) {
    memory.initialized = unpacked(initialized);
  }
  for (const [method, digest] of entriesOf(ledger, 'list')) {
    memory.lists.set(method as ListMethod, digest);
  }
  for (const [, text] of entriesOf(ledger, 'subscription')) {
    const params = JSON.parse(text);
    memory.subscriptions.set(params.uri, params);
  }
  for (const [, text] of entriesOf(ledger, 'listen')) {
    const [id, line] = JSON.parse(text);
    memory.listens.set(id, unpacked(line));
  }
  for (const [, text] of entriesOf(ledger, 'request')) {
    const [id, method, params, line] = JSON.parse(text);
    memory.asked.set(id, { method, params, line: unpacked(line) });
  }
}

/** Notes what was in flight between the client and a server. @throws when an entry is broken */
export function restoreLink(link: ServerLink, server: KeptServer, ledger: ReadonlyMap<string, string>): void {
  for (const [, text] of entriesOf(ledger, 'call')) {
    const [name, id, method, tool, listening] = JSON.parse(text) as [string, IdKey, string, string | null, boolean];
    if (name === server.name) {
      link.take(id, method, tool ?? undefined);
      if (listening) {
        link.listening.add(id);
      }
    }
  }
  for (const [, text] of entriesOf(ledger, 'asked')) {
    const [name, known, own] = JSON.parse(text) as [string, IdKey, IdKey];
    if (name === server.name) {
      link.asked.set(known, own);
    }
  }
  link.hasAnswered = server.hasAnswered;
  link.hasBeenCalled = server.hasBeenCalled;
  link.askedFirst = server.askedFirst;
}

/** Entries of one kind by the rest of their keys; numbered ones in their order. */
function entriesOf(ledger: ReadonlyMap<string, string>, kind: string): (readonly [string, string])[] {
  return [...ledger]
    .filter(([key]) => key.startsWith(`${kind}.`))
    .map(([key, text]) => [key.slice(kind.length + 1), text] as const)
    .sort(([a], [b]) => Number(a) - Number(b));
}
