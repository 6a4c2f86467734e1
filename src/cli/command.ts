import type { HelpSection } from '../base/optionHelp.ts';
import { anyText, flag, type OptionTable, type OptionValues, option, repeatedText } from '../base/optionTable.ts';
import type { ExitCode } from './exitCodes.ts';
import type { Paint } from './render/paint.ts';
import type { Shell } from './terminal.ts';

/** Options that every command takes, but for those that it names as `without`. */
export const globalOptions = {
  json: flag('machine-readable output on stdout'),
  folder: option(
    'DIR',
    repeatedText,
    'project folder (its parents are searched too) or a .code-workspace file; repeatable (default: the working directory)',
  ),
  'run-dir': option('DIR', anyText, 'state folder (default ~/.mcp-run; overrides MCP_RUN_DIR)'),
  offline: flag('ask no registry for newer versions (also: MCP_SHEPHERD_OFFLINE set); earlier answers are shown'),
  'no-color': flag('no colours (also: NO_COLOR set; FORCE_COLOR forces them)'),
  help: flag('this help', 'h'),
  version: flag('print the version', 'V'),
} as const satisfies OptionTable;

type NoOptions = Readonly<Record<never, never>>;

export interface CommandContext<Own extends OptionTable = NoOptions> {
  readonly shell: Shell;
  readonly values: OptionValues<typeof globalOptions> & OptionValues<Own>;
  readonly positionals: readonly string[];
  readonly paint: Paint;
  readonly color: boolean;
}

/** One command of the command line. */
export interface Command<Own extends OptionTable = NoOptions> {
  readonly name: string;
  /** One line, for the list. */
  readonly summary: string;
  /** The words behind the name, for the usage line. */
  readonly arguments: string;
  /** The words that may follow the name, for completion; absent: names of servers, or none. */
  readonly words?: readonly string[];
  /** How many words may follow the name. */
  readonly positionals: { readonly min: number; readonly max: number };
  readonly options: Own;
  /** Options of every command that would do nothing here. */
  readonly without?: readonly (keyof typeof globalOptions)[];
  /** More about it, in paragraphs. */
  readonly details: readonly string[];
  /** Sections of its help between options and exit codes. */
  readonly sections?: readonly HelpSection[];
  /** The meanings of the exit codes here. */
  readonly exits: readonly (readonly [ExitCode, string])[];
  run(context: CommandContext<Own>): Promise<ExitCode>;
}

/** A command whose own options are not known to the compiler. */
export type AnyCommand = Command<OptionTable>;

/** The options that a command takes: its own, then those of every command. */
export function optionsOf({ options, without = [] }: AnyCommand): OptionTable {
  const shared = Object.entries(globalOptions).filter(([name]) => !(without as readonly string[]).includes(name));
  return { ...options, ...Object.fromEntries(shared) };
}
