import { deepEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { splitShell } from '../../../../src/process/commandline/shellWords.ts';

type Quoting = 'single' | 'double' | 'backslash' | 'pieces';

/** A word as a person or a program quotes it for a POSIX shell (IEEE 1003.1, 2.2 Quoting). */
function quote(word: string, how: Quoting): string {
  switch (how) {
    case 'single':
      return `'${word.replaceAll("'", `'\\''`)}'`;
    case 'double':
      return `"${word.replaceAll(/["\\$`]/g, '\\$&')}"`;
    case 'backslash':
      // A line break cannot be quoted by a backslash.
      return word === '' || word.includes('\n') ? quote(word, 'single') : [...word].map((letter) => `\\${letter}`).join('');
    case 'pieces':
      return `${quote(word.slice(0, 2), 'double')}${quote(word.slice(2), 'single')}`;
  }
}

const letters = fc.string({ maxLength: 8, unit: fc.constantFrom(...'ab1-_/=.,:@%+~ \t\n\'"\\$`|&;<>(){}[]*?!#é日') });
const quoting = fc.constantFrom<Quoting>('single', 'double', 'backslash', 'pieces');
/** A word that is no keyword of the shell, with the quotes around it. */
const quoted = fc.tuple(letters, quoting).map(([word, how]) => ({ word: `x${word}`, text: quote(`x${word}`, how) }));
const command = fc.array(quoted, { minLength: 1, maxLength: 5 });

describe('splitShell', () => {
  it('gives back the words that were quoted, command by command', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(command, fc.constantFrom('&&', '||', ';', '|', '&', '\n')), { minLength: 1, maxLength: 3 }),
        fc.constantFrom(' ', '  ', '\t'),
        (commands, blank) => {
          const line = commands.map(([words, after]) => `${words.map(({ text }) => text).join(blank)}${blank}${after}`).join(blank);
          deepEqual(
            splitShell(line),
            commands.map(([words, after]) => ({ words: words.map(({ word }) => word), after })),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it('drops redirections and comments, and nothing else', () => {
    fc.assert(
      fc.property(command, fc.constantFrom('2>&1', '>/dev/null', '< in', '2>> log', '# and more'), (words, extra) => {
        const split = splitShell(`${words.map(({ text }) => text).join(' ')} ${extra}`);
        deepEqual(
          split?.[0]?.words,
          words.map(({ word }) => word),
        );
      }),
      { numRuns: 300 },
    );
  });
});
