import type { ServerResponse } from 'node:http';
import type { Log } from '../../../base/log.ts';
import { AnswerReader } from '../transport/answerReader.ts';
import { oneHeader } from '../transport/headers.ts';
import { answerFault, answerWhole, passAnswer } from './answers.ts';
import { keptInitialize, maxStoredText, shortId } from './httpSession.ts';
import type { Exchange, SessionExchange } from './sessionExchange.ts';
import { announcedLists } from './sessionRecovery.ts';
import type { SessionTable } from './sessionTable.ts';

export interface BeginSessionParts {
  readonly log: Log;
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
  const { params, dropped } = exchange.message?.single ?? {};
  if (params) {
    const kept = dropped ? undefined : keptInitialize(params);
    if (kept === undefined) {
      session.setup.tooLarge = true;
      parts.log.warn(`session ${shortId(session.clientId)} cannot be set up again after a restart: its initialize is larger than 16 kB`);
    } else {
      session.setup.initialize = kept;
    }
    parts.sessions.keep(session);
  }
  const reader = new AnswerReader(outcome.response, (result) => {
    if (typeof result.protocolVersion === 'string' && result.protocolVersion.length <= maxStoredText) {
      session.setup.protocolVersion = result.protocolVersion;
      parts.spoke(result.protocolVersion);
    }
    session.setup.listChanged = announcedLists(result);
    parts.sessions.keep(session);
  });
  await passAnswer(outcome, response, { ids, server: parts.server, session, onChunk: (chunk) => reader.push(chunk) });
  reader.end();
}
