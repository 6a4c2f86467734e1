import { cancelledKey, type Envelope, type IdKey, readEnvelope } from '../message/envelope.ts';
import { failureAnswer, type ToolAnswer, toolAnswer } from '../message/ownAnswers.ts';
import { answerText } from '../message/refusedCalls.ts';
import type { ConnectedServers } from './connectedServers.ts';
import type { HeldQueue } from './heldQueue.ts';
import { PendingVerdicts } from './pendingVerdicts.ts';
import type { RelayContext, Verdict } from './relayContext.ts';
import type { ServerLink } from './serverLink.ts';
import type { ServerRequests } from './serverRequests.ts';
import { SessionMemory } from './sessionMemory.ts';

type Request = Envelope & { readonly kind: 'request' };
type Notification = Envelope & { readonly kind: 'notification' };

const [openBracket, comma, lineBreak, batchEnd] = ['[', ',', '\n', ']\n'].map((text) => Buffer.from(text)) as [
  Buffer,
  Buffer,
  Buffer,
  Buffer,
];

/**
 * Messages from the client to the server. Calls of tools pass the gate, answers go to the server that asked, and a message that no server can take now is held
 * or answered by the guard.
 */
export class ClientMessages {
  readonly #context: RelayContext;
  readonly #servers: ConnectedServers;
  readonly #held: HeldQueue;
  readonly #serverRequests: ServerRequests;
  readonly #pending = new PendingVerdicts();

  constructor(context: RelayContext, servers: ConnectedServers, held: HeldQueue, serverRequests: ServerRequests) {
    this.#context = context;
    this.#servers = servers;
    this.#held = held;
    this.#serverRequests = serverRequests;
  }

  /** Calls wait for the gate's decision. */
  get isDeciding(): boolean {
    return this.#pending.calls.size > 0;
  }

  /** Calls that wait for the gate's decision. */
  get undecided(): Iterable<{ readonly line: Buffer | undefined }> {
    return this.#pending.calls.values();
  }

  /** Takes a line as it came; it leaves with the next `flush`. @param isLast it ends its chunk, so that it may leave at once */
  take(line: Buffer, isLast = false): void {
    const envelope = readEnvelope(line);
    if (envelope.kind === 'response') {
      this.#serverRequests.answered(line, envelope);
    } else if (envelope.kind === 'notification' && envelope.method === 'notifications/cancelled') {
      this.#cancelled(line, envelope);
    } else if (this.#held.isHolding && (this.#servers.broken === undefined || envelope.kind === 'notification')) {
      if (!this.#context.memory.lazy?.take(line, envelope)) {
        this.#held.readAhead(line, envelope);
      }
    } else {
      this.deliver(line, envelope, isLast);
    }
  }

  /** Notes a line that a server has got already. @param link undefined: that server is gone @returns its requests, where no server will answer them */
  noteSent(line: Buffer, link: ServerLink | undefined): readonly Request[] {
    const envelope = readEnvelope(line);
    const items = envelope.kind === 'batch' ? envelope.items : [envelope];
    if (!link) {
      return items.filter((item) => item.kind === 'request');
    }
    items.forEach((item, index) => void this.#note(link, envelope.kind === 'batch' ? lineOf(envelope.parts[index]) : line, item));
    return [];
  }

  /** Notes what a message to a server changes. */
  #note(link: ServerLink, line: Buffer, item: Envelope): void {
    if (item.kind === 'response') {
      this.#serverRequests.answeredInBatch(item.id);
    } else if (item.kind === 'notification' && item.method === 'notifications/initialized') {
      this.#context.memory.initialized = Buffer.from(line);
    } else if (item.kind === 'notification' && item.method === 'notifications/cancelled') {
      this.#forget(link, cancelledKey(item, line));
    } else if (item.kind === 'request') {
      this.#track(link, line, item);
    }
  }

  /** Sends a message to the server, or answers it with the reason why there is none. */
  deliver(line: Buffer, envelope: Envelope, isLast = false): void {
    const link = this.#servers.current;
    if (!link) {
      for (const one of envelope.kind === 'batch' ? envelope.items : [envelope]) {
        if (one.kind === 'request') {
          this.#context.client.add(this.#unserved(one));
        }
      }
      return;
    }
    if (envelope.kind === 'request') {
      this.#request(link, line, envelope, isLast);
      return;
    }
    if (envelope.kind === 'batch') {
      this.#batch(link, line, envelope);
      return;
    }
    if (envelope.kind === 'notification' && !this.#mayPass(link, envelope)) {
      return;
    }
    if (envelope.kind === 'notification') {
      this.#note(link, line, envelope);
    }
    link.out.add(line);
  }

