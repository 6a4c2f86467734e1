import { reasonOf } from '../../base/errors.ts';
import { endServer } from '../process/endServer.ts';
import type { Ended, ServerProcess } from '../process/serverProcess.ts';
import type { Relay } from '../relay/relay.ts';
import type { ServerLink } from '../relay/serverLink.ts';
import { outputRead, type RunningServers } from './runningServers.ts';

/** Time to end a server that is replaced; less than at the end of a session, because the client waits. */
export const replaceLimits = { politeMs: 2_000, termMs: 2_000 } as const;

/** The new server, and the number of calls that the old one did not finish. */
interface Replaced {
  readonly link: ServerLink;
  readonly lostCalls: number;
}

interface ReplacementOptions {
  readonly relay: Relay;
  readonly running: RunningServers;
  readonly drainMs: number;
  /** Aborted when the session ends. */
  readonly ending: AbortSignal;
  start(): Promise<ServerProcess>;
  /** Called when one more server runs. */
  started(): void;
}

/** Replaces one server by another behind the relay. */
export class ServerReplacement {
  readonly #options: ReplacementOptions;
  #starting = 0;

  constructor(options: ReplacementOptions) {
    this.#options = options;
  }

  /** A new server is being started. */
  get isStarting(): boolean {
    return this.#starting > 0;
  }

  /** Starts the first server, or another one. @throws the system's error when it cannot be started */
  async connect(): Promise<ServerLink> {
    const { relay, running, start, started } = this.#options;
    const link = relay.connect(await start());
    running.add(link);
    started();
    return link;
  }

  /** Ends the old server and starts a new one; calls are held in between. @returns why there is no server now */
  async stopFirst(old: ServerLink): Promise<Replaced | string> {
    const { relay, running } = this.#options;
    relay.hold();
    running.dismiss(old.process);
    const lostCalls = await this.#retire(old);
    try {
      const link = await this.bringUp();
      relay.release(link);
      return { link, lostCalls };
    } catch (error) {
      return reasonOf(error);
    }
  }

  /** Starts the new server while the old one serves. @returns why the old one still serves */
  async overlapping(old: ServerLink): Promise<Replaced | string> {
    const { relay, running } = this.#options;
    await old.process.shut?.();
    let link: ServerLink;
    try {
      link = await this.bringUp();
    } catch (error) {
      return reasonOf(error);
    }
    running.dismiss(old.process);
    relay.release(link);
    return { link, lostCalls: await this.#retire(old) };
  }

  /** Waits for the calls in flight, at most `drainMs`, and ends the server. @returns the number of unfinished calls */
  async #retire(old: ServerLink): Promise<number> {
    const { relay, drainMs, ending } = this.#options;
    await old.process.shut?.();
    const finished = await old.idle(drainMs, ending);
    if (!finished) {
      // A call whose answer the client already has must not be answered again.
      await old.process.apart?.();
    }
    const lostCalls = old.inFlight.size - old.listening.size;
    const { ended } = old.process;
    if (!finished) {
      relay.disconnect(old, ended ? endedText(ended) : 'The server was restarted');
    }
    old.out.flush();
    await endServer(old.process, replaceLimits);
    if (finished) {
      // Its last output may still be in the pipe.
      await outputRead(old);
    }
    relay.disconnect(old, 'The server was restarted');
    return lostCalls;
  }

  /** Starts a new server and brings it to the state of the session. @throws with the reason; then it has been ended */
  async bringUp(): Promise<ServerLink> {
    this.#starting += 1;
    try {
      return await this.#bringUp();
    } finally {
      this.#starting -= 1;
    }
  }

  async #bringUp(): Promise<ServerLink> {
    const { relay, running, ending } = this.#options;
    if (ending.aborted) {
      throw new Error(endingText);
    }
    const link = await this.connect();
    try {
      // When the session ends during the start, only this function can end the new server.
      if (!ending.aborted) {
        const { replayHandshake } = await import('../relay/handshake.ts');
        await replayHandshake(link, relay.memory);
      }
      if (ending.aborted) {
        throw new Error(endingText);
      }
      if (link.process.ended) {
        // After its last answer.
        throw new Error(endedText(link.process.ended));
      }
      return link;
    } catch (error) {
      running.dismiss(link.process);
      relay.disconnect(link, 'The server did not start');
      await endServer(link.process, replaceLimits);
      throw error;
    }
  }
}

const endingText = 'the session is ending';

/** The end of a server as text, for answers and the log. */
export function endedText({ code, signal }: Ended): string {
  return `The server ended (${signal === null ? `exit code ${code ?? '?'}` : signal})`;
}
