import type { ServerResponse } from 'node:http';
import type { Log } from '../../types/log.ts';
import { answerFault, answerWhole, passAnswer } from './answers.ts';
import { readList, type ToolPage } from './listMemory.ts';
import { isEventStream } from './ownRequest.ts';
import { resume } from './resuming.ts';
import type { Session } from './session.ts';
import type { Exchange, ExchangeOutcome, SessionExchange } from './sessionExchange.ts';
import type { SessionTable } from './sessionTable.ts';
import type { Target } from './upstream.ts';

export interface OutcomeParts {
  readonly sessions: SessionTable;
  readonly exchange: SessionExchange;
  readonly log: Log;
  /** As messages name the server. */
  readonly server: string;
  /** Told the method of each message of the server in an event stream. */
  notice(method: string): void;
  /** Told the tools that a client was given, and by which server. */
  listed(page: ToolPage, target: Target): void;
}

/** Gives a client what came of its request, and remembers the lists that it was given. */
export async function passOutcome(
  parts: OutcomeParts,
  exchange: Exchange,
  outcome: ExchangeOutcome,
  response: ServerResponse,
  session?: Session,
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
      const list = outcome.response.statusCode === 200 ? readList(session, exchange.message) : undefined;
      await passAnswer(outcome, response, {
        ids: exchange.listening ? [] : ids,
        server: parts.server,
        notice: (method) => parts.notice(method),
        ...(list ? { onChunk: (chunk: Buffer) => list.push(chunk) } : {}),
        ...(session ? { session, resume: (lastId: string) => resume(parts.exchange, exchange, session, lastId) } : {}),
      });
      if (list?.end(isEventStream(outcome.response)) && session) {
        parts.sessions.keep(session);
      }
      if (list?.tools) {
        parts.listed(list.tools, outcome.lease.target);
      }
    }
  }
}
