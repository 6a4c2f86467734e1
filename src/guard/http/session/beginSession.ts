import type { ServerResponse } from 'node:http';
import { isRecord } from '../../../base/json.ts';
import { oneHeader } from '../transport/headers.ts';
import { eventData, isEventStream } from '../transport/ownRequest.ts';
import { answerFault, answerWhole, passAnswer } from './answers.ts';
import type { HttpSession } from './httpSession.ts';
import type { Exchange, SessionExchange } from './sessionExchange.ts';
import { listsWithNews } from './sessionRecovery.ts';
import type { SessionTable } from './sessionTable.ts';

export interface InitializingParts {
  readonly sessions: SessionTable;
  readonly exchange: SessionExchange;
  /** As messages name the server. */
  readonly server: string;
  /** Told the revision of the protocol that is spoken. */
  spoke(version: string): void;
  /** Told the path of the server's endpoint: where a session was begun. */
  asked(path: string): void;
}

/** What of an answer is kept to read it; results of `initialize` have some kB. */
const maxKept = 1_048_576;

/** Passes `initialize` and its answer on, and remembers the session that the server began with it. A server without sessions gets none. */
export async function answerInitialize(
  parts: InitializingParts,
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
  const streams = isEventStream(outcome.response);
  let kept: Buffer[] | undefined = [];
  let size = 0;
  await passAnswer(outcome, response, {
    ids,
    server: parts.server,
    session,
    onChunk(chunk) {
      size += chunk.length;
      kept = size > maxKept ? undefined : kept;
      kept?.push(chunk);
      if (kept && learn(session, Buffer.concat(kept).toString('utf8'), streams)) {
        kept = undefined;
        parts.sessions.keep(session);
        if (session.setup.protocolVersion !== undefined) {
          parts.spoke(session.setup.protocolVersion);
        }
      }
    },
  });
}

/** @returns whether the result was in the text */
function learn(session: HttpSession, text: string, streams: boolean): boolean {
  for (const data of streams ? eventData(text) : [text]) {
    const result = resultIn(data);
    if (result) {
      if (typeof result.protocolVersion === 'string') {
        session.setup.protocolVersion = result.protocolVersion;
      }
      session.setup.listChanged = listsWithNews(result);
      return true;
    }
  }
  return false;
}

function resultIn(data: string): Record<string, unknown> | undefined {
  try {
    const message: unknown = JSON.parse(data);
    return isRecord(message) && isRecord(message.result) ? message.result : undefined;
  } catch {
    return undefined;
  }
}
