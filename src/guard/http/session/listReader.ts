import { isRecord } from '../../../base/json.ts';
import { isListMethod, type ListMethod, listDigest, lists } from '../../relay/sessionMemory.ts';
import type { ClientMessage } from '../transport/clientMessage.ts';
import { eventData } from '../transport/ownRequest.ts';
import type { HttpSession } from './httpSession.ts';

/** A longer answer is not read: its list may have changed after a restart. */
const maxKept = 1_048_576;

/** Reads along while the answer to a list that the client asked for passes. */
export interface ListReader {
  push(chunk: Buffer): void;
  /** The answer has passed. @returns whether something else is remembered now */
  end(streams: boolean): boolean;
  /** After the end: the tools that the server listed. */
  readonly tools: ToolPage | undefined;
}

/** The result of a `tools/list`. */
export interface ToolPage {
  readonly result: Readonly<Record<string, unknown>>;
  /** The question named no page, so that it is the whole list unless the result names another one. */
  readonly whole: boolean;
}

/**
 * @param session that remembers what passed; without sessions only the tools are read
 * @returns undefined for a message that asks for no list
 */
export function readList(session: HttpSession | undefined, message: ClientMessage | undefined): ListReader | undefined {
  const { method, params } = message?.single ?? {};
  const [id] = message?.requestIds ?? [];
  if (method === undefined || id === undefined || !isListMethod(method)) {
    return undefined;
  }
  let kept: Buffer[] = [];
  let size = 0;
  let tools: ToolPage | undefined;
  return {
    get tools() {
      return tools;
    },
    push(chunk) {
      size += chunk.length;
      if (size <= maxKept) {
        kept.push(chunk);
      } else {
        kept = [];
      }
    },
    end(streams) {
      const text = Buffer.concat(kept).toString('utf8');
      const result = size > maxKept ? undefined : (streams ? eventData(text) : [text]).map((data) => resultOf(data, id)).find(Boolean);
      const whole = params?.cursor === undefined;
      tools = result && method === 'tools/list' ? { result, whole } : undefined;
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
export async function changedLists(
  session: HttpSession,
  ask: (method: ListMethod) => Promise<Readonly<Record<string, unknown>> | undefined>,
): Promise<string[]> {
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
function listDigestOf(method: ListMethod, result: Readonly<Record<string, unknown>>): string {
  return Array.isArray(result[lists[method].member]) && result.nextCursor === undefined ? listDigest(method, result) : 'partial';
}

function resultOf(data: string, id: string | number): Readonly<Record<string, unknown>> | undefined {
  try {
    const message: unknown = JSON.parse(data);
    return isRecord(message) && message.id === id && isRecord(message.result) ? message.result : undefined;
  } catch {
    return undefined;
  }
}
