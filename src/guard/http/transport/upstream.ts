import { setMaxListeners } from 'node:events';
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, Agent as SecureAgent } from 'node:https';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { AbortLike } from '../../../base/abort.ts';
import { errorCode } from '../../../base/errors.ts';
import { limited } from '../../../base/wait.ts';
import { flat, framed, type RawHeaders } from './headers.ts';
import { accepts } from './reachable.ts';

/** A message to the server, with a body that can be sent again unless it is a stream. */
export interface UpstreamRequest {
  readonly method: string;
  /** Path and query as the client wrote them. */
  readonly path: string;
  readonly headers: RawHeaders;
  readonly body?: { readonly bytes: Buffer; readonly rest?: Readable };
  /** The client went away. */
  readonly signal: AbortLike;
}

export type UpstreamOutcome =
  | { readonly status: 'answer'; readonly response: IncomingMessage; readonly request: ClientRequest; readonly lease: Lease }
  /** No connection came about: the server cannot have executed it. */
  | { readonly status: 'unreachable'; readonly reason: string; readonly waitedMs: number }
  /** It was sent, or may have been. */
  | { readonly status: 'cut'; readonly reason: string }
  | { readonly status: 'aborted' };

/** One address that a server listens on; ends when the server is replaced. */
export interface UpstreamTarget {
  readonly url: URL;
  /** Counts up with each server that takes the place of another. */
  readonly number: number;
  /** Aborted when whatever still hangs on it has to let go. */
  readonly retired: AbortSignal;
}

/** A use of a target, from before the request to the end of its answer. */
export interface Lease {
  readonly target: UpstreamTarget;
  /** Safe to call twice. */
  end(): void;
}

interface Slot extends UpstreamTarget {
  readonly agent: Agent;
  readonly retire: AbortController;
  /** Requests that are not streams for listening. */
  active: number;
  idle: (() => void)[];
}

/** How often a connection is tried while the server is away, ms. */
const pauseMs = 40;

/** The server behind the proxy: where it is now, and how to talk to it. */
export class Upstream {
  #slot: Slot | undefined;
  #number = 0;
  #disturbances = 0;
  #open = 0;
  readonly #watched = new WeakSet<Socket>();
  /** Released when a server is there to be asked; undefined while nothing waits. */
  #gate: { readonly opened: Promise<void>; open(): void } | undefined;
  #probe: Promise<boolean> | undefined;
  readonly #waitMs: number;
  readonly #drainMs: number;

  /**
   * @param waitMs how long a request waits for a server that does not accept connections
   * @param drainMs how much longer while the calls of a server that is being replaced come to their end
   */
  constructor(waitMs: number, drainMs: number) {
    this.#waitMs = waitMs;
    this.#drainMs = drainMs;
  }

  /** Counts up whenever a connection to the server ends: as long as it stands still, the same process has answered. */
  get disturbances(): number {
    return this.#disturbances;
  }

  /** Connections to the server that stand now, in use or kept. */
  get open(): number {
    return this.#open;
  }

  get target(): UpstreamTarget | undefined {
    return this.#slot;
  }

  /** From now on requests go there. The connections of the earlier target stay until they end. @returns the earlier target */
  switchTo(url: URL): UpstreamTarget | undefined {
    const before = this.#slot;
    const secure = url.protocol === 'https:';
    const agent = secure ? new SecureAgent({ keepAlive: true }) : new Agent({ keepAlive: true, maxFreeSockets: 64 });
    const retire = new AbortController();
    setMaxListeners(0, retire.signal);
    this.#number += 1;
    this.#slot = { url, agent, retire, retired: retire.signal, number: this.#number, active: 0, idle: [] };
    this.release();
    return before;
  }

  /** Requests wait from now on (not longer than they wait for any server). */
  hold(): void {
    if (!this.#gate) {
      let open = (): void => {};
      const opened = new Promise<void>((resolve) => {
        open = resolve;
      });
      this.#gate = { opened, open };
    }
  }

  release(): void {
    this.#gate?.open();
    this.#gate = undefined;
  }

  /** Waits until no request is under way at a target. @returns whether that came true in time */
  async drained(target: UpstreamTarget, limitMs: number): Promise<boolean> {
    const slot = target as Slot;
    if (slot.active === 0) {
      return true;
    }
    return limited(new Promise<void>((resolve) => slot.idle.push(resolve)), limitMs);
  }

  /** What still listens on a target lets go; its idle connections are closed. */
  retire(target: UpstreamTarget): void {
    const slot = target as Slot;
    slot.retire.abort();
    slot.agent.destroy();
  }

