import type { RequestId } from './clientMessage.ts';

/** What one message of JSON-RPC is, without its contents. */
export interface MessageHead {
  readonly id: RequestId | undefined;
  readonly method: string | undefined;
  /** It has a `result` or an `error`. */
  readonly answers: boolean;
}

const quote = 0x22;
const backslash = 0x5c;
const maxKept = 256;

/**
 * Finds the top-level `id`, `method`, `result` and `error` of a message that comes in pieces of any size, in constant memory: a message of 10 MB is passed on while it
 * comes, and still it must be known whether it was the answer. No checker: of bad JSON it finds something or nothing.
 */
export class MessageHeadScanner {
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Bytes of the string or literal at depth 1; undefined when it is not to be kept. */
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

  /** @returns undefined when it was no object; a list (a batch of 2025-03-26) is not looked into */
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

  /** In a string: jumps to what may end it. @returns where to go on */
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
        if (this.#depth === 1 && byte !== undefined && byte > 0x20) {
          this.#kept = (this.#kept ?? '') + String.fromCharCode(byte);
        }
    }
    return at + 1;
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    if (this.#kept !== undefined && this.#kept.length < maxKept) {
      // Latin-1 is enough to compare keys; a longer id is none that we ever look up.
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

  /** A value of the key before it. */
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
