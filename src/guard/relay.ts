import type { Readable, Writable } from 'node:stream';
import { errorAnswer, failedTool, notificationLine, type ToolAnswer, toolAnswer } from './answers.ts';
import { type Envelope, type IdKey, idText, isJsonObject, keyOf, readEnvelope } from './envelope.ts';
import { LineSplitter } from './lineSplitter.ts';
import { Outlet, Valve } from './outlet.ts';
import { type Pending, ServerLink } from './serverLink.ts';
import type { ServerProcess } from './serverProcess.ts';
import { announceListChanges, lists, SessionMemory } from './sessionMemory.ts';

/** A call of a tool on its way to the server. */
export interface ToolCall {
  readonly id: IdKey;
  readonly tool: string;
  readonly envelope: Envelope & { readonly kind: 'request' };
  readonly line: Buffer;
}

/** Decides about calls before the server sees them, and hears what it needs for that. */
export interface CallGate {
  /**
   * To the server, or an answer instead. A promise: the call waits for it, and everything else goes on.
   * @param final the call cannot wait (it is one of a batch)
   */
  admit(call: ToolCall, final: boolean): Verdict | Promise<Verdict>;
  /** The first answer of a server came; it has not been passed on yet. */
  answered(server: ServerProcess): void;
  /** From now on this server is the one that serves. */
  serves(server: ServerProcess): void;
  /** A result of `tools/list` came. */
  listed(result: unknown): void;
  /** The server says that its tools changed. */
  toolsChanged(): void;
  /** It may change a result of a tool. */
  readonly amends: boolean;
  /** A result of a tool is about to go to the client. @returns what goes instead */
  amend(line: Buffer, envelope: Envelope & { readonly kind: 'response' }): Buffer;
}

export type Verdict = 'pass' | { readonly answer: ToolAnswer };

/** What the client sends while no server can take it. */
interface Held {
  readonly line: Buffer;
  readonly envelope: Envelope;
}

/** While the client's messages are held, this many bytes are read ahead. */
const maxHeldBytes = 16 * 1024 * 1024;

/**
 * Stands between one client and, one after the other, its servers. Lines go on as the bytes that came; what is open on both sides is known, so that a
 * server can be replaced between two of them.
 */
export class Relay {
  readonly memory = new SessionMemory();
  readonly client: Outlet;
  readonly input: Valve;
  gate: CallGate | undefined;
  /** Hears who the client says it is. */
  named: ((client: { readonly name: string; readonly version: string | undefined }) => void) | undefined;
  /** Why no server can be had: every request is answered with it. */
  broken: string | undefined;
  /** Hears of the first answer of each server, before the gate does. */
  answered: (() => void) | undefined;
  /** The server that new requests go to. */
  current: ServerLink | undefined;
  readonly #links = new Set<ServerLink>();
  /** Requests of servers that are gone: an answer to one goes nowhere. */
  readonly #closed = new Set<IdKey>();
  #held: Held[] | undefined = [];
  #heldBytes = 0;
  #mangled = 0;

