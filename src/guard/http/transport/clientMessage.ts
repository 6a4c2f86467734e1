import { isRecord } from '../../../base/json.ts';
/** What a POST carries, as far as the proxy has to know; the bytes themselves go on unchanged. */
export interface ClientMessage {
  /** Of the requests in it, in order, as the client wrote them. */
  readonly requestIds: readonly RequestId[];
  /** Of the answers in it to requests of the server. */
  readonly answerIds: readonly RequestId[];
  /** Methods of its requests and notifications, in order. */
  readonly methods: readonly string[];
  /** Its `tools/call` requests. */
  readonly toolCalls: readonly { readonly id: RequestId; readonly params: unknown }[];
  /** The only message, when there is exactly one: most bodies. */
  readonly single?: { readonly method?: string; readonly params?: Readonly<Record<string, unknown>> };
}

export type RequestId = string | number;

/** The first revision without sessions and without `initialize`. Revisions are dates and compare as text. */
const firstStatelessRevision = '2026-07-28';

/** @returns undefined when it is no JSON, or no message of JSON-RPC: the server says so itself */
export function readClientMessage(body: Buffer): ClientMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  const messages = (Array.isArray(value) ? value : [value]).filter(isRecord);
  if (messages.length === 0) {
    return undefined;
  }
  const requestIds: RequestId[] = [];
  const answerIds: RequestId[] = [];
  const methods: string[] = [];
  const toolCalls: { readonly id: RequestId; readonly params: unknown }[] = [];
  for (const { id, method, params } of messages) {
    if (typeof method === 'string') {
      methods.push(method);
    }
    if (typeof id === 'string' || typeof id === 'number') {
      (typeof method === 'string' ? requestIds : answerIds).push(id);
      if (method === 'tools/call') {
        toolCalls.push({ id, params });
      }
    }
  }
  const [first] = messages;
  return {
    requestIds,
    answerIds,
    methods,
    toolCalls,
    ...(first && messages.length === 1 ? { single: singleOf(first) } : {}),
  };
}

function singleOf(message: Readonly<Record<string, unknown>>): NonNullable<ClientMessage['single']> {
  return {
    ...(typeof message.method === 'string' ? { method: message.method } : {}),
    ...(isRecord(message.params) ? { params: message.params } : {}),
  };
}

/**
 * Whether a request belongs to the era without sessions: by its header, or by the revision in its `_meta`. There the proxy invents nothing and takes no notice of a
 * session header. `initialize` is of the era before in any case.
 */
export function isStatelessEra(header: string | undefined, message: ClientMessage | undefined): boolean {
  if (message?.methods.includes('initialize')) {
    return false;
  }
  const meta = message?.single?.params?._meta;
  const named = isRecord(meta) ? meta['io.modelcontextprotocol/protocolVersion'] : undefined;
  const revision = header ?? (typeof named === 'string' ? named : undefined);
  return revision !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(revision) && revision >= firstStatelessRevision;
}

/** Methods that mean something only to the server that they were meant for: a new one must not get them. */
export function isOnlyForTheOldServer(message: ClientMessage): boolean {
  return (
    message.requestIds.length === 0 &&
    message.methods.every((method) => ['notifications/cancelled', 'notifications/progress'].includes(method))
  );
}
