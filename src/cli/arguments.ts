import { parseArgs } from 'node:util';
import { type Command, globalOptions, type Options, type Values } from './command.ts';
import { UsageError } from './exitCodes.ts';
import { terminalText } from './render/text.ts';
import { nearest } from './suggestion.ts';

export interface Invocation {
  /** Undefined = no verb was given. */
  readonly command: Command | undefined;
  readonly values: Values;
  readonly positionals: readonly string[];
}

const helpHint = 'See "mcp-shepherd --help".';

/**
 * Reads the command line. Options may stand before or after the verb.
 *
 * @throws UsageError naming what is not understood and, where one is near, what was probably meant
 */
export function parseCommandLine(argv: readonly string[], commands: readonly Command[]): Invocation {
  const everyOption: Record<string, Options[string]> = { ...globalOptions };
  for (const command of commands) {
    Object.assign(everyOption, command.options);
  }
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      Object.entries(everyOption).map(([name, { type, short }]) => [name, short === undefined ? { type } : { type, short }]),
    ),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const words = tokens.filter((token) => token.kind === 'positional').map((token) => token.value);
  const options = tokens.filter((token) => token.kind === 'option');
  // Help is asked for in two ways: `help status` and `status --help`.
  const askedHelp = words[0] === 'help';
  const [verb, ...positionals] = askedHelp ? words.slice(1) : words;
  const command = commands.find((candidate) => candidate.name === verb);
  const unknownOption = options.find(({ name }) => !Object.hasOwn(everyOption, name));
  const verbIndex = tokens.find((token) => token.kind === 'positional' && token.value === verb)?.index ?? Number.POSITIVE_INFINITY;
  if (verb !== undefined && command === undefined && (unknownOption === undefined || verbIndex < unknownOption.index)) {
    throw new UsageError(
      `there is no command "${terminalText(verb)}"${meant(
        verb,
        commands.map(({ name }) => name),
        '',
      )}`,
      helpHint,
    );
  }
  const allowed: Options = { ...globalOptions, ...command?.options };
  const collected = new Map<string, string[]>();
  for (const { name, rawName, value, inlineValue } of options) {
    const option = Object.hasOwn(allowed, name) ? allowed[name] : undefined;
    if (option === undefined) {
      const elsewhere =
        Object.hasOwn(everyOption, name) && command
          ? `"${command.name}" has no option ${rawName}`
          : `there is no option ${terminalText(rawName)}`;
      throw new UsageError(
        `${elsewhere}${meant(name, Object.keys(allowed), '--')}`,
        command ? `See "mcp-shepherd ${command.name} --help".` : helpHint,
      );
    }
    collected.set(name, [...(collected.get(name) ?? []), optionValue(rawName, option.type, value, inlineValue)]);
  }
  const values = valuesOf(collected, askedHelp);
  if (command && !values.flag('help') && !values.flag('version')) {
    checkPositionals(command, positionals);
  }
  return { command, values, positionals };
}

/** "" for flags. */
function optionValue(rawName: string, type: 'boolean' | 'string', value: string | undefined, inline: boolean | undefined): string {
  if (type === 'boolean') {
    if (value !== undefined) {
      throw new UsageError(`${rawName} takes no value`, helpHint);
    }
    return '';
  }
  if (value === undefined || value === '' || (!inline && value.startsWith('-'))) {
    throw new UsageError(`${rawName} needs a value`, helpHint);
  }
  return value;
}

function valuesOf(collected: ReadonlyMap<string, readonly string[]>, askedHelp: boolean): Values {
  return {
    flag: (name) => collected.has(name) || (askedHelp && name === 'help'),
    text: (name) => collected.get(name)?.at(-1),
    texts: (name) => collected.get(name) ?? [],
  };
}

function checkPositionals(command: Command, positionals: readonly string[]): void {
  const hint = `Usage: mcp-shepherd ${command.name} ${command.arguments}`.trim();
  if (positionals.length < command.positionals.min) {
    throw new UsageError(`"${command.name}" needs ${command.arguments}`, hint);
  }
  const extra = positionals[command.positionals.max];
  if (extra !== undefined) {
    throw new UsageError(`"${command.name}" does not know what to do with "${terminalText(extra)}"`, hint);
  }
}

function meant(word: string, candidates: readonly string[], prefix: string): string {
  const near = nearest(word, candidates);
  return near === undefined ? '' : `; did you mean "${prefix}${near}"?`;
}
