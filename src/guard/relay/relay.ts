import { sizeText } from '../../base/sizeText.ts';
import type { IdKey } from '../message/envelope.ts';
import { type LineLimits, LineSplitter, lineLimits } from '../message/lineSplitter.ts';
import { failureAnswer, say } from '../message/ownAnswers.ts';
import { RefusalCount } from '../message/refusedCalls.ts';
import type { MessageSink, MessageSource, Pending, ServerProcess } from '../process/serverProcess.ts';
import { ClientMessages } from './clientMessages.ts';
import { ConnectedServers } from './connectedServers.ts';
import { HeldQueue } from './heldQueue.ts';
import { InputRequests } from './inputRequests.ts';
import { MessageWriter, PausableInput } from './messageWriter.ts';
import type { CallGate, RelayContext } from './relayContext.ts';
import { ServerLink } from './serverLink.ts';
import { type LongLines, ServerMessages } from './serverMessages.ts';
import { ServerRequests } from './serverRequests.ts';
import { type LazySession, SessionMemory } from './sessionMemory.ts';
import type { UnreadLines } from './unreadLines.ts';

/**
 * Connects one client to its server, and to the servers that replace it. Lines are forwarded as the bytes that came. The relay tracks what is in flight in both
 * directions, so that a server can be replaced between two messages.
 */
export class Relay implements RelayContext {
  readonly memory = new SessionMemory();
  readonly client: MessageWriter;
  readonly refusals = new RefusalCount();
  readonly inputRequests = new InputRequests();
  gate: CallGate | undefined;
  onClientInfo: RelayContext['onClientInfo'];
  onFirstAnswer: RelayContext['onFirstAnswer'];
  /** Until it is set, long lines are kept like all others. */
  longLines: LongLines | undefined;
  readonly say: RelayContext['say'];
  readonly #input: PausableInput;
  readonly #limits: LineLimits;
  readonly #servers = new ConnectedServers();
  readonly #serverRequests = new ServerRequests(this.#servers);
  readonly #held: HeldQueue;
  readonly #clientMessages: ClientMessages;
  readonly #serverMessages = new ServerMessages(this, this.#servers, this.#serverRequests, () => this.longLines);
  #unread: UnreadLines | undefined;

