import type { RawHeaders } from './headerFilter.ts';
import type { Session } from './session.ts';
import type { Exchange, ExchangeOutcome, SessionExchange } from './sessionExchange.ts';

/** The rest of an event stream that broke off while its server lives on. */
export async function resume(
  sessions: SessionExchange,
  exchange: Exchange,
  session: Session,
  lastId: string,
): Promise<Extract<ExchangeOutcome, { status: 'answer' }> | undefined> {
  const { body: _, message: __, ...plain } = exchange;
  const headers: RawHeaders = exchange.headers.filter(([name]) => !/^(accept|content-.*|last-event-id)$/i.test(name));
  const outcome = await sessions.send(
    {
      ...plain,
      method: 'GET',
      headers: [...headers, ['Accept', 'text/event-stream'], ['Last-Event-ID', lastId]],
      message: undefined,
      waitMs: 2_000,
    },
    session,
    false,
  );
  if (outcome.status === 'answer' && outcome.response.statusCode === 200) {
    return outcome;
  }
  if (outcome.status === 'answer') {
    outcome.request.destroy();
    outcome.lease.end();
  }
  return undefined;
}
