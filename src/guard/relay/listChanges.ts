import { isRecord } from '../../base/json.ts';
import { idText, type JsonObject, readEnvelope } from '../message/envelope.ts';
import { notificationLine } from '../message/ownAnswers.ts';
import type { ServerLink } from './serverLink.ts';
import type { ListMethod, SessionMemory } from './sessionMemory.ts';

/**
 * Reads from a new server the lists that the client has.
 * @param tools gets the whole list of tools: the client reads it again only when it has changed
 * @returns the notifications for lists that have changed; also for one of which the client has only some pages
 */
export async function listChanges(link: ServerLink, memory: SessionMemory, tools: (result: unknown) => void): Promise<Buffer[]> {
  const changed = await changedLists(link, memory, tools);
  memory.lazy?.listsDiffer(changed);
  const methods = new Set(changed.map((method) => memory.kinds[method].changed));
  return [...methods].flatMap((method) => (memory.isModern ? subscribedLines(memory, method) : [notificationLine(method)]));
}

/** The lists that have changed. They are remembered as announced, so that each change is announced once. */
async function changedLists(link: ServerLink, memory: SessionMemory, tools: (result: unknown) => void): Promise<ListMethod[]> {
  const asked = [...memory.lists].map(async ([method, digest]) => {
    const whole = digest === 'partial' ? undefined : await wholeList(link, memory, method);
    if (whole === 'silent') {
      // It ended, or another server has taken over. The next one is compared with the list that the client has.
      return [];
    }
    if (whole && method === 'tools/list') {
      tools(whole);
    }
    const now = whole ? memory.digest(method, whole) : digest === 'partial' ? 'partial' : 'none';
    if (now === digest && now !== 'partial') {
      return [];
    }
    // Unless the client has read the list again in the meantime.
    if (memory.lists.get(method) === digest) {
      memory.lists.set(method, now);
    }
    return [method];
  });
  return (await Promise.all(asked)).flat();
}

/** A server whose list never ends is asked for no more pages. */
const maxPages = 100;

/** All pages of a list as one result. @returns undefined when the server refuses one, or gives no list */
async function wholeList(link: ServerLink, memory: SessionMemory, method: ListMethod): Promise<JsonObject | 'silent' | undefined> {
  const { member } = memory.kinds[method];
  const all: unknown[] = [];
  let cursor: unknown;
  for (let page = 0; page < maxPages; page += 1) {
    const answer = await link.ask(method, memory.ownParams(cursor === undefined ? {} : { cursor }));
    if (answer.status !== 'result') {
      return answer.status === 'silent' ? 'silent' : undefined;
    }
    const items = answer.result[member];
    cursor = answer.result.nextCursor;
    if (page === 0 && cursor === undefined) {
      return answer.result;
    }
    if (!Array.isArray(items)) {
      return undefined;
    }
    for (const item of items) {
      all.push(item);
    }
    if (cursor === undefined) {
      return { [member]: all };
    }
  }
  return undefined;
}

/** The field of `subscriptions/listen` that asks for a notification. */
const subscriptionFields = {
  'notifications/tools/list_changed': 'toolsListChanged',
  'notifications/prompts/list_changed': 'promptsListChanged',
  'notifications/resources/list_changed': 'resourcesListChanged',
} as const;

/** In protocol 2026-07-28 a notification goes to the subscriptions that asked for it. */
function subscribedLines(memory: SessionMemory, method: keyof typeof subscriptionFields): Buffer[] {
  return [...memory.listens].flatMap(([id, line]) => {
    const envelope = readEnvelope(line);
    const params = envelope.kind === 'request' ? envelope.body.value()?.params : undefined;
    const wanted = isRecord(params) && isRecord(params.notifications) ? params.notifications : {};
    const meta = `{"_meta":{"io.modelcontextprotocol/subscriptionId":${idText(id)}}}`;
    return wanted[subscriptionFields[method]] === true
      ? [Buffer.from(`{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${meta}}\n`)]
      : [];
  });
}
