import { nearest } from '../base/nearest.ts';
import { describeProblem } from '../base/optionHelp.ts';
import { type OptionProblem, type OptionTable, readOptions, splitWords } from '../base/optionTable.ts';
import { type AnyCommand, type CommandContext, globalOptions } from './command.ts';
import { UsageError } from './exitCodes.ts';
import { terminalText } from './render/text.ts';

interface Invocation {
  /** Undefined = no command was given. */
  readonly command: AnyCommand | undefined;
  readonly values: CommandContext<OptionTable>['values'];
  readonly positionals: readonly string[];
}

const helpHint = 'See "mcp-shepherd --help".';

/**
 * Reads the command line. Options may stand before or after the command.
 *
 * @throws UsageError naming what is not understood and, where one is near, what was probably meant
 */
export function parseCommandLine(argv: readonly string[], commands: readonly AnyCommand[]): Invocation {
  const everyOption: OptionTable = Object.assign({}, globalOptions, ...commands.map(({ options }) => options));
  const { options, others } = splitWords(argv, everyOption);
  // Help is asked for in two ways: `help status` and `status --help`.
  const askedHelp = others[0]?.word === 'help';
  const [verb, ...positionals] = askedHelp ? others.slice(1) : others;
  const command = commands.find(({ name }) => name === verb?.word);
  const unknownOption = options.find(({ name }) => !Object.hasOwn(everyOption, name));
  if (verb && !command && (unknownOption === undefined || verb.index < unknownOption.index)) {
    throw unknownCommand(verb.word, commands);
  }
  const allowed = { ...globalOptions, ...command?.options };
  const reading = readOptions(options, allowed);
  const idle = options.find(({ name }) => (command?.without as readonly string[] | undefined)?.includes(name));
  if (reading.problem || idle) {
    throw wrongOption(reading.problem ?? { kind: 'unknown', option: `--${idle?.name}` }, allowed, everyOption, command);
  }
  const values = askedHelp ? { ...reading.values, help: true } : reading.values;
  const words = positionals.map(({ word }) => word);
  if (command && !values.help && !values.version) {
    checkPositionals(command, words);
  }
  return { command, values, positionals: words };
}

function unknownCommand(word: string, commands: readonly AnyCommand[]): UsageError {
  const near = nearest(
    word,
    commands.map(({ name }) => name),
  );
  const meant = near === undefined ? '' : `; did you mean "${near}"?`;
  return new UsageError(`there is no command "${terminalText(word)}"${meant}`, helpHint, 'unknown-command');
}

function wrongOption(problem: OptionProblem, allowed: OptionTable, everyOption: OptionTable, command: AnyCommand | undefined): UsageError {
  const hint = command ? `See "mcp-shepherd ${command.name} --help".` : helpHint;
  const elsewhere = problem.kind === 'unknown' && Object.hasOwn(everyOption, problem.option.slice(2));
  const message =
    elsewhere && command ? `"${command.name}" has no option ${problem.option}` : terminalText(describeProblem(problem, allowed));
  return new UsageError(message, hint, problem.kind);
}

function checkPositionals(command: AnyCommand, positionals: readonly string[]): void {
  const { name, positionals: allowed } = command;
  const hint = `Usage: mcp-shepherd ${name} ${command.arguments}`.trim();
  if (positionals.length < allowed.min) {
    throw new UsageError(`"${name}" needs ${command.arguments}`, hint, 'missing-argument');
  }
  const extra = positionals[allowed.max];
  if (extra === undefined) {
    return;
  }
  const message =
    allowed.max === 0
      ? `"${name}" takes no argument; did you mean "mcp-shepherd explain ${terminalText(extra)}"?`
      : `"${name}" takes one ${command.arguments}, and "${terminalText(extra)}" is one too many`;
  throw new UsageError(message, hint, 'extra-argument');
}
