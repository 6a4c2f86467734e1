import type { Socket } from 'node:net';
import { isRecord } from '../../base/json.ts';

/** Longest line in either direction, bytes, without the line break. */
export const maxLineBytes = 65_536;

/** A plain JSON value. */
type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json | undefined };
export type ControlObject = { readonly [name: string]: Json | undefined };

/** Why a line cannot be read. */
export type LineFault = 'too long' | 'not a JSON object';

/** Splits chunks into lines and reads each as one JSON object. After a fault it reads nothing more. */
export class ControlLines {
  readonly #onMessage: (message: ControlObject) => void;
  readonly #onFault: (fault: LineFault) => void;
  #parts: Buffer[] = [];
  #length = 0;
  #ended = false;

  constructor(onMessage: (message: ControlObject) => void, onFault: (fault: LineFault) => void) {
    this.#onMessage = onMessage;
    this.#onFault = onFault;
  }

  /** Whether a line is incomplete. */
  get isPartial(): boolean {
    return this.#length > 0;
  }

  /** Drops everything from now on. */
  end(): void {
    this.#ended = true;
    this.#parts = [];
    this.#length = 0;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    for (let at = rest.indexOf(10); at >= 0 && !this.#ended; at = rest.indexOf(10)) {
      this.#add(rest.subarray(0, at));
      rest = rest.subarray(at + 1);
      if (!this.#ended) {
        this.#take();
      }
    }
    if (!this.#ended && rest.length > 0) {
      this.#add(rest);
    }
  }

  #add(part: Buffer): void {
    this.#length += part.length;
    if (this.#length > maxLineBytes) {
      this.#fault('too long');
      return;
    }
    this.#parts.push(part);
  }

  #take(): void {
    const line = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line));
    } catch {
      this.#fault('not a JSON object');
      return;
    }
    if (!isRecord(value)) {
      this.#fault('not a JSON object');
      return;
    }
    this.#onMessage(value as ControlObject);
  }

  #fault(fault: LineFault): void {
    this.end();
    this.#onFault(fault);
  }
}

/** Sends one message as a line. @returns false when it is too long; it was not sent then */
export function sendLine(socket: Socket, message: ControlObject): boolean {
  const line = `${JSON.stringify(message)}\n`;
  if (Buffer.byteLength(line) > maxLineBytes + 1) {
    return false;
  }
  if (socket.writable) {
    socket.write(line);
  }
  return true;
}