  constructor(stdin: Readable, stdout: Writable) {
    this.input = new Valve(stdin);
    this.client = new Outlet(stdout, () => [...this.#links].map((link) => link.valve));
    const splitter = new LineSplitter({ line: (line) => this.#fromClient(line) });
    stdin.on('data', (chunk: Buffer) => {
      splitter.push(chunk);
      this.flush();
    });
    stdin.once('end', () => {
      const rest = splitter.rest();
      if (rest.length > 0) {
        this.#fromClient(rest);
        this.flush();
      }
    });
  }

  flush(): void {
    this.client.flush();
    for (const link of this.#links) {
      link.out.flush();
    }
  }

  /** A server that speaks to the client from now on; requests go to it only after `release`. */
  connect(process: ServerProcess): ServerLink {
    const link = new ServerLink(
      process,
      {
        lines: (from, lines) => this.#linesFromServer(from, lines),
        rest: (from, bytes) => {
          this.#fromServer(from, bytes, { kind: 'opaque' });
          this.flush();
        },
      },
      this.input,
    );
    this.#links.add(link);
    return link;
  }

  /** Keeps back what the client sends from now on. */
  hold(): void {
    this.#held ??= [];
  }

  get isHolding(): boolean {
    return this.#held !== undefined;
  }

  /** Requests that wait for a server. */
  get heldCount(): number {
    return this.#held?.length ?? 0;
  }

  /** Sends on what was kept back, in its order, and everything that comes from now on. */
  release(link: ServerLink): void {
    this.current = link;
    this.broken = undefined;
    this.gate?.serves(link.process);
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#heldBytes = 0;
    for (const { line, envelope } of held) {
      this.#deliver(line, envelope);
    }
    this.flush();
    this.input.open(this);
  }

  /**
   * A server is gone, or is given up: what it had to answer is answered, what it asked is withdrawn, and whatever it still says goes nowhere.
   * @param why what happened to it, for the answers
   */
  disconnect(link: ServerLink, why: string): void {
    if (!this.#links.delete(link)) {
      return;
    }
    if (this.current === link) {
      this.current = undefined;
    }
    for (const [id, first] of link.inFlight) {
      for (let pending: Pending | undefined = link.listening.has(id) ? undefined : first; pending; pending = pending.more) {
        this.client.add(this.#lost(id, pending, why));
        this.memory.forget(id);
      }
    }
    link.inFlight.clear();
    for (const id of link.asked.keys()) {
      this.#closed.add(id);
      this.client.add(
        Buffer.from(
          `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${idText(id)},"reason":"the server was replaced"}}\n`,
        ),
      );
    }
    link.asked.clear();
    this.flush();
    link.wakeIdleWaiters();
  }

  /** No server can be had for now: every request that waits, and every one that comes, is answered with the reason, until the next `release`. */
  giveUp(reason: string): void {
    this.broken = reason;
    const held = this.#held ?? [];
    this.#held = [];
    this.#heldBytes = 0;
    this.current = undefined;
    for (const { line, envelope } of held) {
      if (envelope.kind === 'request' || envelope.kind === 'batch') {
        this.#deliver(line, envelope);
      } else {
        this.#held.push({ line, envelope });
      }
    }
    this.flush();
    this.input.open(this);
  }

  /** Tells the client something of our own. */
  notify(method: string, params?: unknown): void {
    this.client.add(notificationLine(method, params));
    this.client.flush();
  }

  /** A list is another one since the server was replaced. In protocol 2026-07-28 only who listens for it hears of it. */
  listChanged(method: string): void {
    if (!this.memory.isModern) {
      this.notify(method);
      return;
    }
    const wish = { tools: 'toolsListChanged', prompts: 'promptsListChanged', resources: 'resourcesListChanged' }[
      method.split('/')[1] ?? ''
    ];
    for (const [id, line] of this.memory.listens) {
      const envelope = readEnvelope(line);
      const params = envelope.kind === 'request' ? envelope.body.value()?.params : undefined;
      const wanted = isJsonObject(params) && isJsonObject(params.notifications) ? params.notifications : {};
      if (wish !== undefined && wanted[wish] === true) {
        const meta = `{"_meta":{"io.modelcontextprotocol/subscriptionId":${idText(id)}}}`;
        this.client.add(Buffer.from(`{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${meta}}\n`));
      }
    }
    this.client.flush();
  }

  #lost(id: IdKey, { method, tool }: Pending, why: string): Buffer {
    const text = `${why} before it answered this ${tool === undefined ? `request (${method})` : `call of ${tool}`}. It may have been carried out, and was not repeated.`;
    return tool === undefined ? errorAnswer(id, text) : toolAnswer(id, failedTool(text, this.memory.isModern));
  }

  #fromClient(line: Buffer): void {
    const envelope = readEnvelope(line);
    if (envelope.kind === 'response') {
      this.#answerFromClient(line, envelope);
    } else if (envelope.kind === 'notification' && envelope.method === 'notifications/cancelled') {
      this.#cancelled(line, envelope);
    } else if (this.#held && (this.broken === undefined || envelope.kind === 'notification')) {
      // A chunk may be large and the line small: only the line is kept.
      this.#held.push({ line: Buffer.from(line), envelope });
      this.#heldBytes += line.length;
      if (this.#heldBytes > maxHeldBytes) {
        this.input.close(this);
      }
    } else {
      this.#deliver(line, envelope);
    }
  }

  /** To the server that is there, or back to the client with the reason. */
  #deliver(line: Buffer, envelope: Envelope): void {
    const link = this.current;
    if (!link) {
      for (const one of envelope.kind === 'batch' ? envelope.items : [envelope]) {
        if (one.kind === 'request') {
          this.client.add(this.#unserved(one));
        }
      }
      return;
    }
    if (envelope.kind === 'request') {
      this.#request(link, line, envelope);
      return;
    }
    if (envelope.kind === 'batch') {
      this.#batch(link, line, envelope);
      return;
    }
    if (envelope.kind === 'notification' && envelope.method === 'notifications/initialized') {
      this.memory.initialized = Buffer.from(line);
    }
    link.out.add(line);
  }

  #request(link: ServerLink, line: Buffer, envelope: Envelope & { kind: 'request' }): void {
    const { id, method } = envelope;
    if (method !== 'tools/call') {
      this.#track(link, line, envelope);
      link.out.add(line);
      return;
    }
    const tool = envelope.body.paramText('name') ?? '';
    const verdict = this.gate?.admit({ id, tool, envelope, line }, false) ?? 'pass';
    if (verdict === 'pass') {
      link.take(id, method, tool);
      link.out.add(line);
    } else if (verdict instanceof Promise) {
      this.#later(Buffer.from(line), envelope, tool, verdict);
    } else {
      this.client.add(toolAnswer(id, verdict.answer));
    }
  }

  #track(link: ServerLink, line: Buffer, envelope: Envelope & { kind: 'request' }): void {
    link.take(envelope.id, envelope.method);
    if (SessionMemory.methods.has(envelope.method)) {
      this.memory.noteRequest(envelope.id, envelope, line);
      if (envelope.method === 'subscriptions/listen') {
        link.listening.add(envelope.id);
      }
    }
  }

  /** Calls that wait for a decision, by id; a cancelled one is taken out. */
  readonly #deciding = new Map<IdKey, object>();

  #later(line: Buffer, envelope: Envelope & { kind: 'request' }, tool: string, decision: Promise<Verdict>): void {
    const token = {};
    this.#deciding.set(envelope.id, token);
    const go = (verdict: Verdict): void => {
      if (this.#deciding.get(envelope.id) !== token) {
        return;
      }
      this.#deciding.delete(envelope.id);
      if (verdict !== 'pass') {
        this.client.add(toolAnswer(envelope.id, verdict.answer));
      } else if (this.#held) {
        this.#held.push({ line, envelope });
      } else if (this.current) {
        this.current.take(envelope.id, envelope.method, tool);
        this.current.out.add(line);
      } else {
        this.client.add(this.#unserved(envelope));
      }
      this.flush();
    };
    // A check that fails lets the call pass.
    void decision.then(go, () => go('pass'));
  }

  #batch(link: ServerLink, line: Buffer, { items, values }: Envelope & { kind: 'batch' }): void {
    const refused = new Set<number>();
    items.forEach((item, index) => {
      if (item.kind === 'response') {
        this.#ownerOf(item.id)?.asked.delete(item.id);
      } else if (item.kind === 'notification' && item.method === 'notifications/initialized') {
        this.memory.initialized = Buffer.from(`${JSON.stringify(values[index])}\n`);
      } else if (item.kind === 'request') {
        const single = Buffer.from(`${JSON.stringify(values[index])}\n`);
        const tool = item.method === 'tools/call' ? (item.body.paramText('name') ?? '') : undefined;
        // A batch cannot wait.
        const verdict =
          tool === undefined ? 'pass' : (this.gate?.admit({ id: item.id, tool, envelope: item, line: single }, true) ?? 'pass');
        if (verdict !== 'pass' && !(verdict instanceof Promise)) {
          refused.add(index);
          this.client.add(toolAnswer(item.id, verdict.answer));
        } else if (tool === undefined) {
          this.#track(link, single, item);
        } else {
          link.take(item.id, item.method, tool);
        }
      }
    });
    const rest = values.filter((_, index) => !refused.has(index));
    if (refused.size === 0) {
      link.out.add(line);
    } else if (rest.length > 0) {
      link.out.add(Buffer.from(`${JSON.stringify(rest)}\n`));
    }
  }

