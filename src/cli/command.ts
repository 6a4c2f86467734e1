import type { ExitCode } from './exitCodes.ts';
import type { Paint } from './render/paint.ts';
import type { Shell } from './terminal.ts';

export interface Option {
  readonly type: 'boolean' | 'string';
  readonly multiple?: boolean;
  readonly short?: string;
  /** What stands for the value in the help. */
  readonly value?: string;
  readonly help: string;
}

export type Options = Readonly<Record<string, Option>>;

/** Options that every command takes. */
export const globalOptions: Options = {
  json: { type: 'boolean', help: 'machine-readable output on stdout' },
  folder: {
    type: 'string',
    multiple: true,
    value: 'DIR',
    help: 'project folder to look in, with its parents, or a .code-workspace file; repeatable (default: the working directory)',
  },
  'run-dir': { type: 'string', value: 'DIR', help: 'run folder instead of ~/.mcp-run; stands above MCP_RUN_DIR' },
  offline: { type: 'boolean', help: 'ask no registry for newer versions (also: MCP_SHEPHERD_OFFLINE set); what was asked before is shown' },
  'no-color': { type: 'boolean', help: 'no colours (also: NO_COLOR set; FORCE_COLOR forces them)' },
  help: { type: 'boolean', short: 'h', help: 'this help' },
  version: { type: 'boolean', short: 'V', help: 'print the version' },
};

/** Option values after parsing: only known names, with the right types. */
export interface Values {
  flag(name: string): boolean;
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
}

export interface CommandContext {
  readonly shell: Shell;
  readonly values: Values;
  readonly positionals: readonly string[];
  readonly paint: Paint;
  readonly color: boolean;
}

/** One verb of the command line. */
export interface Command {
  readonly name: string;
  /** One line, for the list. */
  readonly summary: string;
  /** What follows the verb, for the usage line. */
  readonly arguments: string;
  /** How many words may follow the verb. */
  readonly positionals: { readonly min: number; readonly max: number };
  readonly options: Options;
  /** More about it, in paragraphs. */
  readonly details: readonly string[];
  /** What the exit codes mean here. */
  readonly exits: readonly (readonly [ExitCode, string])[];
  run(context: CommandContext): Promise<ExitCode>;
}