  /** @param limits other than the guard's in tests @param report writes a line of the log */
  constructor(stdin: MessageSource, stdout: MessageSink, limits: LineLimits = lineLimits, report: RelayContext['say'] = say) {
    this.say = report;
    const keptWithoutHelp = (): number => (this.longLines ? limits.kept : Number.POSITIVE_INFINITY);
    this.#limits = {
      longest: limits.longest,
      get kept() {
        return keptWithoutHelp();
      },
    };
    this.#input = new PausableInput(stdin);
    this.#held = new HeldQueue(this.#input);
    this.#clientMessages = new ClientMessages(this, this.#servers, this.#held, this.#serverRequests);
    this.client = new MessageWriter(stdout, () => this.#servers.outputs);
    /** Which server has the lines already. */
    let server: ServerProcess | undefined;
    const splitter = new LineSplitter(
      {
        line: (line, isLast) => (server ? this.#hasGot(server, line) : this.#clientMessages.take(line, isLast)),
        part: (bytes, ends) => {
          this.#unread ??=
            this.longLines && new this.longLines.UnreadLines(this, this.#servers, this.#held, this.#serverRequests, this.#input);
          this.#unread?.part(bytes, ends);
        },
        cut: () => this.#unread?.cut(),
        endless: () => {
          report(`the client sent a line of more than ${sizeText(limits.longest)}: the session ends`);
          stdin.destroy();
        },
      },
      this.#limits,
    );
    stdin.on('data', (chunk: Buffer, reached?: boolean | ServerProcess) => {
      server = typeof reached === 'object' ? reached : undefined;
      splitter.push(chunk);
      this.flush();
    });
    stdin.once('end', () => {
      server = undefined;
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

  /** Why there is no server: every request is answered with this reason. */
  get broken(): string | undefined {
    return this.#servers.broken;
  }

  /** Connects a server: its messages reach the client from now on. It gets requests only after `release`. */
  connect(process: ServerProcess): ServerLink {
    const link = new ServerLink(process, this.#serverMessages, this.#input, this.#limits);
    this.#servers.add(link);
    return link;
  }

  /** Holds the client's messages from now on. */
  hold(): void {
    this.client.endLine();
    this.#held.hold();
  }

  /** Messages that wait for a server. */
  get heldCount(): number {
    return this.#held.messages.length;
  }

  /** Every line of this server reaches the client unchanged for now. */
  isPlain(link: ServerLink): boolean {
    return this.#serverMessages.isPlain(link);
  }

  /** Every line of the client would go to the current server unchanged, and no decision depends on it. */
  get isOpen(): boolean {
    return !this.#held.isHolding && !this.isDeciding && !this.memory.isModern && (this.gate?.isOff ?? true);
  }

  /** A server has got this line of the client without this process. */
  #hasGot(server: ServerProcess, line: Buffer): void {
    const link = this.#servers.find(({ process }) => process === server);
    for (const { id, method, body } of this.#clientMessages.noteSent(line, link)) {
      const tool = method === 'tools/call' ? (body.paramText('name') ?? '') : undefined;
      this.client.add(this.#lost(id, { method, tool, since: 0 }, 'The server ended'));
    }
  }

  /** The servers whose messages reach the client. */
  get links(): Iterable<ServerLink> {
    return this.#servers.all;
  }

  /** Lines of the client that no server has got. */
  get waiting(): readonly { readonly line: Buffer | undefined }[] {
    return [...this.#clientMessages.undecided, ...this.#held.messages];
  }

  /** Takes a line of the client that was read before. */
  take(line: Buffer): void {
    this.#clientMessages.take(line);
    this.flush();
  }

  /** Calls wait for the gate's decision. */
  get isDeciding(): boolean {
    return this.#clientMessages.isDeciding;
  }

  /** Sends the held messages to a server, in their order, and every later one too. */
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
   * A server ended, or is given up: its open requests are answered, the requests that it sent to the client are cancelled, and its further output is dropped.
   * @param why what happened to it, for the answers
   */
  disconnect(link: ServerLink, why: string): void {
    if (!this.#servers.remove(link)) {
      return;
    }
    this.client.endPart(link.output);
    for (const [id, first] of link.inFlight) {
      for (let pending: Pending | undefined = link.listening.has(id) ? undefined : first; pending; pending = pending.more) {
        this.client.add(this.#lost(id, pending, link.fault ?? why));
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

  /** There is no server for now: until the next `release`, held and new requests are answered with the reason. */
  giveUp(reason: string): void {
    this.#servers.giveUp(reason);
    for (const { line, envelope } of this.#held.takeRequests()) {
      this.#clientMessages.deliver(line, envelope);
    }
    this.flush();
    this.#held.readOn();
  }

  /** Answers the requests that wait with the reason. Later ones wait for a server again. */
  refuseHeld(reason: string): void {
    this.giveUp(reason);
    this.#servers.giveUp(undefined);
  }

  /** With `--start lazy`: no server is started yet. Messages that were read before go to `lazy` first, too. */
  rest(lazy: LazySession): void {
    this.memory.lazy = lazy;
    const held = this.#held.release();
    this.#held.hold();
    for (const { line } of held) {
      this.#clientMessages.take(line);
    }
    this.flush();
    this.#held.readOn();
  }

  /** Sends messages of the guard to the client. */
  tell(lines: readonly Buffer[]): void {
    for (const line of lines) {
      this.client.add(line);
    }
    this.client.flush();
  }

  #lost(id: IdKey, { method, tool }: Pending, why: string): Buffer {
    const text = `${why} before it answered this ${tool === undefined ? `request (${method})` : `call of ${tool}`}. It may have been carried out, and was not repeated.`;
    return failureAnswer(id, text, { isCall: tool !== undefined, modern: this.memory.isModern });
  }
}
