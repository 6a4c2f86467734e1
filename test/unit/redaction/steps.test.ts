import { deepEqual, ok } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createRedactor, secretsOf } from '../../../src/redaction/redactor.ts';
import { counted } from '../countedReads.ts';

const shapes: Readonly<Record<string, (index: number) => string>> = {
  'options and values': (index) => (index % 2 === 0 ? '-a' : `v${index}`),
  'attached passwords': (index) => `-pS${index}`,
  words: (index) => `word${index}`,
  'headers in words': (index) => ['-H', 'X-Api-Key', 'Bearer', `s${index}`][index % 4] ?? '',
};

describe('Work of the redactor', () => {
  for (const [what, item] of Object.entries(shapes)) {
    for (const [name, run] of [
      ['args', (args: readonly string[]) => createRedactor([]).args(args, 'redis-cli')],
      ['secretsOf', (args: readonly string[]) => secretsOf({ command: 'redis-cli', args, env: {}, headers: [] })],
    ] as const) {
      it(`grows with the number of arguments: ${name} of ${what}`, () => {
        const reads = [1_000, 4_000].map((size) => {
          const { list, reads } = counted(Array.from({ length: size }, (_, index) => item(index)));
          run(list);
          return reads();
        });
        const [small = 0, large = 0] = reads;
        ok(small > 0 && large < 5 * small, `${reads}`);
      });
    }
  }

  it('is counted: the same test finds work that grows with the square', () => {
    const reads = [1_000, 4_000].map((size) => {
      const { list, reads } = counted(Array.from({ length: size }, () => ''));
      list.map((_, index) => list.slice(0, index));
      return reads();
    });
    deepEqual(
      reads.map((count) => count > 100_000),
      [true, true],
    );
    ok((reads[1] ?? 0) > 10 * (reads[0] ?? 0), `${reads}`);
  });
});
