import type { ServerResponse } from 'node:http';
import type { Log } from '../../../base/log.ts';
import { isHeaderText, type RawHeaders } from '../transport/headers.ts';
import type { UpstreamTarget } from '../transport/upstream.ts';
import { answerFault, answerWhole, dropAnswer, passAnswer } from './answers.ts';
import type { HttpSession } from './httpSession.ts';
import { readList, type ToolPage } from './listReader.ts';
import type { Exchange, ExchangeOutcome, SessionExchange } from './sessionExchange.ts';
import type { SessionTable } from './sessionTable.ts';

/** Asks for the rest of an event stream that broke off. @returns undefined when the server does not have it */
async function resume(
  sessions: SessionExchange,
  exchange: Exchange,
  session: HttpSession,
  lastId: string,
): Promise<Extract<ExchangeOutcome, { status: 'answer' }> | undefined> {
  if (!isHeaderText(lastId)) {
    return undefined;
  }
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
    dropAnswer(outcome);
  }
  return undefined;
}

export interface OutcomeParts {
  readonly sessions: SessionTable;
  readonly exchange: SessionExchange;
  readonly log: Log;
  /** Name of the server in messages. */
  readonly server: string;
  /** Called with the method of each message of the server in an event stream. */
  notice(method: string): void;
  /** Called with the tools that a client got, and the server that listed them. */
  listed(page: ToolPage, target: UpstreamTarget): void;
}

/** Gives a client the outcome of its request, and notes the lists in it. */
export async function passOutcome(
  parts: OutcomeParts,
  exchange: Exchange,
  outcome: ExchangeOutcome,
  response: ServerResponse,
  session?: HttpSession,
): Promise<void> {
  const ids = exchange.message?.requestIds ?? [];
  switch (outcome.status) {
    case 'aborted':
      response.destroy();
      return;
    case 'outdated':
      response.writeHead(202).end();
      return;
    case 'fault':
      parts.log.warn(`a request got no answer from ${parts.server}: ${outcome.fault.kind}`);
      answerFault(outcome.fault, ids, response);
      return;
    case 'whole':
      answerWhole(outcome.answer, response, session?.clientId);
      return;
    case 'answer': {
      const list = outcome.response.statusCode === 200 ? readList(session, exchange.message, outcome.response) : undefined;
      await passAnswer(outcome, response, {
        ids: exchange.listening ? [] : ids,
        server: parts.server,
        notice: (method) => parts.notice(method),
        ...(list ? { onChunk: (chunk: Buffer) => list.push(chunk) } : {}),
        ...(session ? { session, resume: (lastId: string) => resume(parts.exchange, exchange, session, lastId) } : {}),
      });
      if (list?.end() && session) {
        parts.sessions.keep(session);
      }
      if (list?.tools) {
        parts.listed(list.tools, outcome.lease.target);
      }
    }
  }
}
