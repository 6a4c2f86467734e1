import { cancelledKey, type Envelope, type IdKey, readEnvelope } from '../message/envelope.ts';
import { errorAnswer, failedTool, say, type ToolAnswer, toolAnswer } from '../message/ownAnswers.ts';
import { answerText } from '../message/refusedCalls.ts';
import type { Verdict } from './callGate.ts';
import type { ConnectedServers } from './connectedServers.ts';
import type { HeldQueue } from './heldQueue.ts';
import { PendingVerdicts } from './pendingVerdicts.ts';
import type { RelayContext } from './relayContext.ts';
import type { ServerLink } from './serverLink.ts';
import type { ServerRequests } from './serverRequests.ts';
import { SessionMemory } from './sessionMemory.ts';

const [openBracket, comma, lineBreak, batchEnd] = ['[', ',', '\n', ']\n'].map((text) => Buffer.from(text)) as [
  Buffer,
  Buffer,
  Buffer,
  Buffer,
];

/** The way from the client to the server: requests pass the gate, answers go to whoever asked, and what no server can take waits or is answered. */
export class ClientMessages {
  readonly #context: RelayContext;
  readonly #servers: ConnectedServers;
  readonly #held: HeldQueue;
  readonly #serverRequests: ServerRequests;
  readonly #awaited = new PendingVerdicts();

  constructor(context: RelayContext, servers: ConnectedServers, held: HeldQueue, serverRequests: ServerRequests) {
    this.#context = context;
    this.#servers = servers;
    this.#held = held;
    this.#serverRequests = serverRequests;
  }

  /** Calls wait for the gate's decision. */
  get isDeciding(): boolean {
    return this.#awaited.size > 0;
  }

  /** A line as it came; it leaves with the next `flush`. @param isLast nothing is there that could leave with it: it need not wait for what is noted of it */
  take(line: Buffer, isLast = false): void {
    const envelope = readEnvelope(line);
    if (envelope.kind === 'response') {
      this.#serverRequests.answered(line, envelope);
    } else if (envelope.kind === 'notification' && envelope.method === 'notifications/cancelled') {
      this.#cancelled(line, envelope);
    } else if (this.#held.isHolding && (this.#servers.broken === undefined || envelope.kind === 'notification')) {
      this.#held.readAhead(line, envelope);
    } else {
      this.deliver(line, envelope, isLast);
    }
  }

