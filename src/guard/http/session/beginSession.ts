import type { ServerResponse } from 'node:http';
import { AnswerReader } from '../transport/answerReader.ts';
import { oneHeader } from '../transport/headers.ts';
import { answerFault, answerWhole, passAnswer } from './answers.ts';
import type { Exchange, SessionExchange } from './sessionExchange.ts';
import { announcedLists } from './sessionRecovery.ts';
import type { SessionTable } from './sessionTable.ts';

export interface BeginSessionParts {
  readonly sessions: SessionTable;
  readonly exchange: SessionExchange;
  /** Name of the server in messages. */
  readonly server: string;
  /** Called with the MCP revision in use. */
  spoke(version: string): void;
  /** Called with the path of the server's endpoint, where a session began. */
  asked(path: string): void;
}

/** Passes `initialize` and its answer on, and adds the session that the server begins with it. A server without session ids gets no session. */
export async function beginSession(
  parts: BeginSessionParts,
  exchange: Exchange,
  credential: string,
  response: ServerResponse,
): Promise<void> {
  const outcome = await parts.exchange.sendPlain(exchange);
  const ids = exchange.message?.requestIds ?? [];
  switch (outcome.status) {
    case 'answer':
      break;
    case 'fault':
      answerFault(outcome.fault, ids, response);
      return;
    case 'whole':
      answerWhole(outcome.answer, response);
      return;
    default:
      response.destroy();
      return;
  }
  const { statusCode = 500, headers } = outcome.response;
  const upstreamId = oneHeader(headers, 'mcp-session-id');
  const session = statusCode < 300 && upstreamId !== undefined ? parts.sessions.begin(upstreamId, credential, exchange.path) : undefined;
  if (!session) {
    await passAnswer(outcome, response, { ids, server: parts.server });
    return;
  }
  parts.asked(exchange.path);
  const { params } = exchange.message?.single ?? {};
  if (params) {
    session.setup.initialize = params;
  }
  const reader = new AnswerReader(outcome.response, (result) => {
    if (typeof result.protocolVersion === 'string') {
      session.setup.protocolVersion = result.protocolVersion;
      parts.spoke(result.protocolVersion);
    }
    session.setup.listChanged = announcedLists(result);
    parts.sessions.keep(session);
  });
  await passAnswer(outcome, response, { ids, server: parts.server, session, onChunk: (chunk) => reader.push(chunk) });
  reader.end();
}
