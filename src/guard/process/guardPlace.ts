import type { JsonObject } from '../message/envelope.ts';
import { passErrors, say } from '../message/ownAnswers.ts';
import type { Relay } from '../relay/relay.ts';
import type { ServerLink } from '../relay/serverLink.ts';
import { type MessageSink, type MessageSource, type ServerProcess, type StartRequest, startServer } from './serverProcess.ts';
import { Watchdog } from './watchdog.ts';

/** The process that a client started for its server: what the server inherits from it, and what names it. */
export interface ClientsProcess {
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly cwd: string;
  readonly pid: number;
  readonly ppid: number;
}

/** What the guard starts, and its run folder. */
export interface Started {
  readonly command: string;
  readonly args: readonly string[];
  readonly runDir?: string | undefined;
}

/** A session that has begun, and has no server yet. */
export interface OpenedSession {
  readonly relay: Relay;
  /** Goes on with a server that another process started; without one, starts a server in the state of the session. */
  adopt(server: ServerProcess | undefined): ServerLink | undefined;
  readonly supervisor: { restart(why: string): Promise<unknown> };
}

/** What a server's answers depend on. `isDeclared`: the server has said that several clients may share it. */
interface ShareKey {
  readonly key: string;
  readonly isDeclared: boolean;
}

/** What a place needs to know of a session whose server it may share with others. */
export interface ShareFacts {
  /**
   * Equal for sessions whose servers answer alike.
   * @param method of the client's first request @param params in which the client states what it is @returns else why it is not known, and in how many ms it may be
   */
  key(method: string, params: JsonObject): ShareKey | { readonly unknown: string; readonly knownIn?: number };
  /** For the record. @param why the session has a server of its own although it may be shared; undefined: nothing to tell */
  tell(why: string | undefined): void;
}

/** Where a session runs: in the process that the client started, or in the host on behalf of a relay. */
export interface GuardPlace extends ClientsProcess {
  /** What the client writes. */
  readonly input: MessageSource;
  /** What the client reads. */
  readonly output: MessageSink;
  /** Writes a line of the guard's log to the standard error that the client gave. */
  say(text: string): void;
  /** Writes what a server wrote to standard error there, unchanged. */
  passErrors(bytes: Buffer): void;
  /** Rejects with the system's error when the server cannot be started. */
  startServer(request: StartRequest): Promise<ServerProcess>;
  onSignal(signal: NodeJS.Signals, take: () => void): void;
  /** Ends the servers when the process that the client started was killed. */
  watchdog(graceMs: number): Pick<Watchdog, 'tell' | 'dismiss'>;
  /** The session has begun. */
  begun(): Promise<void>;
  /** Called when the session begins, before it reads the client. @returns whether it goes on where another process left it; then it has a server */
  readonly resume?: (session: OpenedSession) => boolean;
  /** Where servers may be shared. @returns whether the session has begun in another process, and goes on */
  readonly shares?: ((facts: ShareFacts) => boolean) | undefined;
  /** The sessions of other clients that share the server. */
  readonly others?: () => Iterable<Relay>;
  /** The session rests: memory can be freed. */
  collect(): Promise<void>;
}

/** This process, for a guard that the client started. */
export function ownPlace(): GuardPlace {
  return {
    ...{ env: process.env, cwd: process.cwd(), pid: process.pid, ppid: process.ppid },
    input: process.stdin,
    output: process.stdout,
    say,
    passErrors,
    startServer,
    onSignal: (signal, take) => void process.on(signal, take),
    watchdog: (graceMs) => new Watchdog(graceMs),
    begun,
    collect,
  };
}

/** See `keepNewSpaceSmall`. */
export async function begun(): Promise<void> {
  (await import('../stdio/memoryUse.ts')).keepNewSpaceSmall();
}

/** See `collectAll`. Its piece may be gone, when the guard ends before its start has loaded it. */
export async function collect(): Promise<void> {
  (await import('../stdio/memoryUse.ts').catch(() => undefined))?.collectAll();
}
