import type { JsonObject } from '../message/envelope.ts';
import { shownText } from '../message/ownAnswers.ts';
import type { ServerLink } from './serverLink.ts';
import type { SessionMemory } from './sessionMemory.ts';

/**
 * Brings a new server to the state of the session: the whole handshake, the log level, the subscriptions. The client does not see these messages. Log level
 * and subscriptions may fail.
 * @throws with the reason when the server ends, refuses the handshake or does not answer
 */
export async function replayHandshake(link: ServerLink, memory: SessionMemory): Promise<void> {
  const { initialize, discover } = memory;
  if (initialize) {
    // The version that client and old server agreed on, because the client continues to use it.
    const params = memory.protocolVersion === undefined ? initialize : { ...initialize, protocolVersion: memory.protocolVersion };
    const answer = await demand(link, 'initialize', params);
    memory.lazy?.handshake('initialize', answer);
    if (memory.initialized) {
      link.out.add(memory.initialized);
    }
  } else if (discover) {
    const answer = await demand(link, 'server/discover', discover);
    memory.lazy?.handshake('server/discover', answer);
  } else if (memory.isUnannounced) {
    // There is no state to restore, but a server that does not answer must not replace one that does.
    const answer = await link.ask('server/discover', memory.ownParams({}));
    if (answer.status === 'silent') {
      throw new Error(answer.reason);
    }
  }
  if (memory.logLevel) {
    void link.ask('logging/setLevel', memory.logLevel);
  }
  for (const params of memory.subscriptions.values()) {
    void link.ask('resources/subscribe', params);
  }
  for (const [id, line] of memory.listens) {
    link.take(id, 'subscriptions/listen');
    link.listening.add(id);
    link.reopened.add(id);
    link.out.add(line);
  }
  link.out.flush();
}

async function demand(link: ServerLink, method: string, params: unknown): Promise<JsonObject> {
  const answer = await link.ask(method, params);
  if (answer.status !== 'result') {
    throw new Error(answer.status === 'error' ? `it refused ${method}: ${shownText(answer.message)}` : answer.reason);
  }
  return answer.result;
}
