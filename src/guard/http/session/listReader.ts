import type { IncomingMessage } from 'node:http';
import { isListMethod, type ListMethod, listDigest, lists } from '../../relay/sessionMemory.ts';
import { AnswerReader, type RpcResult } from '../transport/answerReader.ts';
import type { ClientMessage } from '../transport/clientMessage.ts';
import type { HttpSession } from './httpSession.ts';

/** Reads the answer to a list request of a client while it passes. */
interface ListReader {
  push(chunk: Buffer): void;
  /** The answer has passed. @returns whether the session has changed */
  end(): boolean;
  /** The tools that the server listed, when the answer has passed. */
  readonly tools: ToolPage | undefined;
}

/** The result of a `tools/list`. */
export interface ToolPage {
  readonly result: RpcResult;
  /** The request named no page: this is the whole list, unless the result names a next page. */
  readonly whole: boolean;
}

/**
 * @param session where a digest of the list is noted; without one only the tools are read
 * @param response whose body is read
 * @returns undefined when the message requests no list
 */
export function readList(
  session: HttpSession | undefined,
  message: ClientMessage | undefined,
  response: IncomingMessage,
): ListReader | undefined {
  const { method, params } = message?.single ?? {};
  const [id] = message?.requestIds ?? [];
  if (method === undefined || id === undefined || !isListMethod(method)) {
    return undefined;
  }
  let result: RpcResult | undefined;
  const reader = new AnswerReader(
    response,
    (found) => {
      result = found;
    },
    id,
  );
  const whole = params?.cursor === undefined;
  return {
    get tools() {
      return result && method === 'tools/list' ? { result, whole } : undefined;
    },
    push(chunk) {
      reader.push(chunk);
    },
    end() {
      reader.end();
      if (!session) {
        return false;
      }
      const before = session.setup.lists?.[method];
      const digest = whole && result ? listDigestOf(method, result) : 'partial';
      session.setup.lists = { ...session.setup.lists, [method]: digest };
      return digest !== before;
    },
  };
}

/** Methods of the lists that the client has; undefined when that is not known. */
function knownLists(session: HttpSession): readonly ListMethod[] | undefined {
  const { lists: known } = session.setup;
  return known && Object.keys(known).filter(isListMethod);
}

/**
 * Which lists have changed, or may have, since the client got them.
 * @param ask requests the whole list from the present server; undefined when the server does not give it
 * @returns methods of notifications, only for lists whose changes the server promised to announce
 */
export async function changedLists(session: HttpSession, ask: (method: ListMethod) => Promise<RpcResult | undefined>): Promise<string[]> {
  const { setup } = session;
  const promised = setup.listChanged.map((name) => `notifications/${name}/list_changed`);
  const known = knownLists(session);
  if (!known) {
    return promised;
  }
  const methods = known.filter((method) => promised.includes(lists[method].changed));
  const changed = await Promise.all(
    methods.map(async (method) => {
      const before = setup.lists?.[method];
      const result = before === 'partial' ? undefined : await ask(method);
      return result && listDigestOf(method, result) === before ? [] : [lists[method].changed];
    }),
  );
  return [...new Set(changed.flat())];
}

/** `partial` when the result is not the whole list. */
function listDigestOf(method: ListMethod, result: RpcResult): string {
  return Array.isArray(result[lists[method].member]) && result.nextCursor === undefined ? listDigest(method, result) : 'partial';
}
