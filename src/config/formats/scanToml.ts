/** The position of a value in the text; `end` is behind its last character. */
interface TomlValue {
  readonly kind: 'text' | 'list' | 'table' | 'other';
  readonly start: number;
  readonly end: number;
  /** The values of a list. */
  readonly items: readonly TomlValue[];
}

/** One `key = value`, in any of TOML's notations. */
export interface TomlPair {
  /** The full path from the root: header and dotted key. */
  readonly path: readonly string[];
  readonly keyStart: number;
  /** Where the last part of a dotted key begins. */
  readonly lastPartStart: number;
  readonly value: TomlValue;
  /** It is in `{ … }`. */
  readonly inline: boolean;
}

/** Stands for tables of a list (`[[x]]`), whose keys have no unique path. */
const listMark = '\0';

interface TomlScan {
  readonly pairs: readonly TomlPair[];
  /** Headers of tables, `[a.b]` and `[[a.b]]`. */
  readonly headers: readonly { readonly path: readonly string[]; readonly start: number }[];
}

/**
 * Finds all pairs and headers with their positions, in a text that a TOML parser has accepted. (The parser gives values without positions.)
 * @throws SyntaxError when the text is not valid after all
 */
export function scanToml(text: string): TomlScan {
  const scanner = new Scanner(text);
  scanner.document();
  return scanner;
}

class Scanner implements TomlScan {
  readonly pairs: TomlPair[] = [];
  readonly headers: { path: readonly string[]; start: number }[] = [];
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): void {
    let header: readonly string[] = [];
    for (this.#space(); this.#at < this.#text.length; this.#space()) {
      if (this.#text[this.#at] === '[') {
        const start = this.#at;
        const ofList = this.#text[start + 1] === '[';
        this.#at += ofList ? 2 : 1;
        const keys = this.#key().parts;
        header = ofList ? [...keys, listMark] : keys;
        this.#expect(ofList ? ']]' : ']');
        this.headers.push({ path: header, start });
      } else {
        this.#pair(header, false);
      }
    }
  }

  #pair(header: readonly string[], inline: boolean): void {
    const key = this.#key();
    this.#expect('=');
    this.#blank();
    const path = [...header, ...key.parts];
    const value = this.#value(path);
    this.pairs.push({ path, keyStart: key.start, lastPartStart: key.lastStart, value, inline });
  }

  #key(): { readonly parts: readonly string[]; readonly start: number; readonly lastStart: number } {
    this.#blank();
    const start = this.#at;
    const parts: string[] = [];
    for (;;) {
      this.#blank();
      const lastStart = this.#at;
      const quote = this.#text[this.#at];
      if (quote === '"' || quote === "'") {
        this.#quoted(quote);
        const raw = this.#text.slice(lastStart + 1, this.#at - 1);
        parts.push(quote === '"' ? unescaped(raw) : raw);
      } else {
        const bare = /^[^\s.=\]"'#]+/.exec(this.#text.slice(this.#at, this.#at + 1_000))?.[0];
        if (bare === undefined) {
          throw new SyntaxError(`no key at ${this.#at}`);
        }
        this.#at += bare.length;
        parts.push(bare);
      }
      this.#blank();
      if (this.#text[this.#at] !== '.') {
        return { parts, start, lastStart };
      }
      this.#at++;
    }
  }

  #value(path: readonly string[]): TomlValue {
    const start = this.#at;
    const first = this.#text[start] ?? '';
    if (first === '"' || first === "'") {
      this.#quoted(first);
      return { kind: 'text', start, end: this.#at, items: [] };
    }
    if (first === '[') {
      const items: TomlValue[] = [];
      this.#members(']', () => items.push(this.#value([...path, listMark])));
      return { kind: 'list', start, end: this.#at, items };
    }
    if (first === '{') {
      this.#members('}', () => this.#pair(path, true));
      return { kind: 'table', start, end: this.#at, items: [] };
    }
    while (this.#at < this.#text.length && !/[,\]}#\r\n]/.test(this.#text[this.#at] ?? '')) {
      this.#at++;
    }
    return { kind: 'other', start, end: start + this.#text.slice(start, this.#at).trimEnd().length, items: [] };
  }

  #members(close: string, member: () => void): void {
    this.#at++;
    for (this.#space(); this.#text[this.#at] !== close; this.#space()) {
      if (this.#at >= this.#text.length) {
        throw new SyntaxError(`no ${close}`);
      }
      member();
      this.#space();
      if (this.#text[this.#at] === ',') {
        this.#at++;
      }
    }
    this.#at++;
  }

  /** A string of any of the four kinds. */
  #quoted(quote: string): void {
    const triple = this.#text.startsWith(quote.repeat(3), this.#at);
    const close = triple ? quote.repeat(3) : quote;
    for (this.#at += close.length; !this.#text.startsWith(close, this.#at); this.#at++) {
      if (this.#at >= this.#text.length) {
        throw new SyntaxError('a string is not closed');
      }
      if (quote === '"' && this.#text[this.#at] === '\\') {
        this.#at++;
      }
    }
    this.#at += close.length;
    // The closing three quotes may directly follow up to two quotes of the text.
    for (let more = 0; triple && more < 2 && this.#text[this.#at] === quote; more++) {
      this.#at++;
    }
  }

  #expect(sign: string): void {
    this.#blank();
    if (!this.#text.startsWith(sign, this.#at)) {
      throw new SyntaxError(`no ${sign} at ${this.#at}`);
    }
    this.#at += sign.length;
  }

  #blank(): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t') {
      this.#at++;
    }
  }

  /** White space, line ends and comments. */
  #space(): void {
    for (;;) {
      if (/\s/.test(this.#text[this.#at] ?? '')) {
        this.#at++;
      } else if (this.#text[this.#at] === '#') {
        const end = this.#text.indexOf('\n', this.#at);
        this.#at = end === -1 ? this.#text.length : end;
      } else {
        return;
      }
    }
  }
}

function unescaped(text: string): string {
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    return text;
  }
}
