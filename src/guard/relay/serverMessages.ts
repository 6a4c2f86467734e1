import { isRecord } from '../../base/json.ts';
import { type Envelope, keyOf, readEnvelope } from '../message/envelope.ts';
import type { MessageHead, MessageScanner } from '../message/messageScanner.ts';
import { messageLine } from '../message/ownAnswers.ts';
import type { Pending } from '../process/serverProcess.ts';
import type { ConnectedServers } from './connectedServers.ts';
import type { RelayContext } from './relayContext.ts';
import type { LinkListener, ServerLink } from './serverLink.ts';
import { isRemembered, type ServerRequests } from './serverRequests.ts';
import { announceListChanges, lists, SessionMemory } from './sessionMemory.ts';

/** The handler of lines that are too long to be kept. The guard loads it while the server starts. */
export type LongLines = typeof import('./unreadLines.ts');

/** Messages from the servers to the client. Answers settle requests; lines are forwarded as the bytes that came wherever possible. */
export class ServerMessages implements LinkListener {
  readonly #context: RelayContext;
  readonly #servers: ConnectedServers;
  readonly #serverRequests: ServerRequests;
  /** Servers that are within a line that is too long to be kept. */
  readonly #unread = new Map<ServerLink, MessageScanner>();

  readonly #longLines: () => LongLines | undefined;

  constructor(context: RelayContext, servers: ConnectedServers, serverRequests: ServerRequests, longLines: () => LongLines | undefined) {
    this.#longLines = longLines;
    this.#context = context;
    this.#servers = servers;
    this.#serverRequests = serverRequests;
  }

  report(text: string): void {
    this.#context.say(text);
  }

  lines(link: ServerLink, lines: readonly Buffer[], hasPassed: boolean): void {
    const { client } = this.#context;
    // In most states no line can be for the guard or need a change: then it is forwarded first and noted after.
    const sends = !hasPassed && this.isPlain(link);
    const sent = sends || hasPassed;
    if (sends && lines[0] && lines.length === 1) {
      client.send(lines[0]);
    } else if (sends) {
      for (const line of lines) {
        client.add(line);
      }
      client.flush();
    }
    for (const line of lines) {
      const envelope = readEnvelope(line);
      if (envelope.kind === 'response') {
        this.#noteAnswered(link);
      }
      if (envelope.kind !== 'response' || !link.takeOwn(envelope.id, envelope)) {
        this.#take(link, line, envelope, sent);
      }
    }
    this.#context.flush();
  }

  part(link: ServerLink, bytes: Buffer, ends: boolean): void {
    const scanner = this.#unread.get(link) ?? this.#longLines()?.scanLine();
    if (scanner) {
      this.#unread.set(link, scanner);
      scanner.push(bytes);
    }
    if (this.#servers.has(link)) {
      this.#context.client.addPart(link.output, bytes, ends);
    }
    if (ends) {
      this.#unread.delete(link);
      this.#passed(link, scanner?.end());
    }
  }

  cut(link: ServerLink): void {
    this.#unread.delete(link);
    this.#context.client.endPart(link.output);
  }

  /** A line that was too long to keep was passed on. An answer settles its request; its content is not stored. */
  #passed(link: ServerLink, head: MessageHead | undefined): void {
    const id = this.#longLines()?.headKey(head);
    if (id !== undefined && head?.answers) {
      this.#noteAnswered(link);
      link.listening.delete(id);
      link.settle(id);
      this.#context.inputRequests.settled(link, id);
      this.#context.memory.forget(id);
    }
  }

  #noteAnswered(link: ServerLink): void {
    if (!link.hasAnswered) {
      link.hasAnswered = true;
      this.#context.onFirstAnswer?.();
      this.#context.gate?.answered(link.process);
    }
  }

  rest(link: ServerLink, bytes: Buffer): void {
    // An answer without its line break still counts as an answer.
    const envelope = readEnvelope(bytes);
    if (envelope.kind !== 'response' || !link.takeOwn(envelope.id, envelope)) {
      this.#take(link, bytes, envelope.kind === 'response' ? envelope : { kind: 'opaque' }, false);
    }
    this.#context.flush();
  }

  /** Every line of this server can be forwarded unchanged now. */
  isPlain(link: ServerLink): boolean {
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

  /** @param sent the client has the line already: it is only noted */
  #take(link: ServerLink, line: Buffer, envelope: Envelope, sent: boolean): void {
    if (!this.#servers.has(link)) {
      return;
    }
    const message = this.#note(link, line, envelope);
    if (!sent && message) {
      this.#context.client.add(message);
    }
  }

  /** @returns the line for the client; undefined when it gets none */
  #note(link: ServerLink, line: Buffer, envelope: Envelope): Buffer | undefined {
    switch (envelope.kind) {
      case 'response':
        return this.#answer(link, line, envelope);
      case 'request':
        link.askedFirst ||= !link.hasAnswered;
        return this.#serverRequests.asked(link, line, envelope);
      case 'batch':
        for (const item of envelope.items) {
          if (item.kind === 'response') {
            this.#settle(link, item);
          } else if (item.kind === 'request' && isRemembered(link, item.id)) {
            link.asked.set(item.id, item.id);
          }
        }
        break;
      case 'notification':
        if (envelope.method === 'notifications/subscriptions/acknowledged' && this.#acknowledged(link, envelope)) {
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
        return messageLine(envelope.id, amended);
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
    const { gate, memory, onClientInfo, inputRequests } = this.#context;
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
        onClientInfo?.(client);
      }
      if (pending.method === 'tools/list') {
        gate?.listed(answer?.result, whole);
      }
    }
    return pending;
  }

  /** @returns whether this is the acknowledgement of a subscription that the guard repeated: the client already has one */
  #acknowledged(link: ServerLink, envelope: Envelope & { kind: 'notification' }): boolean {
    const params = envelope.body.value()?.params;
    const meta = isRecord(params) && isRecord(params._meta) ? params._meta : {};
    const id = keyOf(meta['io.modelcontextprotocol/subscriptionId']);
    if (id === undefined || link.reopened.delete(id)) {
      return id !== undefined;
    }
    this.#context.memory.lazy?.acknowledged(id, isRecord(params) ? params : {});
    return false;
  }
}
