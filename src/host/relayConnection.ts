import type { Socket } from 'node:net';
import { reasonOf } from '../base/errors.ts';
import type { HostParts } from '../guard/hostParts.ts';
import {
  type Frame,
  FrameReader,
  FrameWriter,
  frameBytes,
  type Greeting,
  hostProtocol,
  readGreeting,
  windowBytes,
} from '../relay/contract.ts';
import type { HostWatchdog } from './hostWatchdog.ts';
import { RemotePlace } from './remotePlace.ts';
import type { SharedServers } from './share/sharedServers.ts';

/** A relay greets within this time, ms. */
const greetingMs = 5_000;
/** A relay that was killed is gone within this time; one that still runs has left this host. ms. */
const goneMs = 2_000;
const checkMs = 20;
/** What a relay has passed or sent by itself is acknowledged with the next commit, at the latest after this time, ms, or so many bytes. */
const [lateMs, lateBytes] = [50, windowBytes / 4];

/** What may wait for others. */
const patient: ReadonlySet<string> = new Set(['done', 'keep', 'drop']);

/** Whom a host takes. */
export interface Admission {
  /** @returns why the host does not serve this relay */
  refusal(greeting: Greeting): string | undefined;
  /** The next host asks for the sessions. @returns whether it gets them; then this process ends */
  heir(secret: string): boolean;
  /** Servers that its sessions may share; a host of one relay has none. */
  readonly servers?: SharedServers;
  readonly watchdog: HostWatchdog;
}

/** Serves one relay until its session is over, or it is gone. */
export class RelayConnection {
  readonly #socket: Socket;
  readonly #parts: HostParts;
  readonly #admission: Admission;
  readonly #reader = new FrameReader();
  /** Never rejects. */
  readonly served: Promise<void>;
  #end: () => void = () => undefined;
  readonly #pending = new FrameWriter();
  /** Of the frames of each name, how many are dealt with; told with the next commit. */
  readonly #done = new Map<string, string>();
  /** What may happen when the relay has got what is pending. */
  #acts: (() => void)[] = [];
  #isScheduled = false;
  /** The relay waits for one of the pending frames. */
  #isUrgent = false;
  #late: NodeJS.Timeout | undefined;
  #lateBytes = 0;
  #isHandling = false;
  #place: RemotePlace | undefined;
  #graceMs = 0;
  #isOver = false;
  /** The relay has said that it goes on with another host. */
  #hasLeft = false;

