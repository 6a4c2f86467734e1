import { setMaxListeners } from 'node:events';
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, Agent as SecureAgent } from 'node:https';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { errorCode, reasonOf } from '../../../base/errors.ts';
import type { AbortLike } from '../../../base/settlesWithin.ts';
import { settlesWithin } from '../../../base/settlesWithin.ts';
import { flat, framed, isHeaderText, type RawHeaders } from './headers.ts';
import { acceptsConnections } from './reachable.ts';

/** A request to the server. */
export interface UpstreamRequest {
  readonly method: string;
  /** Path and query, as the client wrote them. */
  readonly path: string;
  readonly headers: RawHeaders;
  readonly body?: { readonly bytes: Buffer; readonly rest?: Readable };
  /** Aborted when the client disconnects. */
  readonly signal: AbortLike;
}

export type UpstreamOutcome =
  | { readonly status: 'answer'; readonly response: IncomingMessage; readonly request: ClientRequest; readonly lease: Lease }
  /** There was no connection: the server did not execute the request. */
  | { readonly status: 'unreachable'; readonly reason: string; readonly waitedMs: number }
  /** The request was sent, or may have been: the server may have executed it. */
  | { readonly status: 'cut'; readonly reason: string }
  | { readonly status: 'aborted' };

/** The address of one server; retired when the server is replaced. */
export interface UpstreamTarget {
  readonly url: URL;
  /** Increases with each replacement. */
  readonly number: number;
  /** Aborted when listening streams have to leave this server. */
  readonly retired: AbortSignal;
}

/** One use of a target, from before the request until the end of its answer. */
interface Lease {
  readonly target: UpstreamTarget;
  /** Safe to call twice. */
  end(): void;
}

interface Slot extends UpstreamTarget {
  readonly agent: Agent;
  readonly retire: AbortController;
  /** Requests in flight, without listening streams. */
  active: number;
  idle: (() => void)[];
}

/** Between attempts to connect while the server accepts no connections, ms. */
const pauseMs = 40;

/** Sends requests to the server at its current address, and holds them while there is none. */
export class Upstream {
  #slot: Slot | undefined;
  #number = 0;
  #disturbances = 0;
  #open = 0;
  readonly #watched = new WeakSet<Socket>();
  /** While requests are held: opened by `release`. */
  #gate: { readonly opened: Promise<void>; open(): void } | undefined;
  #probe: Promise<boolean> | undefined;
  readonly #waitMs: number;
  readonly #drainMs: number;

  /**
   * @param waitMs how long a request waits for a server that does not accept connections
   * @param drainMs how much longer while a server that is being replaced finishes its calls
   */
  constructor(waitMs: number, drainMs: number) {
    this.#waitMs = waitMs;
    this.#drainMs = drainMs;
  }

  /** Increases when a connection to the server ends. While it is unchanged, the same process answers. */
  get disturbances(): number {
    return this.#disturbances;
  }

  /** Open connections to the server, in use or idle. */
  get open(): number {
    return this.#open;
  }

  get target(): UpstreamTarget | undefined {
    return this.#slot;
  }

  /** Sends new requests to another address. Connections to the earlier target stay until they end. @returns the earlier target */
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

  /** Holds new requests until `release`; each waits at most as long as for a server that accepts no connections. */
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

  /** Waits until no request is in flight at a target. @returns false when `limitMs` passed before */
  async drained(target: UpstreamTarget, limitMs: number): Promise<boolean> {
    const slot = target as Slot;
    if (slot.active === 0) {
      return true;
    }
    return settlesWithin(new Promise<void>((resolve) => slot.idle.push(resolve)), limitMs);
  }

  /** Makes listening streams leave a target and closes its idle connections. */
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
   * Sends a request. While the server accepts no connections it waits and tries again; a request that was sent is never sent again here.
   * @param options `listening`: the answer is a stream that only listens, so it does not delay a replacement
   */
  async send(request: UpstreamRequest, options: { readonly waitMs?: number; readonly listening?: boolean } = {}): Promise<UpstreamOutcome> {
    const start = performance.now();
    const waitMs = options.waitMs ?? this.#waitMs;
    for (;;) {
      const left = waitMs - (performance.now() - start);
      if (this.#gate && !(await settlesWithin(this.#gate.opened, left + (this.target === undefined ? 0 : this.#drainMs), request.signal))) {
        return this.#gaveUpWaiting(request, start, 'it is being restarted');
      }
      const slot = this.#slot;
      if (!slot) {
        return this.#gaveUpWaiting(request, start, 'it has not been started');
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

  #gaveUpWaiting(request: UpstreamRequest, start: number, reason: string): UpstreamOutcome {
    return request.signal.aborted ? { status: 'aborted' } : { status: 'unreachable', reason, waitedMs: performance.now() - start };
  }

  #once(slot: Slot, { method, path, headers, body, signal }: UpstreamRequest, listening: boolean): Promise<UpstreamOutcome> {
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve({ status: 'aborted' });
        return;
      }
      const secure = slot.url.protocol === 'https:';
      const request = (secure ? httpsRequest : httpRequest)({
        agent: slot.agent,
        hostname: slot.url.hostname.replace(/^\[|\]$/g, ''),
        port: slot.url.port === '' ? (secure ? 443 : 80) : slot.url.port,
        method,
        path,
        headers: ['Host', slot.url.host, ...flat(framed(headers, body).filter(([, value]) => isHeaderText(value)))],
      });
      const lease = takeLease(slot, listening);
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
            // A stream cannot be sent again: it starts only when there is a connection.
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
          // Node accepts such a status (`099`) from a server but throws when it is passed to a client.
          request.destroy();
          finish({ status: 'cut', reason: `it answered with status ${statusCode}` });
          return;
        }
        finish({ status: 'answer', response, request, lease });
      });
      // Without this handler Node closes the connection and reports nothing.
      request.once('upgrade', (_response, socket) => {
        socket.destroy();
        finish({ status: 'cut', reason: 'it switched to another protocol without being asked' });
      });
      request.on('error', (error) => {
        const reason = errorCode(error) ?? reasonOf(error);
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

  /** All waiting requests share one probe. */
  async #untilAccepting(slot: Slot, deadline: number, signal: AbortLike): Promise<void> {
    while (performance.now() < deadline && !signal.aborted && this.#slot === slot && !this.#gate) {
      this.#probe ??= acceptsConnections(slot.url).finally(() => {
        this.#probe = undefined;
      });
      if (await this.#probe) {
        return;
      }
      await settlesWithin(new Promise(() => {}), pauseMs, signal);
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
