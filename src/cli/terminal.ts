/** Where text goes. */
export interface Output {
  readonly isTty: boolean;
  /** Columns and rows of the terminal now; undefined = no terminal. */
  size(): { readonly columns: number; readonly rows: number } | undefined;
  write(text: string): void;
}

/** What a command sees of the process it runs in; tests give their own. */
export interface Shell {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The user's home as the clients see it (`HOME`). */
  readonly home: string;
  readonly platform: NodeJS.Platform;
  /** Epoch milliseconds. */
  now(): number;
  /** Aborted when nobody reads the output any more, and after `endOnSignals` by Ctrl-C and polite signals. */
  readonly ended: AbortSignal;
  /** For commands that go on until they are told to end and have something to put in order then. The others die of signals the usual way. */
  endOnSignals(): void;
  /** Asks the person at the terminal, on one line; absent where nobody sits at one. @returns the answer; undefined when there is none (end of input, Ctrl-C) */
  ask?(question: string): Promise<string | undefined>;
  /** Called when the terminal's size changes. @returns a function that ends it */
  onResize(listener: () => void): () => void;
}

/** Width for the views: the terminal's, else what `COLUMNS` says (watch(1), pagers), else unlimited so that `grep` sees whole lines. */
export function viewWidth(shell: Pick<Shell, 'stdout' | 'env'>): number {
  const columns = shell.stdout.size()?.columns ?? Number(shell.env.COLUMNS ?? '');
  return Number.isInteger(columns) && columns > 0 ? Math.max(columns, 30) : Number.POSITIVE_INFINITY;
}

/** The stream's writes; when its reader has gone (EPIPE) they are dropped in silence and `onClosed` is told. */
export function createOutput(stream: NodeJS.WriteStream, onClosed: () => void): Output {
  let closed = false;
  const close = (): void => {
    closed = true;
    onClosed();
  };
  stream.on('error', close);
  return {
    isTty: stream.isTTY === true,
    size: () => (stream.isTTY ? { columns: stream.columns || 80, rows: stream.rows || 24 } : undefined),
    write(text) {
      if (!closed) {
        stream.write(text);
      }
    },
  };
}

/**
 * Asks on a terminal. The question goes to `output`, which is not the one that results go to where they can be told apart.
 * Ctrl-C ends the program the usual way, by the signal: the terminal is set back first, because readline has taken the key.
 */
export async function askOn(input: NodeJS.ReadStream, output: NodeJS.WriteStream, question: string): Promise<string | undefined> {
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input, output });
  const ended = new AbortController();
  lines.once('close', () => ended.abort());
  lines.once('SIGINT', () => {
    lines.close();
    output.write('\n');
    process.kill(process.pid, 'SIGINT');
  });
  try {
    return await lines.question(question, { signal: ended.signal });
  } catch {
    return undefined;
  } finally {
    lines.close();
  }
}

const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const clearScreen = '\x1b[2J\x1b[H';
const clearBelow = '\x1b[J';

/** Keeps one text in place on a terminal, without an alternate screen: what was drawn last stays when it ends. */
export class Screen {
  readonly #output: Output;
  /** Lines above the cursor that belong to the drawing. */
  #drawn = 0;
  #text = '';
  #fresh = true;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Replaces the drawing. Lines must not be wider than the terminal. What does not fit in height is left out, and said. */
  draw(text: string): void {
    const rows = this.#output.size()?.rows ?? 24;
    let lines = text.replace(/\n$/, '').split('\n');
    if (lines.length > rows - 1) {
      const kept = Math.max(1, rows - 2);
      lines = [...lines.slice(0, kept), `… ${lines.length - kept} more lines: the window is too low`];
    }
    const next = `${lines.join('\n')}\n`;
    if (next === this.#text) {
      return;
    }
    const home = this.#drawn === 0 ? '' : `\x1b[${this.#drawn}A\r${clearBelow}`;
    this.#output.write(`${this.#fresh ? hideCursor : ''}${home}${next}`);
    this.#fresh = false;
    this.#drawn = lines.length;
    this.#text = next;
  }

  /** After the terminal has changed its size nothing is where it was drawn: begins on an empty screen. */
  resized(): void {
    if (!this.#fresh) {
      this.#output.write(clearScreen);
      this.#drawn = 0;
      this.#text = '';
    }
  }

  /** Gives the cursor back. */
  close(): void {
    if (!this.#fresh) {
      this.#output.write(showCursor);
      this.#fresh = true;
    }
  }
}
