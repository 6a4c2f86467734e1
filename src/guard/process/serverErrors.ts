import { StringDecoder } from 'node:string_decoder';
import type { GuardPlace, Started } from './guardPlace.ts';
import type { ServerEnds } from './serverEnds.ts';
import type { Ended, MessageSource } from './serverProcess.ts';

/** A line that does not end is kept in parts of this length, UTF-16 units. */
const longestLine = 16_384;
/** What is remembered of each server for the case that it ends, UTF-16 units. */
const tailLength = 8_192;
/** After the end of a server the rest of its standard error is waited for, ms: processes below it may keep it open. */
const restMs = 500;

/** What one server wrote to standard error. */
interface Written {
  tail: string;
  readonly closed: Promise<void>;
}

/** Passes on what the servers of one guard write to standard error, keeps the end of it for `mcp-shepherd logs`, and remembers how they ended. */
export class ServerErrors {
  readonly #options: Started;
  readonly #place: Pick<GuardPlace, 'env' | 'pid' | 'passErrors'>;
  #log: Promise<((text: string) => void) | undefined> | undefined;
  #ends: Promise<ServerEnds> | undefined;
  #last: Written | undefined;

  constructor(options: Started, place: Pick<GuardPlace, 'env' | 'pid' | 'passErrors'>) {
    this.#options = options;
    this.#place = place;
  }

  /** Takes the standard error of one server. @param pass reads it and passes it on; without it this function does */
  take(output: MessageSource | null | undefined, pass?: (output: MessageSource | null) => void): void {
    if (!output) {
      return;
    }
    if (pass) {
      pass(output);
    } else {
      output.on('data', (chunk) => this.#place.passErrors(chunk));
    }
    const decoder = new StringDecoder('utf8');
    let rest = '';
    output.on('data', (chunk) => {
      const text = decoder.write(chunk);
      written.tail = (written.tail + text).slice(-tailLength);
      rest += text;
      const end = rest.length > longestLine ? rest.length : rest.lastIndexOf('\n') + 1;
      if (end > 0) {
        this.#keep(rest.slice(0, end));
        rest = rest.slice(end);
      }
    });
    const closed = new Promise<void>((resolve) => {
      output.once('close', () => {
        if (rest !== '') {
          this.#keep(`${rest}\n`);
        }
        resolve();
      });
    });
    const written: Written = { tail: '', closed };
    this.#last = written;
  }

  /** A server ended although the guard did not end it. @param mark sets the mark `ends` of the record */
  async crashed(ended: Ended, mark: (value: unknown) => void): Promise<void> {
    const [now, last] = [Date.now(), this.#last];
    this.#last = undefined;
    this.#ends ??= import('./serverEnds.ts').then(({ ServerEnds }) => new ServerEnds(this.#options, mark, this.#place.env));
    await rest(last);
    const tail = last?.tail ?? '';
    // Of a line whose beginning was dropped nothing is shown: it may be the rest of a secret.
    (await this.#ends).note(ended, now, tail.length < tailLength ? tail : tail.slice(tail.indexOf('\n') + 1));
  }

  /** No server runs: waits for the rest of what the last one wrote. */
  async ended(): Promise<void> {
    await rest(this.#last);
    await this.#log;
  }

  /** What hides secrets is loaded with the first line, because many servers write none. Where the run folder cannot be used, nothing is kept. */
  #keep(text: string): void {
    this.#log ??= import('../publish/guardEnvironment.ts')
      .then(({ openErrorLog }) => openErrorLog(this.#options, this.#place))
      .catch(() => undefined);
    void this.#log.then((write) => write?.(text));
  }
}

async function rest(written: Written | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, restMs);
  });
  await Promise.race([written?.closed, limit]);
  clearTimeout(timer);
}
