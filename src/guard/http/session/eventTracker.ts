import { type MessageHead, MessageHeadScanner } from '../transport/messageScanner.ts';

const newline = 0x0a;
const colon = 0x3a;
const maxFieldBytes = 2_048;

/** What the reader of an event stream is told, event by event. */
export interface EventListener {
  /** A complete event of type `message`. */
  message(head: MessageHead): void;
  /** A complete event that had an id. */
  id(id: string): void;
}

/**
 * Follows a stream of server-sent events that is passed on unchanged, and knows at each moment whether an event is complete and what came in it.
 * Lines end with LF or CR LF; a CR alone, which the standard allows too, is not seen as an end (no MCP server writes it).
 */
export class EventTracker {
  readonly #listener: EventListener;
  /** Of the current line, before the colon or while the value is kept. */
  #line = '';
  #field: 'unknown' | 'data' | 'kept' | 'skipped' = 'unknown';
  #lineBytes = 0;
  #scanner: MessageHeadScanner | undefined;
  #type = '';
  #id: string | undefined;
  #begun = false;
  #lastId: string | undefined;

  constructor(listener: EventListener) {
    this.#listener = listener;
  }

  /** Nothing has come since the last complete event. */
  get atBoundary(): boolean {
    return !this.#begun && this.#lineBytes === 0;
  }

  /** Of the last complete event that had one. */
  get lastId(): string | undefined {
    return this.#lastId;
  }

  /**
   * What has to be written for a reader to forget the event that was cut: it is completed under a type that nobody listens to, with the id from before.
   * Empty at a boundary.
   */
  get closing(): string {
    return this.atBoundary ? '' : `\nevent: interrupted\nid: ${this.#lastId ?? ''}\n\n`;
  }

  /** The stream begins anew; the last id stays. */
  reset(): void {
    this.#line = '';
    this.#field = 'unknown';
    this.#lineBytes = 0;
    this.#scanner = undefined;
    this.#type = '';
    this.#id = undefined;
    this.#begun = false;
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
      this.#endLine();
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
      this.#line = (this.#line + bytes.toString('utf8')).slice(0, maxFieldBytes);
    }
  }

  /** The name of the field, which may itself come in pieces. */
  #start(bytes: Buffer): void {
    const at = bytes.indexOf(colon);
    this.#line += bytes.toString('utf8', 0, at < 0 ? Math.min(bytes.length, maxFieldBytes) : at);
    if (at < 0) {
      this.#field = this.#line.length > 16 ? 'skipped' : 'unknown';
      return;
    }
    const rest = bytes.subarray(at + 1);
    switch (this.#line) {
      case 'data':
        this.#field = 'data';
        this.#scanner ??= new MessageHeadScanner();
        this.#scanner.push(rest);
        return;
      case 'id':
      case 'event':
        this.#field = 'kept';
        this.#line += `:${rest.toString('utf8').slice(0, maxFieldBytes)}`;
        return;
      default:
        this.#field = 'skipped';
    }
  }

  #endLine(): void {
    const line = this.#line.replace(/\r$/, '');
    if (this.#field === 'unknown' && line === '') {
      this.#endEvent();
    } else {
      this.#begun = true;
      const [, name, value = ''] = /^(id|event): ?([\s\S]*)$/.exec(line) ?? [];
      if (name === 'id' && !value.includes('\0')) {
        this.#id = value;
      } else if (name === 'event') {
        this.#type = value;
      }
    }
    this.#line = '';
    this.#field = 'unknown';
    this.#lineBytes = 0;
  }

  #endEvent(): void {
    if (this.#id !== undefined) {
      this.#lastId = this.#id;
      this.#listener.id(this.#id);
    }
    const head = this.#scanner?.end();
    if (head && (this.#type === '' || this.#type === 'message')) {
      this.#listener.message(head);
    }
    this.#id = undefined;
    this.#type = '';
    this.#scanner = undefined;
    this.#begun = false;
  }
}
