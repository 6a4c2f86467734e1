import { isRecord } from '../../base/json.ts';
import { elementsOf, membersOf, type Span } from './jsonSpans.ts';

/**
 * A request id as a key. A number that JavaScript cannot hold exactly is kept as its digits, with a NUL before them that tells it from a text: two such ids
 * must not become one.
 */
export type IdKey = string | number;

/** The facts of a message that the guard needs. The message itself is forwarded as the bytes that came. */
export type Envelope =
  | { readonly kind: 'request'; readonly id: IdKey; readonly method: string; readonly body: Body }
  /** A message with a method and no usable id (a text or a number): it cannot be answered. */
  | { readonly kind: 'notification'; readonly method: string; readonly body: Body }
  | { readonly kind: 'response'; readonly id: IdKey; readonly isError: boolean; readonly body: Body }
  /** An array of messages (protocol 2025-03-26); `parts` are their bytes. */
  | { readonly kind: 'batch'; readonly items: readonly Envelope[]; readonly parts: readonly Buffer[] }
  /** Not a message, or a broken one: forwarded unchanged. */
  | { readonly kind: 'opaque' };

/** The parsed message. Small messages are parsed at once, large ones when more than the envelope is needed. */
export interface Body {
  /** The whole message; undefined when it is broken. */
  value(): JsonObject | undefined;
  /** `params.NAME` of a request or notification, when it is a text. The rest of a large message is not parsed. */
  paramText(name: string): string | undefined;
  /** `result.NAME` of a response, when it is a text. A message above 1 MiB is not searched. */
  resultText(name: string): string | undefined;
}

class ParsedBody implements Body {
  readonly #value: JsonObject;

  constructor(value: JsonObject) {
    this.#value = value;
  }

  value(): JsonObject {
    return this.#value;
  }

  paramText(name: string): string | undefined {
    const { params } = this.#value;
    return isRecord(params) ? textOrNone(params[name]) : undefined;
  }

  resultText(name: string): string | undefined {
    const { result } = this.#value;
    return isRecord(result) ? textOrNone(result[name]) : undefined;
  }
}

class LargeBody implements Body {
  readonly #line: Buffer;
  readonly #members: ReadonlyMap<string, Span>;
  #whole: JsonObject | undefined;

  constructor(line: Buffer, members: ReadonlyMap<string, Span>) {
    this.#line = line;
    this.#members = members;
  }

  value(): JsonObject | undefined {
    const all = this.#whole ?? parsed(this.#line);
    this.#whole = isRecord(all) ? all : undefined;
    return this.#whole;
  }

  paramText(name: string): string | undefined {
    return this.#text('params', name);
  }

  resultText(name: string): string | undefined {
    return this.#line.length > veryLargeBytes ? undefined : this.#text('result', name);
  }

  #text(member: string, name: string): string | undefined {
    const outer = this.#members.get(member);
    const span = outer && membersOf(this.#line, outer.start)?.get(name);
    return span && textOrNone(parsed(this.#line.subarray(span.start, span.end)));
  }
}

export type JsonObject = Readonly<Record<string, unknown>>;

const opaque: Envelope = { kind: 'opaque' };

/** Up to this size `JSON.parse` of the whole message is fastest (measured: 20 µs). */
const smallBytes = 16_384;
/** Results above this size are not searched for a member. */
const veryLargeBytes = 1_048_576;

/** Reads the envelope of one line. Never throws. */
export function readEnvelope(line: Buffer): Envelope {
  if (line.length > smallBytes && line[0] === 0x7b) {
    return readLarge(line);
  }
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    return Array.isArray(value) ? batchOf(value, line) : envelopeOf(value, line);
  } catch {
    // Python writes and reads NaN: a line that is not JSON here may be a message for both sides. Its outer members are read like those of a large message.
    return looseBatch(line) ?? readLarge(line);
  }
}

/** An array that is not valid JSON as a whole. @returns undefined when it holds no object: lines of a log begin with a bracket, too */
function looseBatch(line: Buffer): Envelope | undefined {
  const parts = elementsOf(line)?.map(({ start, end }) => line.subarray(start, end)) ?? [];
  const isObject = (part: Buffer): boolean => part[0] === 0x7b;
  return parts.some(isObject)
    ? { kind: 'batch', items: parts.map((part) => (isObject(part) ? readEnvelope(part) : opaque)), parts }
    : undefined;
}

function batchOf(values: readonly unknown[], line: Buffer): Envelope {
  const parts = elementsOf(line)?.map(({ start, end }) => line.subarray(start, end));
  return parts?.length === values.length
    ? { kind: 'batch', items: parts.map((part, index) => envelopeOf(values[index], part)), parts }
    : opaque;
}

function envelopeOf(value: unknown, line: Buffer): Envelope {
  if (!isRecord(value)) {
    return opaque;
  }
  const { method, id } = value;
  const body = new ParsedBody(value);
  const key = keyOf(id, line);
  if (typeof method === 'string') {
    return key === undefined ? { kind: 'notification', method, body } : { kind: 'request', id: key, method, body };
  }
  return key === undefined || !('result' in value || 'error' in value)
    ? opaque
    : { kind: 'response', id: key, isError: 'error' in value, body };
}

const idPlace: readonly string[] = ['id'];

/**
 * @param line the message that holds the id
 * @param place names of the members that lead to the id
 * @returns undefined when the value cannot be an id
 */
export function keyOf(id: unknown, line?: Buffer, place: readonly string[] = idPlace): IdKey | undefined {
  if (typeof id === 'string') {
    return id.startsWith('\0') ? `\0"${id}` : id;
  }
  if (typeof id !== 'number') {
    return undefined;
  }
  const span = Number.isSafeInteger(id) || line === undefined ? undefined : spanAt(line, place);
  return line && span ? `\0${line.toString('latin1', span.start, span.end)}` : id;
}

function spanAt(line: Buffer, place: readonly string[]): Span | undefined {
  let span: Span | undefined;
  for (const name of place) {
    span = membersOf(line, span?.start)?.get(name);
    if (!span) {
      return undefined;
    }
  }
  return span;
}

/** The id of the request that a `notifications/cancelled` cancels. */
export function cancelledKey(envelope: Envelope & { kind: 'notification' }, line: Buffer): IdKey | undefined {
  const params = envelope.body.value()?.params;
  return isRecord(params) ? keyOf(params.requestId, line, ['params', 'requestId']) : undefined;
}

function readLarge(line: Buffer): Envelope {
  const members = membersOf(line);
  if (!members) {
    return opaque;
  }
  const member = (name: string): unknown => {
    const span = members.get(name);
    return span && parsed(line.subarray(span.start, span.end));
  };
  const body = new LargeBody(line, members);
  const method = member('method');
  const key = keyOf(member('id'), line);
  if (typeof method === 'string') {
    return key === undefined ? { kind: 'notification', method, body } : { kind: 'request', id: key, method, body };
  }
  return key !== undefined && (members.has('result') || members.has('error'))
    ? { kind: 'response', id: key, isError: members.has('error'), body }
    : opaque;
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function textOrNone(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** An id as JSON, exactly as it came. */
export function idText(key: IdKey): string {
  if (typeof key === 'string' && key.startsWith('\0')) {
    return key.startsWith('\0"') ? JSON.stringify(key.slice(2)) : key.slice(1);
  }
  return JSON.stringify(key);
}
