import type { Key } from 'node:readline';
import { clip, everyUnseen, terminalText } from './render/text.ts';

export interface Output {
  readonly isTty: boolean;
  /** Columns and rows of the terminal now; undefined = no terminal. */
  size(): { readonly columns: number; readonly rows: number } | undefined;
  write(text: string): void;
}

/** The part of the process that a command uses; tests pass their own. */
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
  /** Aborted when the reader of the output is gone, and after `endOnSignals` by SIGINT (Ctrl-C), SIGTERM and SIGHUP. */
  readonly ended: AbortSignal;
  /** For commands that have to clean up when a signal ends them. Without it, signals end the process at once. */
  endOnSignals(): void;
  /** Asks on one line of the terminal; absent without a terminal. @returns the answer; undefined at the end of input */
  ask?(question: string): Promise<string | undefined>;
  /** Calls the listener with each key: a character, or `up`, `pagedown`, `tab`, `shift-tab`, `ctrl-c` …; absent without a terminal. @returns a function that ends it */
  onKey?(listener: (key: string) => void): () => void;
  /** Calls the listener when the terminal's size changes. @returns a function that removes it */
  onResize(listener: () => void): () => void;
}

/** Views have no fewer columns. */
const narrowest = 30;

/** Width for the views: of the terminal, else from `COLUMNS` (set by watch(1) and pagers), else unlimited, so that `grep` gets whole lines. */
export function viewWidth(shell: Pick<Shell, 'stdout' | 'env'>): number {
  const columns = shell.stdout.size()?.columns ?? Number(shell.env.COLUMNS ?? '');
  return Number.isInteger(columns) && columns > 0 ? Math.max(columns, narrowest) : Number.POSITIVE_INFINITY;
}

/** Writes to a stream. After its reader is gone (EPIPE) writes are dropped; `onClosed` is called then. */
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
 * Asks on a terminal; the question is one line, made harmless here. `output` should not be the stream of the results.
 * Ctrl-C ends the program by the signal. The terminal is restored first, because readline has taken the key.
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
    return await lines.question(terminalText(question), { signal: ended.signal });
  } catch {
    return undefined;
  } finally {
    lines.close();
  }
}

/** Reads single keys. Ctrl-C is a key then. @returns a function that gives the terminal back */
export function listenForKeys(input: NodeJS.ReadStream, listener: (key: string) => void): () => void {
  const press = (_: string, { name = '', ctrl = false, shift = false }: Key): void =>
    listener(`${ctrl ? 'ctrl-' : shift && name === 'tab' ? 'shift-' : ''}${name}`);
  let ended = false;
  void import('node:readline').then(({ emitKeypressEvents }) => {
    if (!ended) {
      emitKeypressEvents(input);
      input.setRawMode(true);
      input.on('keypress', press);
      input.resume();
    }
  });
  return () => {
    ended = true;
    input.off('keypress', press);
    input.setRawMode(false);
    input.pause();
  };
}

const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const clearScreen = '\x1b[2J\x1b[H';
const clearBelow = '\x1b[J';

/** Redraws one text in place on a terminal, without an alternate screen: the last drawing stays visible at the end. */
export class Screen {
  readonly #output: Output;
  /** Number of lines above the cursor that belong to the drawing. */
  #drawn = 0;
  #text = '';
  #fresh = true;

  constructor(output: Output) {
    this.#output = output;
  }

  /**
   * Replaces the drawing. Lines must not be wider than the terminal or `narrowest`: in a narrower one they would be broken, and the next drawing would not begin
   * where this one did. Lines that do not fit its height are left out and counted in the last one.
   */
  draw(text: string): void {
    const { rows, columns } = this.#output.size() ?? { rows: 24, columns: 80 };
    let lines = columns < narrowest ? [clip(`Widen the window to ${narrowest} columns.`, columns)] : text.replace(/\n$/, '').split('\n');
    if (lines.length > rows - 1) {
      const kept = Math.max(1, rows - 2);
      const missing = `… ${lines.length - kept} more lines do not fit: enlarge the window, or use mcp-shepherd status`;
      lines = [...lines.slice(0, kept), clip(missing, columns)];
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

  /** Clears the screen, because after a change of size the drawing is somewhere else. */
  resized(): void {
    if (!this.#fresh) {
      this.#output.write(clearScreen);
      this.#drawn = 0;
      this.#text = '';
    }
  }

  /** Shows the cursor again. */
  close(): void {
    if (!this.#fresh) {
      this.#output.write(showCursor);
      this.#fresh = true;
    }
  }
}

/** JSON text in which what a terminal obeys or does not show is escaped, but for its own line breaks; the values stay the same. @param indent spaces per level; 0 = one line */
export function jsonText(value: unknown, indent = 0): string {
  return `${JSON.stringify(value, undefined, indent).replace(everyUnseen, escapeUnits)}\n`;
}

function escapeUnits(character: string): string {
  const units = [...Array(character.length).keys()].map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`);
  return character === '\n' ? character : units.join('');
}
