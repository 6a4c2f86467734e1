import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { lineDiff } from '../../../../src/cli/render/diffView.ts';

const same = (line: string): string => line;
const shown = (before: string, after: string, redact = same): string[] | undefined =>
  lineDiff(before, after, redact)?.map(({ sign, text }) => sign + text);

describe('lineDiff', () => {
  it('shows what differs with two lines around it, and keeps lines that both have', () => {
    deepEqual(shown('1\n2\n3\na\nkept\nb\n4\n5\n6', '1\n2\n3\nA\nkept\nB\nC\n4\n5\n6'), [
      ' 2',
      ' 3',
      '-a',
      '+A',
      ' kept',
      '-b',
      '+B',
      '+C',
      ' 4',
      ' 5',
    ]);
    deepEqual(shown('a', 'b'), ['-a', '+b']);
    deepEqual(shown('a\r\nb\r\n', 'a\r\nc\r\nb\r\n'), [' a', '+c', ' b', ' ']);
    deepEqual(shown('x\nx\ny', 'x\ny'), [' x', '-x', ' y']);
  });

  it('hides secrets, and shows nothing that a terminal would obey', () => {
    deepEqual(
      shown('\t"a \u001b[31m s3cret"', 'b', (line) => line.replace('s3cret', '…')),
      ['-  "a \\x1b[31m …"', '+b'],
    );
  });

  it('shows no line that nobody could read, and does not take long over many', () => {
    equal(shown('x'.repeat(500), 'y'), undefined);
    const many = Array.from({ length: 5_000 }, (_, index) => `line ${index}`).join('\n');
    equal(shown(many, many.replaceAll('line', 'Line'))?.length, 10_000);
  });
});
