/** The kind of a JSON-RPC message, without its contents. */
export interface MessageHead {
  readonly id: string | number | undefined;
  readonly method: string | undefined;
  /** It has a `result` or an `error`: it is a response. */
  readonly answers: boolean;
}

const quote = 0x22;
const backslash = 0x5c;
/** Longest key or value at the top level that is kept, bytes. */
const maxKept = 256;

/**
 * Finds the top-level `id`, `method`, `result` and `error` of a message that arrives in chunks of any size, in constant memory: the guard passes a message
 * of any size on while it arrives, and has to know whether it was the response. It does not check the JSON: in bad JSON it finds anything or nothing.
 */
export class MessageScanner {
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Beginning of the string or literal at depth 1, as Latin-1; undefined outside one. */
  #kept: string | undefined;
  #key: string | undefined;
  #afterColon = false;
  #isList = false;
  #any = false;
  readonly #found = new Map<string, string>();

  push(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      at = this.#inString ? this.#string(bytes, at) : this.#outside(bytes, at);
    }
  }

  /** @returns undefined when the message is not an object; a batch (an array, revision 2025-03-26) is not read */
  end(): MessageHead | undefined {
    this.#endLiteral();
    if (!this.#any || this.#isList) {
      return undefined;
    }
    const method = parsed(this.#found.get('method'));
    const id = parsed(this.#found.get('id'));
    return {
      id: typeof id === 'string' || typeof id === 'number' ? id : undefined,
      method: typeof method === 'string' ? method : undefined,
      answers: this.#found.has('result') || this.#found.has('error'),
    };
  }

  /** In a string: skips to the quote that ends it. @returns where to continue */
  #string(bytes: Buffer, from: number): number {
    let at = from;
    if (this.#escaped) {
      this.#escaped = false;
      this.#keep(bytes, at, at + 1);
      at += 1;
    }
    let end = bytes.indexOf(quote, at);
    while (end >= 0) {
      let slashes = 0;
      while (end - slashes - 1 >= at && bytes[end - slashes - 1] === backslash) {
        slashes += 1;
      }
      if (slashes % 2 === 0) {
        this.#keep(bytes, at, end + 1);
        this.#inString = false;
        this.#endString();
        return end + 1;
      }
      end = bytes.indexOf(quote, end + 1);
    }
    let slashes = 0;
    while (bytes.length - slashes - 1 >= at && bytes[bytes.length - slashes - 1] === backslash) {
      slashes += 1;
    }
    this.#escaped = slashes % 2 === 1;
    this.#keep(bytes, at, bytes.length);
    return bytes.length;
  }

  #outside(bytes: Buffer, at: number): number {
    const byte = bytes[at];
    switch (byte) {
      case quote:
        this.#inString = true;
        this.#kept = this.#depth === 1 ? '"' : undefined;
        break;
      case 0x7b: // {
      case 0x5b: // [
        if (this.#depth === 0) {
          this.#any = true;
          this.#isList = byte === 0x5b;
        } else if (this.#depth === 1) {
          this.#note('');
        }
        this.#depth += 1;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        this.#endLiteral();
        this.#depth -= 1;
        break;
      case 0x3a: // :
        this.#afterColon = this.#depth === 1 ? true : this.#afterColon;
        break;
      case 0x2c: // ,
        if (this.#depth === 1) {
          this.#endLiteral();
          this.#afterColon = false;
        }
        break;
      default:
        if (this.#depth === 1 && byte !== undefined && byte > 0x20 && (this.#kept?.length ?? 0) < maxKept) {
          this.#kept = (this.#kept ?? '') + String.fromCharCode(byte);
        }
    }
    return at + 1;
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    if (this.#kept !== undefined && this.#kept.length < maxKept) {
      // Enough to compare keys. No id that is looked up is longer.
      this.#kept += bytes.toString('latin1', from, Math.min(to, from + maxKept));
    }
  }

  #endString(): void {
    if (this.#depth !== 1 || this.#kept === undefined) {
      return;
    }
    if (this.#afterColon) {
      this.#note(Buffer.from(this.#kept, 'latin1').toString('utf8'));
    } else {
      const key = this.#kept.includes('\\') ? parsed(this.#kept) : this.#kept.slice(1, -1);
      this.#key = typeof key === 'string' ? key : undefined;
    }
    this.#kept = undefined;
  }

  #endLiteral(): void {
    if (this.#depth === 1 && this.#afterColon && this.#kept !== undefined) {
      this.#note(this.#kept);
      this.#kept = undefined;
    }
  }

  /** Notes the value of the last key. */
  #note(value: string): void {
    if (this.#key !== undefined && this.#afterColon && ['id', 'method', 'result', 'error'].includes(this.#key)) {
      this.#found.set(this.#key, value);
    }
    this.#key = undefined;
  }
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
