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
    deepEqual(shown('a\r\nb\r\n', 'a\r\nc\r\nb\r\n'), [' a', '+c', ' b']);
    equal(shown('x\nx\ny', 'x\ny')?.filter((line) => line === '-x').length, 1);
    deepEqual(shown('a', 'a\n'), ['-a', '+a']);
  });

  it('hides secrets, and shows nothing that a terminal would obey', () => {
    deepEqual(
      shown('\t"a \u001b[31m s3cret"', 'b', (line) => line.replace('s3cret', '…')),
      ['-  "a \\x1b[31m …"', '+b'],
    );
  });

  it('shows places far from each other as pieces, with a gap between them', () => {
    const before = Array.from({ length: 30 }, (_, index) => `${index}`).join('\n');
    deepEqual(shown(before, before.replace('\n3\n', '\nx\n').replace('\n25\n', '\ny\n')), [
      ...[' 1', ' 2', '-3', '+x', ' 4', ' 5', ' …', ' 23', ' 24', '-25', '+y', ' 26', ' 27'],
    ]);
  });

  it('shows no line too long to be read, and does not take long over many', () => {
    equal(shown('x'.repeat(500), 'y'), undefined);
    const many = Array.from({ length: 5_000 }, (_, index) => `line ${index}`).join('\n');
    equal(shown(many, many.replaceAll('line', 'Line')), undefined);
    deepEqual(shown(many, many.replace('line 2500\n', 'another\n')), [
      ...[' line 2498', ' line 2499', '-line 2500', '+another', ' line 2501', ' line 2502'],
    ]);
  });
});
