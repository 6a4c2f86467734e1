import { deepEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { splitWindowsArgs } from '../../../../src/process/commandline/windowsArgs.ts';

/** An argument as libuv and Python's `list2cmdline` quote it: backslashes are doubled before a quotation mark and at the end of a quoted argument. */
function quote(argument: string, always: boolean): string {
  const escaped = argument.replaceAll(/(\\*)"/g, '$1$1\\"');
  return always || argument === '' || /[ \t]/.test(argument) ? `"${escaped.replace(/(\\+)$/, '$1$1')}"` : escaped;
}

const argument = fc.string({ maxLength: 8, unit: fc.constantFrom(...'ab"\\ \t/-=%^é') });
const program = fc.constantFrom('C:\\node.exe', 'C:\\Program Files\\nodejs\\node.exe', 'node');

describe('splitWindowsArgs', () => {
  it('gives back the arguments that were quoted', () => {
    fc.assert(
      fc.property(program, fc.array(fc.tuple(argument, fc.boolean()), { maxLength: 5 }), (path, given) => {
        const line = [`"${path}"`, ...given.map(([text, always]) => quote(text, always))].join(' ');
        deepEqual(splitWindowsArgs(line), [path, ...given.map(([text]) => text)]);
      }),
      { numRuns: 1_000 },
    );
  });
});
