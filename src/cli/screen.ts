import type { Output } from './terminal.ts';

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
