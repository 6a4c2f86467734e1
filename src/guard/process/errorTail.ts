import { StringDecoder } from 'node:string_decoder';
import { shownText } from '../message/ownAnswers.ts';
import type { MessageSource } from './serverProcess.ts';

/** Characters that are kept. */
const maxChars = 8_192;

/** The last lines that a server wrote to standard error. */
export class ErrorTail {
  readonly #decoder = new StringDecoder('utf8');
  readonly #pass: (chunk: Buffer) => void;
  #text = '';
  #end: () => void = () => undefined;
  readonly #ended: Promise<void> = new Promise((resolve) => {
    this.#end = resolve;
  });

  /** @param pass gets everything as it comes */
  constructor(pass: (chunk: Buffer) => void) {
    this.#pass = pass;
  }

  /** Waits until the server has closed it, at most this long. */
  async ended(limitMs: number): Promise<void> {
    const timer = setTimeout(this.#end, limitMs);
    await this.#ended;
    clearTimeout(timer);
  }

  /** Keeps the last of what comes, and passes everything on. */
  read(output: MessageSource | null): void {
    output?.on('data', (chunk: Buffer) => {
      this.#pass(chunk);
      this.#text = (this.#text + this.#decoder.write(chunk)).slice(-maxChars);
    });
    output?.once('close', this.#end);
  }

  /** See `lastLines`. @param redact gets whole lines: of a line whose beginning was dropped nothing is shown */
  lines(redact: (text: string) => string, maxLines: number): string[] {
    const whole = this.#text.length < maxChars ? this.#text : this.#text.slice(this.#text.indexOf('\n') + 1);
    return lastLines(redact(whole), maxLines);
  }
}

/** The last lines of a text, without control characters, of each at most 300 characters; empty ones are left out. */
export function lastLines(text: string, maxLines: number): string[] {
  return text
    .split('\n')
    .map((line) => shownText(line).trim())
    .filter((line) => line !== '')
    .slice(-maxLines);
}
