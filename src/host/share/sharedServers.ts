import { settlesWithin } from '../../base/settlesWithin.ts';
import type { HostParts } from '../../guard/hostParts.ts';
import type { Relay } from '../../guard/relay/relay.ts';
import { type SharedCommand, SharedServer, type Sharer } from './sharedServer.ts';
import type { SharedView } from './sharedView.ts';

/** A server without a client ends after this time, ms. */
const graceMs = 10_000;
/** From the end of its input to SIGTERM, and from there to SIGKILL, ms. */
const limits = { politeMs: 10_000, termMs: 5_000 };
/** A server that is replaced ends within this time, or the next one starts beside it, ms. */
const replaceMs = 60_000;
/** The next client waits so long for the first answer of a server, ms. */
const answerMs = 60_000;
/** Keys of servers that are not shared any more. */
const maxUnsafe = 1_000;

type Parts = Pick<HostParts, 'endServer' | 'isGroupAlive' | 'watchdog'>;

/** What a session wants to share. */
export interface ShareRequest {
  /** Equal for sessions whose server may be one. */
  readonly key: string;
  readonly command: SharedCommand;
  /** Of its part, in the ledger. */
  readonly name: string;
  /** The part that the session has or had. */
  readonly before: SharedView | undefined;
  /** The session was asleep: the same server serves it again. */
  readonly wakes: boolean;
}

/** A server of a key, or the attempt to start it. */
interface Entry {
  readonly server: Promise<SharedServer>;
  /** The same, when it runs. */
  started?: SharedServer;
  rest?: NodeJS.Timeout;
}

/** The servers that several clients share. They are children of this process, so that no client's end takes one from the others. */
export class SharedServers {
  readonly #parts: Parts;
  readonly #current = new Map<string, Entry>();
  readonly #running = new Set<SharedServer>();
  /** Servers that are being replaced; the next one of the key waits for their end. */
  readonly #leaving = new Map<string, Promise<unknown>>();
  readonly #servers = new WeakMap<SharedView, SharedServer>();
  /** Why servers of a key are not shared. */
  readonly #unsafe = new Map<string, string>();
  #watchdog: ReturnType<Parts['watchdog']> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Requests are in flight: this process must not give its sessions away. */
  get isBusy(): boolean {
    return [...this.#running].some(({ isBusy }) => isBusy);
  }

  /** @returns the part of one more session, or why it needs a server of its own @throws the system's error when the server cannot be started */
  async join(request: ShareRequest, sharer: Sharer): Promise<SharedView | string> {
    const { key, name, before, wakes } = request;
    const own = before && this.#servers.get(before);
    // A session that leaves a server that runs, and wants another, restarts it for all; one that was put out comes back.
    if (own && !wakes && (before.hasLeft || !before.ended) && this.#current.get(key)?.started === own) {
      this.#replace(key, own, before);
    }
    for (;;) {
      if (!before || before.ended) {
        // With --overlap the new server starts beside the old one.
        await this.#leaving.get(key);
      }
      const why = this.#unsafe.get(key);
      if (why !== undefined) {
        return why;
      }
      const running = this.#current.get(key);
      const entry = running ?? this.#start(request);
      const server = await entry.server;
      if (running) {
        await settlesWithin(server.answered, answerMs);
      }
      if (this.#current.get(key) === entry && !this.#unsafe.has(key)) {
        clearTimeout(entry.rest);
        const view = server.join(name, sharer);
        this.#servers.set(view, server);
        return view;
      }
    }
  }

  /** The sessions that have the server of this part, too. */
  others(part: SharedView): readonly Relay[] {
    const sharers = [...(this.#servers.get(part)?.views ?? [])];
    return sharers.flatMap(([view, sharer]) => (view === part ? [] : (sharer.relay() ?? [])));
  }

  #start({ key, command }: ShareRequest): Entry {
    const server = SharedServer.start(command, {
      isGroupAlive: this.#parts.isGroupAlive,
      unsafe: (evidence) => this.#noteUnsafe(key, evidence),
      left: (left) => this.#left(key, entry, left),
      ended: (ended) => void this.#ended(key, entry, ended),
    });
    const entry: Entry = { server };
    this.#current.set(key, entry);
    server.then(
      (started) => {
        entry.started = started;
        this.#running.add(started);
        this.#watch();
      },
      () => this.#current.delete(key),
    );
    return entry;
  }

  #noteUnsafe(key: string, evidence: string): void {
    if (!this.#unsafe.has(key)) {
      this.#unsafe.set(key, evidence);
    }
    const [oldest] = this.#unsafe.size > maxUnsafe ? this.#unsafe.keys() : [];
    if (oldest !== undefined) {
      this.#unsafe.delete(oldest);
    }
  }

  /** Its last client has left. */
  #left(key: string, entry: Entry, server: SharedServer): void {
    if (this.#current.get(key) !== entry) {
      void this.#parts.endServer(server.process, limits);
      return;
    }
    entry.rest = setTimeout(() => {
      this.#forget(key, entry);
      void this.#parts.endServer(server.process, limits);
    }, graceMs);
  }

  #forget(key: string, entry: Entry): void {
    clearTimeout(entry.rest);
    if (this.#current.get(key) === entry) {
      this.#current.delete(key);
    }
  }

  async #ended(key: string, entry: Entry, server: SharedServer): Promise<void> {
    this.#forget(key, entry);
    // What it left in its group may still write to files that the next one uses.
    await this.#parts.endServer(server.process, { politeMs: 0, termMs: 2_000 });
    this.#running.delete(server);
    this.#watch();
  }

  /** All sessions of a server leave it, and the next one starts when it has ended. */
  #replace(key: string, server: SharedServer, first: SharedView): void {
    clearTimeout(this.#current.get(key)?.rest);
    this.#current.delete(key);
    const gone: Promise<unknown> = settlesWithin(server.exited, replaceMs).then(
      () => this.#leaving.get(key) === gone && this.#leaving.delete(key),
    );
    this.#leaving.set(key, gone);
    for (const [view, sharer] of server.views) {
      if (view !== first) {
        sharer.restart('the server that it shares is restarted');
      }
    }
    if (server.views.size === 0) {
      void this.#parts.endServer(server.process, limits);
    }
  }

  /** Ends all when this process is killed. */
  #watch(): void {
    if (this.#running.size === 0) {
      this.#watchdog?.dismiss();
      this.#watchdog = undefined;
    } else {
      this.#watchdog ??= this.#parts.watchdog(limits.politeMs);
      this.#watchdog.tell([...this.#running].map(({ pid }) => pid));
    }
  }

  /** This process ends. */
  async end(): Promise<void> {
    await Promise.all([...this.#running].map(({ process }) => this.#parts.endServer(process, limits)));
    this.#watchdog?.dismiss();
  }
}
