import type { ServerResponse } from 'node:http';
import type { Admitted } from './admission.ts';
import type { OutcomeParts } from './outcomes.ts';
import { shortId } from './session.ts';
import type { Exchange, ExchangeOutcome } from './sessionExchange.ts';

/**
 * DELETE: the session is over for good, also when its server is away or has forgotten it; unless the server says that clients may not end sessions (405).
 * @returns what the server says of it; undefined when the client was answered in its place
 */
export async function endSession(
  parts: Pick<OutcomeParts, 'sessions' | 'exchange' | 'log'>,
  { exchange, session, isNew }: Pick<Admitted, 'session' | 'isNew'> & { readonly exchange: Exchange },
  response: ServerResponse,
): Promise<ExchangeOutcome | undefined> {
  await session.recovery;
  const outcome = await parts.exchange.send({ ...exchange, waitMs: 0 }, session, false);
  const status =
    outcome.status === 'answer' ? (outcome.response.statusCode ?? 500) : outcome.status === 'whole' ? outcome.answer.status : 0;
  const forgotten = outcome.status === 'fault' || (outcome.status === 'whole' && outcome.refused);
  const ended = status >= 200 && status < 300;
  if (isNew && ended) {
    // It began before this guard came; set up again it would live on.
    parts.sessions.adopt(session);
  }
  if (ended || (!isNew && forgotten)) {
    parts.sessions.end(session);
    parts.log.info(`session ${shortId(session.clientId)} was ended by its client`);
  }
  if (!isNew && forgotten) {
    response.writeHead(200).end();
    return undefined;
  }
  return outcome;
}
