import { isRecord } from '../../base/json.ts';
import { type Envelope, idText, keyOf, readEnvelope } from '../message/envelope.ts';
import type { ConnectedServers } from './connectedServers.ts';
import type { RelayContext } from './relayContext.ts';
import type { LinkListener, Pending, ServerLink } from './serverLink.ts';
import type { ServerRequests } from './serverRequests.ts';
import { announceListChanges, lists, SessionMemory } from './sessionMemory.ts';

/** The way from the servers to the client: answers settle requests, and lines go on as the bytes that came wherever they can. */
export class ServerMessages implements LinkListener {
  readonly #context: RelayContext;
  readonly #servers: ConnectedServers;
  readonly #serverRequests: ServerRequests;

  constructor(context: RelayContext, servers: ConnectedServers, serverRequests: ServerRequests) {
    this.#context = context;
    this.#servers = servers;
    this.#serverRequests = serverRequests;
  }

  lines(link: ServerLink, lines: readonly Buffer[]): void {
    const { client } = this.#context;
    // Mostly nothing that comes could be meant for us or need a change: then it leaves first and is looked at after.
    const sent = this.#isPlain(link);
    if (sent && lines[0] && lines.length === 1) {
      client.send(lines[0]);
    } else if (sent) {
      for (const line of lines) {
        client.add(line);
      }
      client.flush();
    }
    for (const line of lines) {
      const envelope = readEnvelope(line);
      if (!link.hasAnswered && envelope.kind === 'response') {
        link.hasAnswered = true;
        this.#context.onFirstAnswer?.();
        this.#context.gate?.answered(link.process);
      }
      if (envelope.kind !== 'response' || !link.takeOwn(envelope.id, envelope)) {
        this.#take(link, line, envelope, sent);
      }
    }
    this.#context.flush();
  }

  rest(link: ServerLink, bytes: Buffer): void {
    // An answer that lacks nothing but its line break is one.
    const envelope = readEnvelope(bytes);
    if (envelope.kind !== 'response' || !link.takeOwn(envelope.id, envelope)) {
      this.#take(link, bytes, envelope.kind === 'response' ? envelope : { kind: 'opaque' }, false);
    }
    this.#context.flush();
  }

  /** Whatever this server says now goes to the client as it is. */
  #isPlain(link: ServerLink): boolean {
    return (
      link === this.#servers.current &&
      link.hasAnswered &&
      !link.hasAsked &&
      link.reopened.size === 0 &&
      this.#servers.count === 1 &&
      !this.#serverRequests.isMixed &&
      !this.#context.memory.isWaiting &&
      !this.#context.inputRequests.isWaiting &&
      !(this.#context.gate?.amends ?? false)
    );
  }

  /** @param sent the client has it already: it is only noted */
  #take(link: ServerLink, line: Buffer, envelope: Envelope, sent: boolean): void {
    if (!this.#servers.has(link)) {
      return;
    }
    const message = this.#note(link, line, envelope);
    if (!sent && message) {
      this.#context.client.add(message);
    }
  }

  /** @returns what goes to the client */
  #note(link: ServerLink, line: Buffer, envelope: Envelope): Buffer | undefined {
    switch (envelope.kind) {
      case 'response':
        return this.#answer(link, line, envelope);
      case 'request':
        return this.#serverRequests.asked(link, line, envelope);
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
        if (envelope.method === 'notifications/subscriptions/acknowledged' && isReopened(link, envelope)) {
          return undefined;
        }
        if (envelope.method === 'notifications/cancelled') {
          return this.#serverRequests.withdrawn(link, line, envelope);
        }
        if (envelope.method === lists['tools/list'].changed) {
          this.#context.gate?.toolsChanged();
        }
        break;
      default:
    }
    return line;
  }

  #answer(link: ServerLink, line: Buffer, envelope: Envelope & { kind: 'response' }): Buffer {
    const pending = this.#settle(link, envelope);
    if (pending?.method === 'initialize' && !envelope.isError) {
      const answer = envelope.body.value();
      const amended = answer && announceListChanges(answer);
      if (amended) {
        const { id: _, ...rest } = amended;
        return Buffer.from(`${JSON.stringify(rest).replace(/^\{/, `{"id":${idText(envelope.id)},`)}\n`);
      }
    }
    const { gate, inputRequests } = this.#context;
    if (inputRequests.settled(link, envelope.id) && envelope.isError) {
      return inputRequests.explained(line, envelope);
    }
    return pending?.tool !== undefined && gate ? gate.amend(line, envelope) : line;
  }

  #settle(link: ServerLink, envelope: Envelope & { kind: 'response' }): Pending | undefined {
    const { id } = envelope;
    const { gate, memory, onClientInfo: named, inputRequests } = this.#context;
    link.listening.delete(id);
    const pending = link.settle(id);
    if (pending && !envelope.isError) {
      memory.hasServed = true;
      if (memory.isModern) {
        inputRequests.answered(link, envelope);
      }
    }
    if (pending && SessionMemory.methods.has(pending.method)) {
      const answer = envelope.body.value();
      const whole = memory.noteAnswer(id, answer);
      const client = pending.method === 'initialize' ? memory.clientInfo : undefined;
      if (client) {
        named?.(client);
      }
      if (pending.method === 'tools/list') {
        gate?.listed(answer?.result, whole);
      }
    }
    return pending;
  }
}

/** The acknowledgement of a subscription that was opened again here: the client has had one. */
function isReopened(link: ServerLink, envelope: Envelope & { kind: 'notification' }): boolean {
  const params = envelope.body.value()?.params;
  const meta = isRecord(params) && isRecord(params._meta) ? params._meta : {};
  const id = keyOf(meta['io.modelcontextprotocol/subscriptionId']);
  return id !== undefined && link.reopened.delete(id);
}
