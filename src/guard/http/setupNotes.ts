import type { ClientMessage, RequestId } from './clientMessage.ts';
import type { Session } from './session.ts';
import type { Exchange } from './sessionExchange.ts';
import type { SessionTable } from './sessionTable.ts';

/** Nothing but answers to requests of a server process that is gone. What else stands in a batch is for the server that is there. */
export function isOutdated(session: Session, message: ClientMessage | undefined): boolean {
  const { answerIds = [], methods = [] } = message ?? {};
  return methods.length === 0 && answerIds.length > 0 && answerIds.every((id) => isOfEarlierProcess(session, id));
}

function isOfEarlierProcess(session: Session, id: RequestId): boolean {
  const generation = session.serverRequests.get(id);
  return session.generation > 0 && generation !== undefined && generation !== session.generation;
}

/** What a later server process must be told again. */
export function noteSetup(sessions: SessionTable, session: Session, { message }: Exchange, status: number): void {
  const { method, params } = message?.single ?? {};
  if (status >= 300 || method === undefined) {
    return;
  }
  const { setup } = session;
  const uri = typeof params?.uri === 'string' ? params.uri : undefined;
  if (method === 'notifications/initialized') {
    setup.initialized = true;
  } else if (method === 'logging/setLevel' && typeof params?.level === 'string') {
    setup.logLevel = params.level;
  } else if (method === 'resources/subscribe' && uri !== undefined && !setup.subscriptions.includes(uri)) {
    setup.subscriptions.push(uri);
  } else if (method === 'resources/unsubscribe' && uri !== undefined) {
    setup.subscriptions = setup.subscriptions.filter((one) => one !== uri);
  } else {
    return;
  }
  sessions.keep(session);
}
