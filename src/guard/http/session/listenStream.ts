import type { ServerResponse } from 'node:http';
import { limited } from '../../../base/wait.ts';
import { passBody } from '../transport/bodies.ts';
import { isEventStream, type RawHeaders } from '../transport/headers.ts';
import { eventOf, headOf, lostAnswer, passHead, trackEvents } from './answers.ts';
import type { HttpSession } from './httpSession.ts';
import type { Exchange, ExchangeOutcome, SessionExchange } from './sessionExchange.ts';

/** A stream that lived this long was a good one, ms. */
const steadyMs = 1_000;
/** Before a stream that did not is opened again, ms. */
const firstPauseMs = 20;
const longestPauseMs = 5_000;

/** A GET with which a client listens. */
export interface Listening {
  readonly exchange: Exchange;
  readonly session: HttpSession;
  readonly recoverable: boolean;
  /** Of the client's request. */
  readonly lastEventId: string | undefined;
  readonly server: string;
  /** Told the method of each message of the server. */
  readonly notice?: ((method: string) => void) | undefined;
}

/**
 * Keeps a client's listening stream open while the server under it is replaced: the stream to the server is opened again, on the session as it is then.
 * @param opening told when the first stream is there
 * @returns what to answer when the first try brought no stream
 */
export async function listen(
  sessions: SessionExchange,
  listening: Listening,
  client: ServerResponse,
  opening: () => void,
): Promise<ExchangeOutcome | undefined> {
  const { session, exchange, server } = listening;
  const tracker = trackEvents(session, new Set(), listening.notice);
  let { lastEventId: lastId } = listening;
  let since = session.generation;
  let opened = false;
  let pauseMs = 0;
  for (;;) {
    const known = lastId === undefined || (session.generation === 0 && !opened) || session.eventIds.has(lastId);
    const missed = lastId === undefined ? undefined : session.suspended.get(lastId);
    const letGo = new AbortController();
    const reattach = (): void => letGo.abort();
    try {
      const outcome = await sessions.send(withLastId(exchange, known ? lastId : undefined), session, listening.recoverable);
      if (missed && missed.generation !== session.generation) {
        // The stream that the client wants to go on with died with its server; what it waits for will not come.
        answerMissed(missed.ids, outcome, client, server, session);
        return undefined;
      }
      if (outcome.status !== 'answer' || outcome.response.statusCode !== 200 || !isEventStream(outcome.response)) {
        return opened ? giveUp(outcome, client) : outcome;
      }
      if (!opened) {
        opening();
        passHead(headOf(outcome), client, session.clientId);
        client.flushHeaders();
        opened = true;
      }
      if (session.generation !== since) {
        since = session.generation;
        const changed = await sessions.changedLists(exchange, session);
        client.write(changed.map((method) => eventOf({ jsonrpc: '2.0', method })).join(''));
      }
      // Only now: a recovery that this request brought about itself is no reason to open it again.
      session.streams.add(reattach);
      const { retired } = outcome.lease.target;
      const retire = (): void => letGo.abort();
      retired.addEventListener('abort', retire, { once: true });
      const begun = performance.now();
      const result = await passBody(outcome, client, (chunk) => tracker.push(chunk), letGo.signal);
      retired.removeEventListener('abort', retire);
      if (result === 'ended') {
        client.end();
        return undefined;
      }
      if (result === 'client-gone' || client.destroyed || session.ended) {
        client.destroy();
        return undefined;
      }
      client.write(tracker.closing);
      tracker.reset();
      lastId = tracker.lastId;
      // A server that cuts every stream at once is not asked as fast as it can cut.
      pauseMs = performance.now() - begun > steadyMs ? 0 : Math.min(Math.max(pauseMs * 2, firstPauseMs), longestPauseMs);
      await limited(new Promise(() => {}), result === 'let-go' ? 0 : pauseMs, exchange.signal);
    } finally {
      session.streams.delete(reattach);
    }
  }
}

function withLastId(exchange: Exchange, lastId: string | undefined): Exchange {
  const headers: RawHeaders = exchange.headers.filter(([name]) => name.toLowerCase() !== 'last-event-id');
  return { ...exchange, headers: lastId === undefined ? headers : [...headers, ['Last-Event-ID', lastId]] };
}

/** The client opens its stream again when this one breaks off; a clean end would say that there is nothing more to come. */
function giveUp(outcome: ExchangeOutcome, client: ServerResponse): undefined {
  if (outcome.status === 'answer') {
    outcome.request.destroy();
    outcome.lease.end();
  }
  client.destroy();
}

function answerMissed(
  ids: readonly (string | number)[],
  outcome: ExchangeOutcome,
  client: ServerResponse,
  server: string,
  session: HttpSession,
): void {
  if (outcome.status === 'answer') {
    outcome.request.destroy();
    outcome.lease.end();
  }
  client
    .writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache', 'Mcp-Session-Id': session.clientId })
    .end(ids.map((id) => eventOf(lostAnswer(id, server))).join(''));
}