  /** @param final the call cannot wait for a decision */
  #verdict(envelope: Request | Notification, final: boolean): Verdict | Promise<Verdict> {
    return this.#context.gate?.admit({ tool: toolOf(envelope), envelope }, final) ?? 'pass';
  }

  /** A call without an id has no answer, and so no refusal, but a server may carry it out. @returns whether the server may get it */
  #mayPass(link: ServerLink, envelope: Notification): boolean {
    if (envelope.method !== 'tools/call') {
      return true;
    }
    const verdict = this.#verdict(envelope, true);
    if (verdict === 'pass' || verdict instanceof Promise) {
      link.hasBeenCalled = true;
      return true;
    }
    const text = answerText(verdict.answer);
    this.#context.refusals.note(text);
    this.#context.say(`a call without an id that could be answered was not passed on: ${text}`);
    return false;
  }

  #request(link: ServerLink, line: Buffer, envelope: Request, isLast: boolean): void {
    this.#context.memory.noteCall(envelope.body);
    if (envelope.method !== 'tools/call') {
      this.#track(link, line, envelope);
      link.out.add(line);
      return;
    }
    const verdict = this.#verdict(envelope, false);
    if (verdict === 'pass') {
      // The line leaves first: the answer cannot be read before this function returns.
      if (isLast) {
        link.out.send(line);
      } else {
        link.out.add(line);
      }
      this.#open(link, envelope);
    } else if (verdict instanceof Promise) {
      this.#decideLater(Buffer.from(line), envelope, verdict);
    } else {
      this.#refuse(envelope.id, verdict.answer);
    }
  }

  #refuse(id: IdKey, answer: ToolAnswer): void {
    this.#context.refusals.note(answerText(answer));
    this.#context.client.add(toolAnswer(id, answer));
  }

  /** Notes a request as in flight on a server. */
  #open(link: ServerLink, envelope: Request): void {
    link.take(envelope.id, envelope.method, envelope.method === 'tools/call' ? toolOf(envelope) : undefined);
    this.#context.inputRequests.asked(link, envelope);
  }

  /** Notes a request, and remembers it where a new server needs it. */
  #track(link: ServerLink, line: Buffer, envelope: Request): void {
    this.#open(link, envelope);
    if (SessionMemory.methods.has(envelope.method)) {
      this.#context.memory.noteRequest(envelope.id, envelope, line);
      if (envelope.method === 'subscriptions/listen') {
        link.listening.add(envelope.id);
      }
    }
  }

  #decideLater(line: Buffer, envelope: Request, decision: Promise<Verdict>): void {
    const decided = (verdict: Verdict): void => {
      const link = this.#servers.current;
      if (verdict !== 'pass') {
        this.#refuse(envelope.id, verdict.answer);
      } else if (this.#held.isHolding && this.#servers.broken === undefined) {
        this.#held.add({ line, envelope });
      } else if (link) {
        this.#open(link, envelope);
        link.out.add(line);
      } else {
        this.#context.client.add(this.#unserved(envelope));
      }
      this.#context.flush();
    };
    this.#pending.add(envelope.id, decision, decided, line);
  }

  #batch(link: ServerLink, line: Buffer, { items, parts }: Envelope & { kind: 'batch' }): void {
    const rest: Buffer[] = [];
    items.forEach((item, index) => {
      const part = parts[index] ?? Buffer.alloc(0);
      let refused = false;
      if (item.kind === 'notification') {
        refused = !this.#mayPass(link, item);
      } else if (item.kind === 'request' && item.method === 'tools/call') {
        // A batch cannot wait.
        const verdict = this.#verdict(item, true);
        if (verdict !== 'pass' && !(verdict instanceof Promise)) {
          refused = true;
          this.#refuse(item.id, verdict.answer);
        }
      }
      if (!refused) {
        this.#note(link, lineOf(part), item);
        rest.push(rest.length === 0 ? openBracket : comma, part);
      }
    });
    if (rest.length === 2 * items.length) {
      link.out.add(line);
    } else if (rest.length > 0) {
      link.out.add(Buffer.concat([...rest, batchEnd]));
    }
  }

  #unserved({ id, method }: Request): Buffer {
    const text = this.#servers.broken ?? 'The server is gone, and the session with it. Nothing was carried out.';
    this.#context.refusals.note(text);
    return failureAnswer(id, text, { isCall: method === 'tools/call', modern: this.#context.memory.isModern });
  }

  /** The client cancels a request. One that no server has is dropped here; for any other, the server that has it is told. */
  #cancelled(line: Buffer, envelope: Notification): void {
    const id = cancelledKey(envelope, line);
    if (id !== undefined && (this.#pending.withdraw(id) || this.#held.withdraw(id))) {
      return;
    }
    if (id !== undefined && this.#held.hasInArray(id)) {
      // It follows the array to the next server.
      this.#held.readAhead(line, envelope);
      return;
    }
    const link = this.#servers.find((one) => id !== undefined && one.inFlight.has(id)) ?? this.#servers.current;
    if (link) {
      this.#forget(link, id);
      link.out.add(line);
    } else if (id !== undefined) {
      this.#context.memory.forget(id);
    }
  }

  /** The client no longer wants an answer of this server. */
  #forget(link: ServerLink, id: IdKey | undefined): void {
    if (id !== undefined) {
      link.listening.delete(id);
      link.settle(id);
      this.#context.inputRequests.settled(link, id);
      this.#context.memory.forget(id);
    }
  }
}

/** A part of a batch as a line of its own. */
function lineOf(part: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([part, lineBreak]);
}

/** The tool that a `tools/call` names; '' when it names none. */
function toolOf({ body }: Request | Notification): string {
  return body.paramText('name') ?? '';
}
