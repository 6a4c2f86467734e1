import type { IncomingMessage } from 'node:http';
import { isListMethod, type ListMethod, listDigest, lists } from '../../relay/sessionMemory.ts';
import { AnswerReader, type RpcResult } from '../transport/answerReader.ts';
import type { ClientMessage } from '../transport/clientMessage.ts';
import type { HttpSession } from './httpSession.ts';

/** Reads along while the answer to a list that the client asked for passes. */
export interface ListReader {
  push(chunk: Buffer): void;
  /** The answer has passed. @returns whether something else is remembered now */
  end(): boolean;
  /** After the end: the tools that the server listed. */
  readonly tools: ToolPage | undefined;
}

/** The result of a `tools/list`. */
export interface ToolPage {
  readonly result: RpcResult;
  /** The question named no page, so that it is the whole list unless the result names another one. */
  readonly whole: boolean;
}

/**
 * @param session that remembers what passed; without sessions only the tools are read
 * @param response whose body is read
 * @returns undefined for a message that asks for no list
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

/** Names of the lists (`tools` …) that the client has, by the method that asks for each. Undefined: nobody has kept account. */
export function knownLists(session: HttpSession): readonly ListMethod[] | undefined {
  const { lists: known } = session.setup;
  return known && Object.keys(known).filter(isListMethod);
}

/**
 * Which lists of the client are others by now, or may be.
 * @param ask gives the result of the whole list from the present server, undefined when it gives none
 * @returns methods of notifications; only for those of which the client was told to expect news
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

/** `partial` for what is not the whole list. */
function listDigestOf(method: ListMethod, result: RpcResult): string {
  return Array.isArray(result[lists[method].member]) && result.nextCursor === undefined ? listDigest(method, result) : 'partial';
}