  close(): void {
    this.release();
    if (this.#slot) {
      this.retire(this.#slot);
    }
  }

  /**
   * Sends a request. While nobody accepts connections it waits and tries again; what was sent is never sent twice from here.
   * @param listening the answer is a stream that only listens: it does not keep the server from being replaced
   */
  async send(request: UpstreamRequest, options: { readonly waitMs?: number; readonly listening?: boolean } = {}): Promise<UpstreamOutcome> {
    const start = performance.now();
    const waitMs = options.waitMs ?? this.#waitMs;
    for (;;) {
      const left = waitMs - (performance.now() - start);
      if (this.#gate && !(await limited(this.#gate.opened, left + (this.target === undefined ? 0 : this.#drainMs), request.signal))) {
        return this.#gaveUp(request, start, 'it is being restarted');
      }
      const slot = this.#slot;
      if (!slot) {
        return this.#gaveUp(request, start, 'it has not been started');
      }
      const outcome = await this.#once(slot, request, options.listening === true);
      if (outcome.status !== 'unreachable') {
        return outcome;
      }
      if (request.signal.aborted) {
        return { status: 'aborted' };
      }
      if (performance.now() - start >= waitMs) {
        return { ...outcome, waitedMs: performance.now() - start };
      }
      await this.#untilAccepting(slot, start + waitMs, request.signal);
    }
  }

  #gaveUp(request: UpstreamRequest, start: number, reason: string): UpstreamOutcome {
    return request.signal.aborted ? { status: 'aborted' } : { status: 'unreachable', reason, waitedMs: performance.now() - start };
  }

  #once(slot: Slot, { method, path, headers, body, signal }: UpstreamRequest, listening: boolean): Promise<UpstreamOutcome> {
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve({ status: 'aborted' });
        return;
      }
      const lease = takeLease(slot, listening);
      const secure = slot.url.protocol === 'https:';
      const request = (secure ? httpsRequest : httpRequest)({
        agent: slot.agent,
        hostname: slot.url.hostname.replace(/^\[|\]$/g, ''),
        port: slot.url.port === '' ? (secure ? 443 : 80) : slot.url.port,
        method,
        path,
        headers: ['Host', slot.url.host, ...flat(framed(headers, body))],
      });
      let connected = false;
      const finish = (outcome: UpstreamOutcome): void => {
        signal.removeEventListener('abort', abort);
        if (outcome.status !== 'answer') {
          lease.end();
        }
        resolve(outcome);
      };
      const abort = (): void => {
        request.destroy();
        finish({ status: 'aborted' });
      };
      signal.addEventListener('abort', abort, { once: true });
      request.once('socket', (socket) => {
        this.#watch(socket);
        const ready = (): void => {
          connected = true;
          if (body?.rest) {
            // Not a byte of what cannot be sent again before there is somebody to take it.
            request.write(body.bytes);
            body.rest.pipe(request);
          }
        };
        if (socket.connecting) {
          socket.once(secure ? 'secureConnect' : 'connect', ready);
        } else {
          ready();
        }
      });
      request.once('response', (response) => {
        const { statusCode = 0 } = response;
        if (statusCode < 200) {
          // Node passes `099` on from a server, and throws when it is to be said to a client.
          request.destroy();
          finish({ status: 'cut', reason: `it answered with status ${statusCode}` });
          return;
        }
        finish({ status: 'answer', response, request, lease });
      });
      // Nobody asked for another protocol: without this Node closes the connection and tells nobody.
      request.once('upgrade', (_response, socket) => {
        socket.destroy();
        finish({ status: 'cut', reason: 'it switched to another protocol, unasked' });
      });
      request.on('error', (error) => {
        const reason = errorCode(error) ?? error.message;
        finish(connected ? { status: 'cut', reason } : { status: 'unreachable', reason, waitedMs: 0 });
      });
      if (!body?.rest) {
        request.end(body?.bytes);
      }
    });
  }

  #watch(socket: Socket): void {
    if (!this.#watched.has(socket)) {
      this.#watched.add(socket);
      this.#open += 1;
      socket.once('close', () => {
        this.#open -= 1;
        this.#disturbances += 1;
      });
    }
  }

  /** One look for all who wait. */
  async #untilAccepting(slot: Slot, deadline: number, signal: AbortLike): Promise<void> {
    while (performance.now() < deadline && !signal.aborted && this.#slot === slot && !this.#gate) {
      this.#probe ??= accepts(slot.url).finally(() => {
        this.#probe = undefined;
      });
      if (await this.#probe) {
        return;
      }
      await limited(new Promise(() => {}), pauseMs, signal);
    }
  }
}

function takeLease(slot: Slot, listening: boolean): Lease {
  if (listening) {
    return { target: slot, end() {} };
  }
  slot.active += 1;
  let ended = false;
  return {
    target: slot,
    end() {
      if (!ended) {
        ended = true;
        slot.active -= 1;
        if (slot.active === 0) {
          for (const resolve of slot.idle.splice(0)) {
            resolve();
          }
        }
      }
    },
  };
}
