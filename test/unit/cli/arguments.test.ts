import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { parseCommandLine } from '../../../src/cli/arguments.ts';
import { commandTable } from '../../../src/cli/commandTable.ts';
import { UsageError } from '../../../src/cli/exitCodes.ts';

function parse(...argv: string[]): ReturnType<typeof parseCommandLine> {
  return parseCommandLine(argv, commandTable);
}

/** @param named what the message has to name */
function refuses(argv: readonly string[], kind: UsageError['kind'], named: string, notNamed?: string): void {
  throws(
    () => parse(...argv),
    (error: unknown) =>
      error instanceof UsageError &&
      error.kind === kind &&
      error.message.includes(named) &&
      (notNamed === undefined || !error.message.includes(notNamed)),
    argv.join(' '),
  );
}

describe('the command line', () => {
  it('takes options before and after the command, with values in both forms', () => {
    const { command, values } = parse('--folder', '/a', 'status', '--json', '--folder=/b', '--run-dir', '/r', '--check');
    equal(command?.name, 'status');
    deepEqual(values.folder, ['/a', '/b']);
    equal(values['run-dir'], '/r');
    deepEqual([values.json, values.check, values.help], [true, true, false]);
  });

  it('takes a name that looks like an option after --', () => {
    deepEqual(parse('restart', '--', '--odd-name').positionals, ['--odd-name']);
  });

  it('takes no command, and asks for help in three ways', () => {
    equal(parse().command, undefined);
    for (const argv of [
      ['help', 'restart'],
      ['restart', '--help'],
      ['-h', 'restart'],
    ]) {
      const { command, values } = parse(...argv);
      equal(command?.name, 'restart');
      ok(values.help);
    }
    ok(parse('help').values.help);
  });

  it('names an unknown command and what was probably meant', () => {
    refuses(['statsu'], 'unknown-command', '"status"');
    refuses(['stat'], 'unknown-command', '"status"');
    refuses(['restrat', 'x'], 'unknown-command', '"restart"');
    refuses(['frobnicate'], 'unknown-command', '"frobnicate"', 'mean');
    refuses(['x\x1b[31m'], 'unknown-command', '"x\\x1b[31m"', '\x1b');
    refuses(['constructor'], 'unknown-command', '"constructor"');
  });

  it('names an unknown option and what was probably meant', () => {
    refuses(['status', '--jsno'], 'unknown', '"--json"');
    refuses(['--chekc', 'status'], 'unknown', '"--check"');
    refuses(['status', '-x'], 'unknown', '-x', 'mean');
    refuses(['watch', '--check'], 'unknown', '"watch"');
    refuses(['completion', 'bash', '--json'], 'unknown', '"completion" has no option --json');
    refuses(['status', '--__proto__'], 'unknown', '--__proto__');
    refuses(['status', '--x\x1b[31m'], 'unknown', '--x\\x1b[31m', '\x1b');
  });

  it('says when a value is missing or too much', () => {
    refuses(['status', '--run-dir'], 'no-value', '--run-dir');
    refuses(['status', '--folder', '--json'], 'no-value', '--folder');
    refuses(['status', '--folder='], 'no-value', '--folder');
    refuses(['status', '--json=yes'], 'unexpected-value', '--json');
    refuses(['history', '--limit', '-1'], 'invalid', '"-1"');
    refuses(['ensure', 'x', '--timeout', 'soon'], 'invalid', '"soon"');
    refuses(['ensure', 'x', '--replace', 'it'], 'invalid', '"it"');
    refuses(['protect', 'x', '--on-stale', 'maybe'], 'invalid', '"maybe"');
    refuses(['restart'], 'missing-argument', 'NAME|PID');
    refuses(['restart', 'a', 'b'], 'extra-argument', '"b"');
    refuses(['watch', 'everything'], 'extra-argument', 'explain everything');
  });

  it('has no option in two meanings', () => {
    const takesValue = new Map<string, boolean>();
    for (const command of commandTable) {
      for (const [name, { placeholder }] of Object.entries(command.options)) {
        equal(takesValue.get(name) ?? placeholder !== undefined, placeholder !== undefined, name);
        takesValue.set(name, placeholder !== undefined);
      }
    }
  });
});
