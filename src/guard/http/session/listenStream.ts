import type { ServerResponse } from 'node:http';
import { settlesWithin } from '../../../base/settlesWithin.ts';
import { passBody } from '../transport/bodies.ts';
import { isEventStream, type RawHeaders } from '../transport/headers.ts';
import { dropAnswer, eventOf, headOf, lostAnswer, passHead, trackEvents } from './answers.ts';
import type { HttpSession } from './httpSession.ts';
import type { Exchange, ExchangeOutcome, SessionExchange } from './sessionExchange.ts';

/** A stream that stays open for this long is stable, ms. */
const steadyMs = 1_000;
/** Before an unstable stream is opened again, ms. */
const firstPauseMs = 20;
const longestPauseMs = 5_000;

/** A GET by which a client listens to its server. */
interface ListenRequest {
  readonly exchange: Exchange;
  readonly session: HttpSession;
  readonly recoverable: boolean;
  /** From the client's request. */
  readonly lastEventId: string | undefined;
  readonly server: string;
  /** Called with the method of each message of the server. */
  readonly notice?: ((method: string) => void) | undefined;
}

/**
 * Keeps a client's listening stream open while the server is replaced: the guard opens the stream to the new server, in the session as it is then.
 * @param opening called when the first stream is open; false: the client must not get it
 * @returns what to answer when the first attempt gave no stream
 */
export async function listenStream(
  sessions: SessionExchange,
  request: ListenRequest,
  client: ServerResponse,
  opening: () => boolean,
): Promise<ExchangeOutcome | undefined> {
  const { session, exchange, server } = request;
  const tracker = trackEvents(session, new Set(), request.notice);
  let { lastEventId: lastId } = request;
  let since = session.generation;
  let opened = false;
  let pauseMs = 0;
  for (;;) {
    const known = lastId === undefined || (session.generation === 0 && !opened) || session.eventIds.has(lastId);
    const missed = lastId === undefined ? undefined : session.suspended.get(lastId);
    const detach = new AbortController();
    const reattach = (): void => detach.abort();
    try {
      const outcome = await sessions.send(withLastId(exchange, known ? lastId : undefined), session, request.recoverable);
      if (missed && missed.generation !== session.generation) {
        // The stream that the client wants to resume ended with its server: the requests that it waits for will not be answered.
        answerMissed(missed.ids, outcome, client, server, session);
        return undefined;
      }
      if (outcome.status !== 'answer' || outcome.response.statusCode !== 200 || !isEventStream(outcome.response)) {
        return opened ? giveUp(outcome, client) : outcome;
      }
      if (!opened) {
        if (!opening()) {
          dropAnswer(outcome);
          return { status: 'fault', fault: { kind: 'session-of-another' } };
        }
        passHead(headOf(outcome), client, session.clientId);
        client.flushHeaders();
        opened = true;
      }
      if (session.generation !== since) {
        since = session.generation;
        const changed = await sessions.changedLists(exchange, session);
        client.write(changed.map((method) => eventOf({ jsonrpc: '2.0', method })).join(''));
      }
      // Only now: a recovery that this request itself caused must not open the stream again.
      session.streams.add(reattach);
      const { retired } = outcome.lease.target;
      const retire = (): void => detach.abort();
      retired.addEventListener('abort', retire, { once: true });
      const begun = performance.now();
      const result = await passBody(outcome, client, (chunk) => tracker.push(chunk), detach.signal);
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
      // A server that cuts every stream at once is asked at growing intervals.
      pauseMs = performance.now() - begun > steadyMs ? 0 : Math.min(Math.max(pauseMs * 2, firstPauseMs), longestPauseMs);
      await settlesWithin(new Promise(() => {}), result === 'detached' ? 0 : pauseMs, exchange.signal);
    } finally {
      session.streams.delete(reattach);
    }
  }
}

function withLastId(exchange: Exchange, lastId: string | undefined): Exchange {
  const headers: RawHeaders = exchange.headers.filter(([name]) => name.toLowerCase() !== 'last-event-id');
  return { ...exchange, headers: lastId === undefined ? headers : [...headers, ['Last-Event-ID', lastId]] };
}

/** Breaks the stream off, so that the client opens it again; a clean end would mean that nothing more follows. */
function giveUp(outcome: ExchangeOutcome, client: ServerResponse): undefined {
  if (outcome.status === 'answer') {
    dropAnswer(outcome);
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
    dropAnswer(outcome);
  }
  client
    .writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache', 'Mcp-Session-Id': session.clientId })
    .end(ids.map((id) => eventOf(lostAnswer(id, server))).join(''));
}