  /** To the server that is there, or back to the client with the reason. */
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
    if (envelope.kind === 'notification' && envelope.method === 'notifications/initialized') {
      this.#context.memory.initialized = Buffer.from(line);
    } else if (envelope.kind === 'notification' && envelope.method === 'notifications/cancelled') {
      this.#withdrawn(link, cancelledKey(envelope, line));
    } else if (envelope.kind === 'notification' && !this.#mayGo(envelope)) {
      return;
    }
    link.out.add(line);
  }

  /** A call that names no request has no answer, and so no refusal; but a server may carry it out. @returns whether it may go to the server */
  #mayGo(envelope: Envelope & { kind: 'notification' }): boolean {
    if (envelope.method !== 'tools/call') {
      return true;
    }
    const tool = envelope.body.paramText('name') ?? '';
    const verdict = this.#context.gate?.admit({ tool, envelope }, true) ?? 'pass';
    if (verdict === 'pass' || verdict instanceof Promise) {
      return true;
    }
    const text = answerText(verdict.answer);
    this.#context.refusals.note(text);
    say(`a call without an id that could be answered was not passed on: ${text}`);
    return false;
  }

  #request(link: ServerLink, line: Buffer, envelope: Envelope & { kind: 'request' }, isLast: boolean): void {
    const { id, method } = envelope;
    this.#context.memory.noteCall(envelope.body);
    if (method !== 'tools/call') {
      this.#track(link, line, envelope);
      link.out.add(line);
      return;
    }
    const tool = envelope.body.paramText('name') ?? '';
    const verdict = this.#context.gate?.admit({ tool, envelope }, false) ?? 'pass';
    if (verdict === 'pass') {
      if (isLast) {
        link.out.send(line);
      } else {
        link.out.add(line);
      }
      // Its answer cannot be read before this is done.
      link.take(id, method, tool);
      this.#context.inputRequests.asked(link, envelope);
    } else if (verdict instanceof Promise) {
      this.#later(Buffer.from(line), envelope, tool, verdict);
    } else {
      this.#refuse(id, verdict.answer);
    }
  }

  #refuse(id: IdKey, answer: ToolAnswer): void {
    this.#context.refusals.note(answerText(answer));
    this.#context.client.add(toolAnswer(id, answer));
  }

  /** Everything but calls of tools. */
  #track(link: ServerLink, line: Buffer, envelope: Envelope & { kind: 'request' }): void {
    link.take(envelope.id, envelope.method);
    this.#context.inputRequests.asked(link, envelope);
    if (SessionMemory.methods.has(envelope.method)) {
      this.#context.memory.noteRequest(envelope.id, envelope, line);
      if (envelope.method === 'subscriptions/listen') {
        link.listening.add(envelope.id);
      }
    }
  }

  #later(line: Buffer, envelope: Envelope & { kind: 'request' }, tool: string, decision: Promise<Verdict>): void {
    this.#awaited.add(envelope.id, decision, (verdict) => {
      const { client } = this.#context;
      const link = this.#servers.current;
      if (verdict !== 'pass') {
        this.#refuse(envelope.id, verdict.answer);
      } else if (this.#held.isHolding && this.#servers.broken === undefined) {
        this.#held.add({ line, envelope });
      } else if (link) {
        link.take(envelope.id, envelope.method, tool);
        this.#context.inputRequests.asked(link, envelope);
        link.out.add(line);
      } else {
        client.add(this.#unserved(envelope));
      }
      this.#context.flush();
    });
  }

  #batch(link: ServerLink, line: Buffer, { items, parts }: Envelope & { kind: 'batch' }): void {
    const { gate, memory } = this.#context;
    const rest: Buffer[] = [];
    items.forEach((item, index) => {
      const part = parts[index] ?? Buffer.alloc(0);
      // What is kept is kept as a line of its own.
      const single = (): Buffer => Buffer.concat([part, lineBreak]);
      let refused = false;
      if (item.kind === 'response') {
        this.#serverRequests.answeredInBatch(item.id);
      } else if (item.kind === 'notification' && item.method === 'notifications/initialized') {
        memory.initialized = single();
      } else if (item.kind === 'notification' && item.method === 'notifications/cancelled') {
        this.#withdrawn(link, cancelledKey(item, part));
      } else if (item.kind === 'notification') {
        refused = !this.#mayGo(item);
      } else if (item.kind === 'request') {
        const tool = item.method === 'tools/call' ? (item.body.paramText('name') ?? '') : undefined;
        // A batch cannot wait.
        const verdict = tool === undefined ? 'pass' : (gate?.admit({ tool, envelope: item }, true) ?? 'pass');
        if (verdict !== 'pass' && !(verdict instanceof Promise)) {
          refused = true;
          this.#refuse(item.id, verdict.answer);
        } else if (tool === undefined) {
          this.#track(link, single(), item);
        } else {
          link.take(item.id, item.method, tool);
        }
      }
      if (!refused) {
        rest.push(rest.length === 0 ? openBracket : comma, part);
      }
    });
    if (rest.length === 2 * items.length) {
      link.out.add(line);
    } else if (rest.length > 0) {
      link.out.add(Buffer.concat([...rest, batchEnd]));
    }
  }

  #unserved({ id, method }: Envelope & { kind: 'request' }): Buffer {
    const text = this.#servers.broken ?? 'The server is gone, and the session with it. Nothing was carried out.';
    this.#context.refusals.note(text);
    return method === 'tools/call' ? toolAnswer(id, failedTool(text, this.#context.memory.isModern)) : errorAnswer(id, text);
  }

  /** A request that no server has is withdrawn here; any other by the server that has it. */
  #cancelled(line: Buffer, envelope: Envelope & { kind: 'notification' }): void {
    const id = cancelledKey(envelope, line);
    if (id !== undefined && (this.#awaited.withdraw(id) || this.#held.withdraw(id))) {
      return;
    }
    if (id !== undefined && this.#held.hasInArray(id)) {
      // It follows the array to the server that will have it.
      this.#held.readAhead(line, envelope);
      return;
    }
    const link = this.#servers.find((one) => id !== undefined && one.inFlight.has(id)) ?? this.#servers.current;
    if (link) {
      this.#withdrawn(link, id);
      link.out.add(line);
    } else if (id !== undefined) {
      this.#context.memory.forget(id);
    }
  }

  /** The client wants no answer of this server any more. */
  #withdrawn(link: ServerLink, id: IdKey | undefined): void {
    if (id !== undefined) {
      link.listening.delete(id);
      link.settle(id);
      this.#context.inputRequests.settled(link, id);
      this.#context.memory.forget(id);
    }
  }
}
