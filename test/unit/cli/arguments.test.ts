import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { parseCommandLine } from '../../../src/cli/arguments.ts';
import type { Command } from '../../../src/cli/command.ts';
import { commandTable } from '../../../src/cli/commandTable.ts';
import { UsageError } from '../../../src/cli/exitCodes.ts';

function parse(...argv: string[]): ReturnType<typeof parseCommandLine> {
  return parseCommandLine(argv, commandTable);
}

function refuses(argv: readonly string[], message: RegExp): void {
  assert.throws(
    () => parse(...argv),
    (error: unknown) => error instanceof UsageError && message.test(error.message),
    argv.join(' '),
  );
}

describe('the command line', () => {
  it('takes options before and after the verb, with values in both forms', () => {
    const { command, values } = parse('--folder', '/a', 'status', '--json', '--folder=/b', '--run-dir', '/r', '--check');
    assert.equal(command?.name, 'status');
    assert.deepEqual(values.texts('folder'), ['/a', '/b']);
    assert.equal(values.text('run-dir'), '/r');
    assert.ok(values.flag('json') && values.flag('check') && !values.flag('help'));
  });

  it('takes a name that looks like an option after --', () => {
    assert.deepEqual(parse('restart', '--', '--odd-name').positionals, ['--odd-name']);
  });

  it('takes no verb, and asks for help in three ways', () => {
    assert.equal(parse().command, undefined);
    for (const argv of [
      ['help', 'restart'],
      ['restart', '--help'],
      ['-h', 'restart'],
    ]) {
      const { command, values } = parse(...argv);
      assert.equal(command?.name, 'restart');
      assert.ok(values.flag('help'));
    }
    assert.ok(parse('help').values.flag('help'));
  });

  it('names an unknown command and what was probably meant', () => {
    refuses(['statsu'], /^there is no command "statsu"; did you mean "status"\?$/);
    refuses(['stat'], /did you mean "status"\?$/);
    refuses(['restrat', 'x'], /did you mean "restart"\?$/);
    refuses(['frobnicate'], /^there is no command "frobnicate"$/);
    refuses(['x\x1b[31m'], /^there is no command "x\\x1b\[31m"$/);
    refuses(['constructor'], /^there is no command "constructor"$/);
  });

  it('names an unknown option and what was probably meant', () => {
    refuses(['status', '--jsno'], /^there is no option --jsno; did you mean "--json"\?$/);
    refuses(['--chekc', 'status'], /^there is no option --chekc; did you mean "--check"\?$/);
    refuses(['status', '-x'], /^there is no option -x$/);
    refuses(['watch', '--check'], /^"watch" has no option --check$/);
    refuses(['status', '--__proto__'], /^there is no option --__proto__$/);
  });

  it('says when a value is missing or too much', () => {
    refuses(['status', '--run-dir'], /^--run-dir needs a value$/);
    refuses(['status', '--folder', '--json'], /^--folder needs a value$/);
    refuses(['status', '--folder='], /^--folder needs a value$/);
    refuses(['status', '--json=yes'], /^--json takes no value$/);
    refuses(['restart'], /^"restart" needs NAME\|PID$/);
    refuses(['restart', 'a', 'b'], /^"restart" does not know what to do with "b"$/);
    refuses(['status', 'everything'], /^"status" does not know what to do with "everything"$/);
  });

  it('has no option in two meanings', () => {
    const types = new Map<string, string>();
    for (const command of commandTable) {
      for (const [name, option] of Object.entries<Command['options'][string]>(command.options)) {
        assert.equal(types.get(name) ?? option.type, option.type, name);
        types.set(name, option.type);
      }
    }
  });
});
