import { type IdKey, keyOf, readEnvelope } from '../message/envelope.ts';
import { type MessageHead, MessageScanner } from '../message/messageScanner.ts';
import { failureAnswer, messageLine } from '../message/ownAnswers.ts';
import type { ConnectedServers } from './connectedServers.ts';
import type { HeldQueue } from './heldQueue.ts';
import type { PausableInput } from './messageWriter.ts';
import type { RelayContext } from './relayContext.ts';
import type { ServerLink } from './serverLink.ts';
import type { ServerRequests } from './serverRequests.ts';

interface OpenLine {
  readonly scanner: MessageScanner;
  /** The server that gets it; undefined when it is refused. */
  link: ServerLink | undefined;
  refusal: string;
}

/**
 * Lines of the client that are too long to be kept. The server gets them as they come, unless the gate has to know what they call, or no server can take them
 * now. What is refused is answered when its line has ended: its id may be its last member.
 */
export class UnreadLines {
  readonly #context: RelayContext;
  readonly #servers: ConnectedServers;
  readonly #held: HeldQueue;
  readonly #serverRequests: ServerRequests;
  readonly #input: PausableInput;
  #open: OpenLine | undefined;

  constructor(context: RelayContext, servers: ConnectedServers, held: HeldQueue, serverRequests: ServerRequests, input: PausableInput) {
    this.#context = context;
    this.#servers = servers;
    this.#held = held;
    this.#serverRequests = serverRequests;
    this.#input = input;
  }

  /** Takes the next bytes. @param ends they end with the line break */
  part(bytes: Buffer, ends: boolean): void {
    this.#open ??= this.#begin();
    const open = this.#open;
    open.scanner.push(bytes);
    if (open.link && !this.#servers.has(open.link)) {
      open.link = undefined;
      open.refusal = 'The server ended while it was sent this message. Nothing of it was carried out.';
    }
    open.link?.out.addPart(this.#input, bytes, ends);
    if (ends) {
      this.#open = undefined;
      this.#ended(open);
    }
  }

  /** The client's output ended within the line. */
  cut(): void {
    this.#open?.link?.out.endPart(this.#input);
    this.#open = undefined;
  }

  #begin(): OpenLine {
    const { current, broken } = this.#servers;
    const scanner = new MessageScanner();
    if (this.#context.gate) {
      const way = 'Send it in smaller messages, or start the guard with --on-stale off';
      return {
        scanner,
        link: undefined,
        refusal: `Not executed: the guard reads no message of more than 64 MB, and so cannot judge it. ${way}.`,
      };
    }
    const wait = 'The server is being started, and a message of more than 64 MB cannot wait for it. Nothing was carried out. Repeat it';
    return { scanner, link: this.#held.isHolding ? undefined : current, refusal: broken ?? wait };
  }

  #ended({ scanner, link, refusal }: OpenLine): void {
    const head = scanner.end();
    const id = headKey(head);
    if (link) {
      if (head?.method !== undefined && id !== undefined) {
        link.take(id, head.method);
      } else if (head?.answers && id !== undefined) {
        this.#serverRequests.answeredInBatch(id);
      }
      return;
    }
    this.#context.refusals.note(refusal);
    if (head?.method !== undefined && id !== undefined) {
      const isCall = head.method === 'tools/call';
      this.#context.client.add(failureAnswer(id, refusal, { isCall, modern: this.#context.memory.isModern }));
    } else if (head?.answers && id !== undefined) {
      // The server waits for this answer.
      const line = messageLine(id, { error: { code: -32_000, message: refusal } });
      const envelope = readEnvelope(line);
      if (envelope.kind === 'response') {
        this.#serverRequests.answered(line, envelope);
      }
    } else {
      this.#context.say(`a message without an id that could be answered was not passed on: ${refusal}`);
    }
  }
}

/** Reads what a line that is not kept answers or asks, byte by byte. */
export function scanLine(): MessageScanner {
  return new MessageScanner();
}

/** The id of a message that was not kept. Undefined for a number that JavaScript cannot hold exactly: its digits are gone. */
export function headKey(head: MessageHead | undefined): IdKey | undefined {
  const id = head?.id;
  return typeof id === 'string' || Number.isSafeInteger(id) ? keyOf(id) : undefined;
}
