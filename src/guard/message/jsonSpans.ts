/** Position of a value: `bytes.subarray(start, end)` is its JSON text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/**
 * The members of one JSON object, without parsing their values: for messages so large that `JSON.parse` of the whole costs more than forwarding them.
 * Keys are decoded by `JSON.parse`, so that an escape hides nothing. Of a repeated key the last one counts, as in `JSON.parse`.
 * The inside of a value is skipped by its strings and brackets and is not validated.
 * @param from start of the object; white space before it is allowed
 * @returns undefined when the bytes are not an object, or a broken one
 */
export function membersOf(bytes: Buffer, from = 0): ReadonlyMap<string, Span> | undefined {
  let at = skipSpace(bytes, from);
  if (bytes[at] !== openBrace) {
    return undefined;
  }
  const members = new Map<string, Span>();
  at = skipSpace(bytes, at + 1);
  if (bytes[at] === closeBrace) {
    return members;
  }
  for (;;) {
    const keyEnd = bytes[at] === quote ? endOfString(bytes, at) : -1;
    const key = keyEnd === -1 ? undefined : decodeKey(bytes.subarray(at, keyEnd));
    at = skipSpace(bytes, keyEnd);
    if (key === undefined || bytes[at] !== colon) {
      return undefined;
    }
    const start = skipSpace(bytes, at + 1);
    const end = endOfValue(bytes, start);
    if (end === -1) {
      return undefined;
    }
    members.set(key, { start, end });
    at = skipSpace(bytes, end);
    if (bytes[at] === closeBrace) {
      return members;
    }
    if (bytes[at] !== comma) {
      return undefined;
    }
    at = skipSpace(bytes, at + 1);
  }
}

/** The elements of one JSON array, found in the same way. @returns undefined when the bytes are not an array, or a broken one */
export function elementsOf(bytes: Buffer): readonly Span[] | undefined {
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== openBracket) {
    return undefined;
  }
  const elements: Span[] = [];
  at = skipSpace(bytes, at + 1);
  if (bytes[at] === closeBracket) {
    return elements;
  }
  for (;;) {
    const end = endOfValue(bytes, at);
    if (end === -1) {
      return undefined;
    }
    elements.push({ start: at, end });
    at = skipSpace(bytes, end);
    if (bytes[at] === closeBracket) {
      return elements;
    }
    if (bytes[at] !== comma) {
      return undefined;
    }
    at = skipSpace(bytes, at + 1);
  }
}

function decodeKey(bytes: Buffer): string | undefined {
  try {
    const key: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof key === 'string' ? key : undefined;
  } catch {
    return undefined;
  }
}

/** Skips white space as RFC 8259 defines it. */
function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  for (let byte = bytes[at]; byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; byte = bytes[at]) {
    at += 1;
  }
  return at;
}

/** @returns the index after the closing quote, -1 when there is none. In UTF-8 no byte of a multi-byte character equals a quote or a backslash. */
function endOfString(bytes: Buffer, from: number): number {
  // Beyond 2 GiB Node gives a negative index that is not -1.
  for (let end = bytes.indexOf(quote, from + 1); end >= 0; end = bytes.indexOf(quote, end + 1)) {
    let slashes = 0;
    while (bytes[end - 1 - slashes] === backslash) {
      slashes += 1;
    }
    // The run of backslashes ends at the opening quote at the latest.
    if (slashes % 2 === 0) {
      return end + 1;
    }
  }
  return -1;
}

function endOfValue(bytes: Buffer, from: number): number {
  const first = bytes[from];
  if (first === quote) {
    return endOfString(bytes, from);
  }
  if (first !== openBrace && first !== openBracket) {
    let at = from;
    for (let byte = bytes[at]; byte !== undefined && isScalarByte(byte); byte = bytes[at]) {
      at += 1;
    }
    return at === from ? -1 : at;
  }
  let depth = 0;
  for (let at = from; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === quote) {
      const end = endOfString(bytes, at);
      if (end === -1) {
        return -1;
      }
      at = end - 1;
    } else if (byte === openBrace || byte === openBracket) {
      depth += 1;
    } else if (byte === closeBrace || byte === closeBracket) {
      depth -= 1;
      if (depth === 0) {
        return at + 1;
      }
    }
  }
  return -1;
}

/** Letters, digits, sign and point: numbers, true, false, null, and Python's NaN and Infinity. */
function isScalarByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e
  );
}
