import type { Readable, Writable } from 'node:stream';
import type { IdKey } from '../message/envelope.ts';
import { LineSplitter } from '../message/lineSplitter.ts';
import { errorAnswer, failedTool, toolAnswer } from '../message/ownAnswers.ts';
import { RefusalCount } from '../message/refusedCalls.ts';
import type { ServerProcess } from '../process/serverProcess.ts';
import type { CallGate } from './callGate.ts';
import { ClientMessages } from './clientMessages.ts';
import { ConnectedServers } from './connectedServers.ts';
import { HeldQueue } from './heldQueue.ts';
import { InputRequests } from './inputRequests.ts';
import { MessageWriter, PausableInput } from './messageWriter.ts';
import type { RelayContext } from './relayContext.ts';
import { type Pending, ServerLink } from './serverLink.ts';
import { ServerMessages } from './serverMessages.ts';
import { ServerRequests } from './serverRequests.ts';
import { SessionMemory } from './sessionMemory.ts';

/**
 * Stands between one client and, one after the other, its servers. Lines go on as the bytes that came; what is open on both sides is known, so that a
 * server can be replaced between two of them.
 */
export class Relay implements RelayContext {
  readonly memory = new SessionMemory();
  readonly client: MessageWriter;
  readonly refusals = new RefusalCount();
  readonly inputRequests = new InputRequests();
  gate: CallGate | undefined;
  onClientInfo: RelayContext['onClientInfo'];
  onFirstAnswer: RelayContext['onFirstAnswer'];
  readonly #input: PausableInput;
  readonly #servers = new ConnectedServers();
  readonly #serverRequests = new ServerRequests(this.#servers);
  readonly #held: HeldQueue;
  readonly #clientMessages: ClientMessages;
  readonly #serverMessages = new ServerMessages(this, this.#servers, this.#serverRequests);

  constructor(stdin: Readable, stdout: Writable) {
    this.#input = new PausableInput(stdin);
    this.#held = new HeldQueue(this.#input);
    this.#clientMessages = new ClientMessages(this, this.#servers, this.#held, this.#serverRequests);
    this.client = new MessageWriter(stdout, () => this.#servers.valves);
    const splitter = new LineSplitter({ line: (line, isLast) => this.#clientMessages.take(line, isLast) });
    stdin.on('data', (chunk: Buffer) => {
      splitter.push(chunk);
      this.flush();
    });
    stdin.once('end', () => {
      const rest = splitter.rest();
      if (rest.length > 0) {
        this.#clientMessages.take(rest);
        this.flush();
      }
    });
  }

  flush(): void {
    this.client.flush();
    this.#servers.flush();
  }

  /** The server that new requests go to. */
  get current(): ServerLink | undefined {
    return this.#servers.current;
  }

  /** Why no server can be had: every request is answered with it. */
  get broken(): string | undefined {
    return this.#servers.broken;
  }

  /** A server that speaks to the client from now on; requests go to it only after `release`. */
  connect(process: ServerProcess): ServerLink {
    const link = new ServerLink(process, this.#serverMessages, this.#input);
    this.#servers.add(link);
    return link;
  }

  /** Keeps back what the client sends from now on. */
  hold(): void {
    this.client.endLine();
    this.#held.hold();
  }

  /** Requests that wait for a server. */
  get heldCount(): number {
    return this.#held.count;
  }

  /** Calls wait for the gate's decision. */
  get isDeciding(): boolean {
    return this.#clientMessages.isDeciding;
  }

  /** Sends on what was kept back, in its order, and everything that comes from now on. */
  release(link: ServerLink): void {
    this.client.endLine();
    this.#servers.serve(link);
    this.gate?.serves(link.process);
    for (const { line, envelope } of this.#held.release()) {
      this.#clientMessages.deliver(line, envelope);
    }
    this.flush();
    this.#held.readOn();
  }

  /**
   * A server is gone, or is given up: what it had to answer is answered, what it asked is withdrawn, and whatever it still says goes nowhere.
   * @param why what happened to it, for the answers
   */
  disconnect(link: ServerLink, why: string): void {
    if (!this.#servers.remove(link)) {
      return;
    }
    for (const [id, first] of link.inFlight) {
      for (let pending: Pending | undefined = link.listening.has(id) ? undefined : first; pending; pending = pending.more) {
        this.client.add(this.#lost(id, pending, why));
        this.memory.forget(id);
        this.inputRequests.settled(link, id);
      }
    }
    link.inFlight.clear();
    for (const line of this.#serverRequests.close(link)) {
      this.client.add(line);
    }
    this.flush();
    link.wakeIdleWaiters();
  }

  /** No server can be had for now: every request that waits, and every one that comes, is answered with the reason, until the next `release`. */
  giveUp(reason: string): void {
    this.#servers.giveUp(reason);
    for (const { line, envelope } of this.#held.takeRequests()) {
      this.#clientMessages.deliver(line, envelope);
    }
    this.flush();
    this.#held.readOn();
  }

  /** Tells the client something of our own. */
  tell(lines: readonly Buffer[]): void {
    for (const line of lines) {
      this.client.add(line);
    }
    this.client.flush();
  }

  #lost(id: IdKey, { method, tool }: Pending, why: string): Buffer {
    const text = `${why} before it answered this ${tool === undefined ? `request (${method})` : `call of ${tool}`}. It may have been carried out, and was not repeated.`;
    return tool === undefined ? errorAnswer(id, text) : toolAnswer(id, failedTool(text, this.memory.isModern));
  }
}