  constructor(socket: Socket, parts: HostParts, admission: Admission) {
    this.#socket = socket;
    this.#parts = parts;
    this.#admission = admission;
    this.served = new Promise((resolve) => {
      this.#end = resolve;
    });
    const timer = setTimeout(() => socket.destroy(), greetingMs);
    socket.on('error', () => undefined);
    socket.once('data', () => clearTimeout(timer));
    socket.once('close', () => {
      clearTimeout(timer);
      if (!this.#place) {
        this.#end();
      }
    });
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  #read(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) {
        this.#isHandling = true;
        this.#take(frame);
        this.#isHandling = false;
        if ((frame.kind === 'passed' || frame.kind === 'sent') && !this.#isUrgent) {
          this.#commitLater(frame.body.length);
        } else {
          this.#commit();
        }
      }
    } catch {
      // No relay of ours sends this.
      this.#socket.destroy();
    }
  }

  #take(frame: Frame): void {
    if (frame.kind === 'ping') {
      this.#write('pong', '-');
    } else if (frame.kind === 'bye') {
      this.#hasLeft = true;
    } else if (this.#place) {
      this.#place.take(frame);
    } else if (frame.kind === 'heir' && frame.name === `${hostProtocol}` && this.#admission.heir(frame.body.toString('utf8'))) {
      this.#write('yours', '-');
    } else {
      this.#greeted(frame);
    }
  }

  /** This host ends the servers of a relay that is gone. */
  get isEnding(): boolean {
    return this.#place !== undefined && this.#socket.destroyed && !this.#isOver;
  }

  /** The next host goes on with the session. Resolves when all that this one did has left. */
  leave(): Promise<unknown> {
    if (!this.#place || this.#isOver) {
      return Promise.resolve();
    }
    this.#commit();
    this.#isOver = true;
    this.#socket.removeAllListeners('data').resume();
    this.#write('over', '-');
    return new Promise((resolve) => {
      this.#socket.once('close', resolve);
      this.#socket.end(() => resolve(undefined));
    });
  }

  #greeted({ kind, name, body }: Frame): void {
    const greeting = kind === 'hello' ? readGreeting(body) : undefined;
    const refused =
      name !== `${hostProtocol}` || !greeting
        ? `this host speaks version ${hostProtocol}`
        : (this.#admission.refusal(greeting) ?? this.#accept(greeting));
    if (refused !== undefined) {
      this.#write('no', `${hostProtocol}`, Buffer.from(refused));
      this.#socket.end();
    }
  }

  /** @returns why the session needs a guard of its own */
  #accept(greeting: Greeting): string | undefined {
    const words = greeting.args;
    const parsed = this.#parts.readOptions(words);
    if (parsed.status !== 'run' || parsed.options.locks.length > 0) {
      return 'its options need a guard of its own';
    }
    const isShared = this.#admission.servers !== undefined && words.slice(0, words.indexOf('--')).includes('--share');
    // What a shared server depends on is known where it is started lazily.
    const options = isShared ? { ...parsed.options, start: 'lazy' as const } : parsed.options;
    this.#graceMs = options.graceMs;
    const start = this.#parts.startOf(greeting.pid);
    const watch = (server: { readonly pid: number; readonly start: string }): (() => void) =>
      this.#admission.watchdog.watch(server, { pid: greeting.pid, start }, options.graceMs);
    const place = new RemotePlace(greeting, (kind, name, text) => this.#send(kind, name, text), this.#parts, watch, {
      servers: options.start === 'lazy' ? this.#admission.servers : undefined,
      isAsked: isShared,
      later: (act) => this.#later(act),
    });
    this.#place = place;
    this.#socket.once('close', () => void this.#closed(greeting.pid, start));
    this.#write('ready', `${hostProtocol}`);
    void this.#parts.runSession(options, place).then(({ code, signal }) => {
      this.#send('exit', '-', signal === null ? `code ${code ?? 1}` : `signal ${signal}`);
      this.#commit();
      this.#isOver = true;
      this.#socket.end();
      this.#end();
    });
    return undefined;
  }

  /** The relay was killed, or has left this host. */
  async #closed(pid: number, start: string): Promise<void> {
    const until = performance.now() + goneMs;
    const runs = (): boolean => this.#hasLeft || (start !== '-' && this.#parts.startOf(pid) === start);
    while (!this.#isOver && !this.#hasLeft && runs() && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, checkMs));
    }
    if (!this.#isOver) {
      this.#place?.lost(!runs());
    }
  }

  #send(kind: string, name: string, body?: Buffer | string): void {
    this.#isUrgent ||= !patient.has(kind);
    if (kind === 'done') {
      this.#done.set(name, `${body}`);
    } else {
      this.#pending.add(kind, name, body);
    }
    this.#schedule();
  }

  /** Does it when the relay has got all that was done before: what it has not got may be done again by the next host. */
  #later(act: () => void): void {
    this.#isUrgent = true;
    this.#acts.push(act);
    this.#schedule();
  }

  #schedule(): void {
    if (!this.#isHandling && !this.#isScheduled) {
      this.#isScheduled = true;
      process.nextTick(() => {
        this.#isScheduled = false;
        this.#commit();
      });
    }
  }

  /** Nothing of what the host did has to reach the relay now: one more write for each message would cost as much as the message. */
  #commitLater(bytes: number): void {
    this.#lateBytes += bytes;
    if (this.#lateBytes > lateBytes) {
      this.#commit();
    } else {
      this.#late ??= setTimeout(() => {
        this.#late = undefined;
        this.#commit();
      }, lateMs);
    }
  }

  /** Everything since the last time counts as one: the relay carries out all of it, or nothing. */
  #commit(): void {
    this.#isHandling = true;
    try {
      this.#place?.tellState(this.#graceMs);
    } catch (error) {
      process.stderr.write(this.#parts.logLine(`internal error: ${reasonOf(error)}`));
    }
    this.#isHandling = false;
    this.#isUrgent = false;
    this.#lateBytes = 0;
    const acts = this.#acts;
    this.#acts = [];
    const act = (): void => acts.forEach((one) => void one());
    if (this.#pending.isEmpty && this.#done.size === 0) {
      act();
    } else {
      this.#pending.add('commit', '-', [...this.#done].flat().join(' '));
      this.#done.clear();
      this.#pending.leave(this.#socket, act);
    }
  }

  /** A frame that belongs to no commit. */
  #write(kind: string, name: string, body?: Buffer): void {
    for (const bytes of frameBytes(kind, name, body)) {
      this.#socket.write(bytes);
    }
  }
}
