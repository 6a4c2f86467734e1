import { readEnvelope } from '../../guard/message/envelope.ts';
import type { OpenedSession, ShareFacts } from '../../guard/process/guardPlace.ts';
import type { StartRequest } from '../../guard/process/serverProcess.ts';
import type { Relay } from '../../guard/relay/relay.ts';
import { otherConfinement } from './confinement.ts';
import { paramsOf } from './sharedMethods.ts';
import type { SharedCommand } from './sharedServer.ts';
import type { SharedServers } from './sharedServers.ts';
import type { SharedView } from './sharedView.ts';

/** A session waits for an installer that goes on at most so long before it starts a server of its own; the times of files are coarse. ms. */
const [changingMs, marginMs] = [10_000, 20];

/** In which the client states what it is. */
interface First {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

interface SessionOptions {
  readonly servers: SharedServers;
  /** The user said that its server may be shared. */
  readonly isAsked: boolean;
  /** The process of the relay. */
  readonly pid: number;
  readonly session: () => OpenedSession | undefined;
  readonly later: (act: () => void) => void;
  readonly passErrors: (bytes: Buffer) => void;
}

/** One session and its part of a shared server. */
export class SessionShare {
  readonly #options: SessionOptions;
  readonly #facts: Promise<ShareFacts>;
  /** Where the session shares nothing, it is never called. */
  keyed: (facts: ShareFacts) => void = () => undefined;
  /** Called when a message of the client was read, or none follows. */
  heard: () => void = () => undefined;
  #views: SharedView[] = [];
  /** The client sends nothing more. */
  #hasEnded = false;
  #isLost = false;
  #why: string | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#facts = new Promise((resolve) => {
      this.keyed = resolve;
    });
  }

  /** Its parts of servers; the last one is the newest. */
  get views(): readonly SharedView[] {
    return this.#views;
  }

  /** @returns undefined where the session needs a server of its own @throws the system's error when it cannot be started */
  async server(name: string, request: StartRequest, place: Pick<SharedCommand, 'cwd' | 'env'>): Promise<SharedView | undefined> {
    const facts = await this.#facts;
    const { servers, pid, session, later, passErrors } = this.#options;
    const why = otherConfinement(pid) ?? (await this.#first());
    const found = typeof why === 'string' ? { unknown: why } : await this.#key(facts, why);
    if ('unknown' in found || !(this.#options.isAsked || found.isDeclared)) {
      this.#tell(facts, 'unknown' in found && this.#options.isAsked ? found.unknown : undefined);
      return undefined;
    }
    const view: SharedView | string = await servers.join(
      {
        ...{ key: found.key, name, before: this.#views.at(-1), wakes: session()?.relay.memory.lazy?.wakes === true },
        command: { ...place, command: request.command, args: request.args },
      },
      {
        later,
        passErrors: (bytes) => (request.errors && typeof view === 'object' ? view.errors.push(bytes) : passErrors(bytes)),
        restart: (reason) => void session()?.supervisor.restart(reason),
        relay: () => session()?.relay,
      },
    );
    if (typeof view === 'string') {
      this.#tell(facts, view);
      return undefined;
    }
    this.#tell(facts, undefined);
    if (this.#isLost) {
      view.signal('SIGKILL');
    }
    // The ledger still needs those that have ended with requests in flight.
    this.#views = [...this.#views.filter(({ ended, calls }) => !ended || calls.size + calls.noted.size > 0), view];
    request.errors?.(view.errors);
    return view;
  }

  /** After an upgrade, all sessions start their servers at once: those whose code has just changed wait, so that they share the new one. */
  async #key(facts: ShareFacts, { method, params }: First): Promise<ReturnType<ShareFacts['key']>> {
    const until = performance.now() + changingMs;
    for (;;) {
      const found = facts.key(method, params);
      const isOver = this.#hasEnded || !this.#options.isAsked || performance.now() > until;
      if (!('knownIn' in found) || isOver) {
        return found;
      }
      await new Promise((resolve) => setTimeout(resolve, (found.knownIn ?? 0) + marginMs));
    }
  }

  /** The sessions of other clients that have the server, too. */
  others(): readonly Relay[] {
    const view = this.#views.at(-1);
    return view && !view.ended ? this.#options.servers.others(view) : [];
  }

  #tell(facts: ShareFacts, why: string | undefined): void {
    this.#why = why;
    facts.tell(why);
  }

  /** The session has a record, which it may not have had when its first server started. */
  begun(): void {
    const why = this.#why;
    if (why !== undefined) {
      void this.#facts.then((facts) => facts.tell(why));
    }
  }

  /** What the client states of itself; or why it has stated nothing. */
  async #first(): Promise<string | First> {
    for (;;) {
      const { memory, waiting } = this.#options.session()?.relay ?? {};
      if (memory?.initialize) {
        return { method: 'initialize', params: memory.initialize };
      }
      if (memory?.requestMeta) {
        return { method: '', params: { _meta: memory.requestMeta } };
      }
      for (const { line } of waiting ?? []) {
        const envelope = line && readEnvelope(line);
        if (envelope?.kind === 'request') {
          return { method: envelope.method, params: paramsOf(envelope.body.value()) };
        }
      }
      if (this.#hasEnded || (waiting?.length ?? 0) > 0) {
        return 'the client does not state its protocol version';
      }
      await new Promise<void>((resolve) => {
        this.heard = resolve;
      });
    }
  }

  /** The client sends nothing more. */
  ended(): void {
    this.#hasEnded = true;
    this.heard();
  }

  /** The connection to the relay is closed. */
  lost(): void {
    this.#isLost = true;
    this.ended();
    for (const view of this.#views) {
      view.signal('SIGKILL');
    }
  }
}
