import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'mocha';
import { askOn, Screen } from '../../../src/cli/terminal.ts';

const esc = '\\u001b';
/** An escape sequence (its number, its letter), a line break, or text. */
const pieces = new RegExp(`(${esc}\\[(\\??\\d*)([A-Za-z]))|(\\n)|([^${esc}\\n]+)`, 'g');

/** Enough of a terminal to see what stands on it: cursor up, carriage return, clear below, clear all. */
class FakeTerminal {
  readonly isTty = true;
  rows: number;
  readonly columns: number;
  lines: string[] = [''];
  cursorShown = true;
  writes = 0;

  constructor(rows: number, columns = 80) {
    this.rows = rows;
    this.columns = columns;
  }

  size(): { columns: number; rows: number } {
    return { columns: this.columns, rows: this.rows };
  }

  write(text: string): void {
    this.writes++;
    for (const [, sequence, amount, code, newline, plain] of text.matchAll(pieces)) {
      if (newline) {
        this.lines.push('');
      } else if (plain) {
        this.lines[this.lines.length - 1] += plain.replace('\r', '');
      } else if (sequence) {
        this.#obey(amount ?? '', code ?? '');
      }
    }
  }

  #obey(amount: string, code: string): void {
    if (code === 'A') {
      // The screen shows the last rows only; the cursor cannot go above them.
      assert.ok(Number(amount) < this.rows, `cursor up ${amount} of ${this.rows} rows`);
      this.lines = [...this.lines.slice(0, this.lines.length - 1 - Number(amount)), ''];
    } else if (code === 'J' && amount === '2') {
      this.lines = [''];
    } else if (amount === '?25') {
      this.cursorShown = code === 'h';
    }
  }
}

describe('the screen of watch', () => {
  it('replaces what it drew and leaves what stood before', () => {
    const terminal = new FakeTerminal(24);
    terminal.write('$ mcp-shepherd watch\n');
    const screen = new Screen(terminal);
    screen.draw('one\ntwo\nthree\n');
    screen.draw('four\n');
    assert.deepEqual(terminal.lines, ['$ mcp-shepherd watch', 'four', '']);
    assert.equal(terminal.cursorShown, false);
    screen.close();
    assert.equal(terminal.cursorShown, true);
    assert.deepEqual(terminal.lines, ['$ mcp-shepherd watch', 'four', '']);
  });

  it('writes nothing when nothing changed, nor before it has drawn', () => {
    const terminal = new FakeTerminal(24);
    const screen = new Screen(terminal);
    screen.close();
    screen.resized();
    assert.equal(terminal.writes, 0);
    screen.draw('same\n');
    screen.draw('same\n');
    assert.equal(terminal.writes, 1);
  });

  it('says what does not fit, and never moves above the first row', () => {
    const terminal = new FakeTerminal(5);
    const screen = new Screen(terminal);
    for (const round of [1, 2, 3]) {
      screen.draw(Array.from({ length: 20 }, (_, index) => `line ${index} ${round}`).join('\n'));
    }
    assert.deepEqual(terminal.lines.slice(0, 3), ['line 0 3', 'line 1 3', 'line 2 3']);
    assert.deepEqual([terminal.lines.length, terminal.lines[3]?.startsWith('… 17 ')], [5, true]);
  });

  it('draws one line of our own in a terminal that is narrower than every view, and no line beyond its width', () => {
    for (const columns of [5, 29]) {
      const terminal = new FakeTerminal(24, columns);
      const screen = new Screen(terminal);
      screen.draw(`${'x'.repeat(30)}\nb\n`);
      screen.draw(`${'y'.repeat(30)}\nb\n`);
      assert.deepEqual([terminal.lines.length, terminal.lines.every((line) => line.length <= columns)], [2, true], String(columns));
    }
    const terminal = new FakeTerminal(3, 30);
    new Screen(terminal).draw('a\nb\nc\nd\n');
    assert.deepEqual(
      terminal.lines.map((line) => line.length <= 30),
      [true, true, true],
    );
  });

  it('starts on an empty screen when the size has changed', () => {
    const terminal = new FakeTerminal(24);
    const screen = new Screen(terminal);
    screen.draw('a\nb\n');
    screen.resized();
    screen.draw('a\nb\n');
    assert.deepEqual(terminal.lines, ['a', 'b', '']);
  });
});

describe('A question on the terminal', () => {
  it('cannot move the cursor, however a server is called', async () => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const question = `Stop \u001b[2Jnotes\u202e\r? [y/N] `;
    const answer = askOn(input as unknown as NodeJS.ReadStream, output as unknown as NodeJS.WriteStream, question);
    input.write('y\n');
    assert.equal(await answer, 'y');
    const shown = String(output.read());
    assert.ok(shown.includes('\\x1b[2Jnotes\\u{202e}\\r? [y/N] '), JSON.stringify(shown));
  });
});
