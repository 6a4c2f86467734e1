import { deepEqual, equal, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import {
  anyText,
  choice,
  flag,
  matching,
  nameList,
  type OptionTable,
  option,
  readOptions,
  repeatedText,
  seconds,
  splitWords,
  wholeNumber,
} from '../../../src/base/optionTable.ts';

const table = {
  quiet: flag('says nothing', 'q'),
  name: option('NAME', anyText, 'a name'),
  folder: option('DIR', repeatedText, 'a folder'),
  tools: option('A,B', nameList, 'names of tools'),
  limit: option('N', wholeNumber(1, 99, 20), 'how many'),
  wait: option('SECONDS', seconds({ max: 100, above0: true }, 1.5), 'how long'),
  mode: option('MODE', choice(['fast', 'slow'], 'fast'), 'how'),
  id: option('ID', matching(/^[a-z]+$/, 'lower-case letters'), 'an id'),
} as const satisfies OptionTable;

const read = (...words: string[]) => readOptions(splitWords(words, table).options, table);

describe('an option table', () => {
  it('gives defaults where nothing is given', () => {
    const reading = read();
    ok(reading.problem === undefined);
    deepEqual(reading.values, {
      ...{ quiet: false, name: undefined, folder: [], tools: [], limit: 20, wait: 1_500, mode: 'fast', id: undefined },
    });
    equal(reading.given.size, 0);
  });

  it('reads each kind, the last of several texts, and all of a repeatable one', () => {
    const reading = read(
      ...['-q', '--name', 'a', '--name=b=c', '--folder', 'x', '--folder', 'y', '--tools', 'a, b', '--tools=,c', '--limit', '99'],
      ...['--wait', '0.25', '--mode', 'slow', '--id=z'],
    );
    ok(reading.problem === undefined);
    deepEqual(reading.values, {
      ...{ quiet: true, name: 'b=c', folder: ['x', 'y'], tools: ['a', 'b', 'c'], limit: 99, wait: 250, mode: 'slow', id: 'z' },
    });
  });

  for (const [words, kind] of [
    [['--nme', 'x'], 'unknown'],
    [['-x'], 'unknown'],
    [['--__proto__'], 'unknown'],
    [['--constructor=1'], 'unknown'],
    [['--quiet=yes'], 'unexpected-value'],
    [['--name'], 'no-value'],
    [['--name='], 'no-value'],
    [['--name', ''], 'no-value'],
    [['--name', '--quiet'], 'no-value'],
    [['--name', '-q'], 'no-value'],
    [['--name', '--limit=3'], 'no-value'],
    [['--limit', '0'], 'invalid'],
    [['--limit', '100'], 'invalid'],
    [['--limit', '1.5'], 'invalid'],
    [['--wait', '0'], 'invalid'],
    [['--wait', '101'], 'invalid'],
    [['--wait', '1e1'], 'invalid'],
    [['--mode', 'f'], 'invalid'],
    [['--id', 'Z'], 'invalid'],
  ] as const) {
    it(`${words.join(' ')} is ${kind}`, () => equal(read(...words).problem?.kind, kind));
  }

  it('leaves the words after -- alone', () => {
    deepEqual(
      splitWords(['a', '--quiet', '--', '--name', '-x'], table).others.map(({ word }) => word),
      ['a', '--name', '-x'],
    );
  });

  it('reads back what was written, in both notations and any order', () => {
    const words = fc.string({ minLength: 1, unit: 'grapheme' });
    const givens = fc.array(
      fc.oneof(
        fc.record({ name: fc.constant('name' as const), value: words }),
        fc.record({ name: fc.constant('folder' as const), value: words }),
        fc.record({ name: fc.constant('limit' as const), value: fc.integer({ min: 1, max: 99 }).map(String) }),
        fc.record({ name: fc.constant('mode' as const), value: fc.constantFrom('fast', 'slow') }),
      ),
    );
    fc.assert(
      fc.property(givens, fc.infiniteStream(fc.boolean()), (given, inline) => {
        const written = given.flatMap(({ name, value }) =>
          inline.next().value || value.startsWith('-') ? [`--${name}=${value}`] : [`--${name}`, value],
        );
        const reading = read(...written);
        ok(reading.problem === undefined, JSON.stringify(reading.problem));
        const of = (name: string): string[] => given.filter((one) => one.name === name).map(({ value }) => value);
        deepEqual(reading.values.folder, of('folder'));
        equal(reading.values.name, of('name').at(-1));
        equal(reading.values.limit, Number(of('limit').at(-1) ?? 20));
        equal(reading.values.mode, of('mode').at(-1) ?? 'fast');
        deepEqual(splitWords(written, table).others, []);
      }),
      { numRuns: 300 },
    );
  });
});