  #unserved({ id, method }: Envelope & { kind: 'request' }): Buffer {
    const text = this.broken ?? 'The server is gone, and the session with it. Nothing was carried out.';
    return method === 'tools/call' ? toolAnswer(id, failedTool(text, this.memory.isModern)) : errorAnswer(id, text);
  }

  #ownerOf(id: IdKey): ServerLink | undefined {
    return [...this.#links].find((link) => link.asked.has(id));
  }

  /** To the server that asked; never to one that took its place. */
  #answerFromClient(line: Buffer, envelope: Envelope & { kind: 'response' }): void {
    const owner = this.#ownerOf(envelope.id);
    if (owner) {
      const own = owner.asked.get(envelope.id);
      owner.asked.delete(envelope.id);
      const message = own === undefined || own === envelope.id ? undefined : envelope.body.value();
      owner.out.add(message ? Buffer.from(`${JSON.stringify({ ...message, id: JSON.parse(idText(own ?? envelope.id)) })}\n`) : line);
    } else if (!this.#closed.delete(envelope.id)) {
      this.current?.out.add(line);
    }
  }

  #cancelled(line: Buffer, envelope: Envelope & { kind: 'notification' }): void {
    const params = envelope.body.value()?.params;
    const id = isJsonObject(params) ? keyOf(params.requestId) : undefined;
    if (id !== undefined && this.#deciding.delete(id)) {
      return;
    }
    const waiting = this.#held?.findIndex((held) => held.envelope.kind === 'request' && held.envelope.id === id) ?? -1;
    if (waiting !== -1) {
      this.#held?.splice(waiting, 1);
      return;
    }
    const link = [...this.#links].find((one) => id !== undefined && one.inFlight.has(id)) ?? this.current;
    if (id !== undefined) {
      link?.listening.delete(id);
      link?.settle(id);
      this.memory.forget(id);
    }
    link?.out.add(line);
  }

  #linesFromServer(link: ServerLink, lines: readonly Buffer[]): void {
    // Mostly nothing that comes could be meant for us or need a change: then it leaves first and is looked at after.
    const sent = this.#isPlain(link);
    if (sent) {
      for (const line of lines) {
        this.client.add(line);
      }
      this.client.flush();
    }
    for (const line of lines) {
      const envelope = readEnvelope(line);
      if (!link.hasAnswered && envelope.kind === 'response') {
        link.hasAnswered = true;
        this.answered?.();
        this.gate?.answered(link.process);
      }
      if (envelope.kind !== 'response' || !link.takeOwn(envelope.id, envelope)) {
        this.#fromServer(link, line, envelope, sent);
      }
    }
    this.flush();
  }

  /** Whatever this server says now goes to the client as it is. */
  #isPlain(link: ServerLink): boolean {
    return (
      link === this.current &&
      link.hasAnswered &&
      !link.hasAsked &&
      link.reopened.size === 0 &&
      this.#links.size === 1 &&
      this.#closed.size === 0 &&
      !this.memory.isWaiting &&
      !(this.gate?.amends ?? false)
    );
  }

  /** @param sent the client has it already: it is only noted */
  #fromServer(link: ServerLink, line: Buffer, envelope: Envelope, sent = false): void {
    if (!this.#links.has(link)) {
      return;
    }
    const message = this.#noteFromServer(link, line, envelope);
    if (!sent && message) {
      this.client.add(message);
    }
  }

  /** @returns what goes to the client */
  #noteFromServer(link: ServerLink, line: Buffer, envelope: Envelope): Buffer | undefined {
    switch (envelope.kind) {
      case 'response':
        return this.#answerFromServer(link, line, envelope);
      case 'request':
        return this.#askedByServer(link, line, envelope);
      case 'batch':
        for (const item of envelope.items) {
          if (item.kind === 'response') {
            this.#settle(link, item);
          } else if (item.kind === 'request') {
            link.asked.set(item.id, item.id);
          }
        }
        break;
      case 'notification':
        if (envelope.method === 'notifications/subscriptions/acknowledged' && this.#isReopened(link, envelope)) {
          return undefined;
        }
        if (envelope.method === 'notifications/cancelled') {
          this.#withdrawn(link, envelope);
        }
        if (envelope.method === lists['tools/list'].changed) {
          this.gate?.toolsChanged();
        }
        break;
      default:
    }
    return line;
  }

  #settle(link: ServerLink, envelope: Envelope & { kind: 'response' }): Pending | undefined {
    const { id } = envelope;
    link.listening.delete(id);
    const pending = link.settle(id);
    if (pending && !envelope.isError) {
      this.memory.hasServed = true;
    }
    if (pending && SessionMemory.methods.has(pending.method)) {
      const answer = envelope.body.value();
      this.memory.noteAnswer(id, answer);
      const client = pending.method === 'initialize' ? this.memory.clientInfo : undefined;
      if (client) {
        this.named?.(client);
      }
      if (pending.method === 'tools/list') {
        this.gate?.listed(answer?.result);
      }
    }
    return pending;
  }

  #answerFromServer(link: ServerLink, line: Buffer, envelope: Envelope & { kind: 'response' }): Buffer {
    const pending = this.#settle(link, envelope);
    if (pending?.method === 'initialize' && !envelope.isError) {
      const answer = envelope.body.value();
      const amended = answer && announceListChanges(answer);
      if (amended) {
        const { id: _, ...rest } = amended;
        return Buffer.from(`${JSON.stringify(rest).replace(/^\{/, `{"id":${idText(envelope.id)},`)}\n`);
      }
    }
    return pending?.tool !== undefined && this.gate ? this.gate.amend(line, envelope) : line;
  }

  /** Two servers may count their requests alike: the client must not see an id twice while the first is open. */
  #askedByServer(link: ServerLink, line: Buffer, envelope: Envelope & { kind: 'request' }): Buffer {
    const { id } = envelope;
    if (!this.#ownerOf(id) && !this.#closed.has(id)) {
      link.asked.set(id, id);
      return line;
    }
    this.#mangled += 1;
    const other = `mcp-shepherd-asked-${this.#mangled}`;
    link.asked.set(other, id);
    return Buffer.from(`${JSON.stringify({ ...envelope.body.value(), id: other })}\n`);
  }

  /** The server wants no answer to its request any more. */
  #withdrawn(link: ServerLink, envelope: Envelope & { kind: 'notification' }): void {
    const params = envelope.body.value()?.params;
    const id = isJsonObject(params) ? keyOf(params.requestId) : undefined;
    if (id !== undefined && link.asked.get(id) === id) {
      link.asked.delete(id);
    }
  }

  #isReopened(link: ServerLink, envelope: Envelope & { kind: 'notification' }): boolean {
    const params = envelope.body.value()?.params;
    const meta = isJsonObject(params) && isJsonObject(params._meta) ? params._meta : {};
    const id = keyOf(meta['io.modelcontextprotocol/subscriptionId']);
    return id !== undefined && link.reopened.delete(id);
  }
}
