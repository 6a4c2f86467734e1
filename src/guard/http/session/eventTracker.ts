import { type MessageHead, MessageScanner } from '../../message/messageScanner.ts';

const newline = 0x0a;
const colon = 0x3a;
/** Longest id or type that is kept, bytes. */
const maxFieldBytes = 2_048;
/** No field that is read has a longer name, bytes. */
const maxNameBytes = 16;

interface EventListener {
  /** A complete event of type `message`. */
  message(head: MessageHead): void;
  /** A complete event that had an id. */
  id(id: string): void;
}

/**
 * Follows a stream of server-sent events that passes unchanged: which messages and ids were in it, and whether an event is incomplete now. Its memory does
 * not grow with the size of an event. Lines end with LF or CR LF; a lone CR, which the standard also allows, does not end a line here.
 */
export class EventTracker {
  readonly #listener: EventListener;
  /** Name of the current field and, for `id` and `event`, its value; as Latin-1, because a character may come in two chunks. */
  #line = '';
  #field: 'unknown' | 'data' | 'kept' | 'skipped' = 'unknown';
  #lineBytes = 0;
  #scanner: MessageScanner | undefined;
  #type = '';
  #id: string | undefined;
  #begun = false;
  #lastId: string | undefined;

  constructor(listener: EventListener) {
    this.#listener = listener;
  }

  /** No event is incomplete. */
  get atBoundary(): boolean {
    return !this.#begun && this.#lineBytes === 0;
  }

  /** Id of the last complete event that had one. */
  get lastId(): string | undefined {
    return this.#lastId;
  }

  /**
   * The text to write so that a reader ignores an event that was cut off: it completes the event under a type that no reader handles, and restores the id from
   * before. Empty when no event is incomplete.
   */
  get closing(): string {
    return this.atBoundary ? '' : `\nevent: interrupted\nid: ${this.#lastId ?? ''}\n\n`;
  }

  /** Another stream follows, which goes on after the last id. */
  reset(): void {
    this.#endLine();
    this.#endEvent();
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      const end = chunk.indexOf(newline, at);
      if (end < 0) {
        this.#part(chunk.subarray(at));
        return;
      }
      this.#part(chunk.subarray(at, end));
      this.#readLine();
      at = end + 1;
    }
  }

  #part(bytes: Buffer): void {
    if (bytes.length === 0) {
      return;
    }
    this.#lineBytes += bytes.length;
    if (this.#field === 'unknown') {
      this.#start(bytes);
    } else if (this.#field === 'data') {
      this.#scanner?.push(bytes);
    } else if (this.#field === 'kept') {
      this.#keep(bytes);
    }
  }

  #keep(bytes: Buffer): void {
    this.#line += bytes.toString('latin1', 0, Math.max(maxFieldBytes - this.#line.length, 0));
  }

  /** Reads the name of the field, which may come in several chunks. */
  #start(bytes: Buffer): void {
    const at = bytes.indexOf(colon);
    this.#line += bytes.toString('latin1', 0, at < 0 ? Math.min(bytes.length, maxNameBytes + 1) : at);
    if (at < 0) {
      this.#field = this.#line.length > maxNameBytes ? 'skipped' : 'unknown';
      return;
    }
    const rest = bytes.subarray(at + 1);
    switch (this.#line) {
      case 'data':
        this.#field = 'data';
        this.#scanner ??= new MessageScanner();
        this.#scanner.push(rest);
        return;
      case 'id':
      case 'event':
        this.#field = 'kept';
        this.#line += ':';
        this.#keep(rest);
        return;
      default:
        this.#field = 'skipped';
    }
  }

  #readLine(): void {
    const line = Buffer.from(this.#line.replace(/\r$/, ''), 'latin1').toString('utf8');
    if (this.#field === 'unknown' && line === '') {
      this.#readEvent();
    } else {
      this.#begun = true;
      // A field without a colon has an empty value.
      const [, name, value = ''] = /^(id|event)(?:$|: ?([\s\S]*)$)/.exec(line) ?? [];
      if (name === 'id' && !value.includes('\0')) {
        this.#id = value;
      } else if (name === 'event') {
        this.#type = value;
      }
    }
    this.#endLine();
  }

  #endLine(): void {
    this.#line = '';
    this.#field = 'unknown';
    this.#lineBytes = 0;
  }

  #readEvent(): void {
    if (this.#id !== undefined) {
      this.#lastId = this.#id;
      this.#listener.id(this.#id);
    }
    const head = this.#scanner?.end();
    if (head && (this.#type === '' || this.#type === 'message')) {
      this.#listener.message(head);
    }
    this.#endEvent();
  }

  #endEvent(): void {
    this.#id = undefined;
    this.#type = '';
    this.#scanner = undefined;
    this.#begun = false;
  }
}
