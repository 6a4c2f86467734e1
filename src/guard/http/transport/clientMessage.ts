import { isRecord } from '../../../base/json.ts';
/** The part of the body of a POST that the guard reads. The body itself passes unchanged. */
export interface ClientMessage {
  /** Ids of its requests, in order. */
  readonly requestIds: readonly RequestId[];
  /** Ids of its responses to requests of the server. */
  readonly answerIds: readonly RequestId[];
  /** Methods of its requests and notifications, in order. */
  readonly methods: readonly string[];
  /** Its `tools/call` requests. */
  readonly toolCalls: readonly { readonly id: RequestId; readonly params: unknown }[];
  /** The message, when there is exactly one. `dropped`: a parameter that the guard reads was too long to be kept. */
  readonly single?: { readonly method?: string; readonly params?: Readonly<Record<string, unknown>>; readonly dropped?: true };
}

export type RequestId = string | number;

/** The key of the revision in `_meta` of a request. */
const versionKey = 'io.modelcontextprotocol/protocolVersion';

/** The first MCP revision without sessions and `initialize`. Revisions are dates, which compare as text. */
const firstStatelessRevision = '2026-07-28';

/** Parameters of larger messages are not kept while the message is answered, bytes: a parsed value can take twenty times the memory of its text. */
const keptWhole = 16_384;
/** The parameters that the guard reads, beside `_meta`, `task` and `cursor`. */
const readParams = ['name', 'uri', 'level', 'protocolVersion', 'capabilities', 'clientInfo'];

/** The parameters of a large message that the guard reads: short values, and whether `task` and `cursor` exist. */
function shortParams(params: unknown): { readonly params?: Readonly<Record<string, unknown>>; readonly dropped?: true } {
  if (!isRecord(params)) {
    return {};
  }
  const isShort = (value: unknown): boolean => (JSON.stringify(value) ?? '').length <= keptWhole;
  const { _meta, task, cursor } = params;
  const there = readParams.filter((name) => params[name] !== undefined);
  const short = there.filter((name) => isShort(params[name]));
  const version = isRecord(_meta) ? _meta[versionKey] : undefined;
  return {
    params: {
      ...Object.fromEntries(short.map((name) => [name, params[name]])),
      ...(cursor === undefined ? {} : { cursor: '' }),
      ...(isRecord(task) ? { task: {} } : {}),
      ...(isRecord(_meta) ? { _meta: isShort(_meta) ? _meta : isShort(version) ? { [versionKey]: version } : {} } : {}),
    },
    ...(short.length < there.length ? { dropped: true } : {}),
  };
}

/** @returns undefined when the body is not JSON or holds no object; the server answers with an error then */
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
  const isLarge = body.length > keptWhole;
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
        toolCalls.push({ id, params: isLarge ? shortParams(params).params : params });
      }
    }
  }
  const [first] = messages;
  return {
    requestIds,
    answerIds,
    methods,
    toolCalls,
    ...(first && messages.length === 1 ? { single: singleOf(first, isLarge) } : {}),
  };
}

function singleOf({ method, params }: Readonly<Record<string, unknown>>, isLarge: boolean): NonNullable<ClientMessage['single']> {
  return {
    ...(typeof method === 'string' ? { method } : {}),
    ...(isLarge ? shortParams(params) : isRecord(params) ? { params } : {}),
  };
}

/**
 * Whether a request uses a revision without sessions, by its header or by the revision in its `_meta`. The guard then ignores a session header.
 * `initialize` always belongs to a revision with sessions.
 */
export function isStatelessEra(header: string | undefined, message: ClientMessage | undefined): boolean {
  if (message?.methods.includes('initialize')) {
    return false;
  }
  const meta = message?.single?.params?._meta;
  const named = isRecord(meta) ? meta[versionKey] : undefined;
  const revision = header ?? (typeof named === 'string' ? named : undefined);
  return revision !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(revision) && revision >= firstStatelessRevision;
}

/** Whether a message has only notifications about requests in flight: a new server process must not get them. */
export function isOnlyForTheOldServer(message: ClientMessage): boolean {
  return (
    message.requestIds.length === 0 &&
    message.methods.every((method) => ['notifications/cancelled', 'notifications/progress'].includes(method))
  );
}
