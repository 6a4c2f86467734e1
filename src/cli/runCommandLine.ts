import { reasonOf } from '../base/errors.ts';
import { productVersion } from '../version/productVersion.ts';
import { parseCommandLine } from './arguments.ts';
import type { AnyCommand } from './command.ts';
import { statusCommand } from './commands/status.ts';
import { type ExitCode, exitCodes, UsageError } from './exitCodes.ts';
import { commandHelp, generalHelp } from './help.ts';
import { createPaint, wantsColor } from './render/paint.ts';
import { terminalText } from './render/text.ts';
import { type Shell, viewWidth } from './terminal.ts';

/** Runs one command line. Never throws: an error is one message on stderr and `exitCodes.error`. @param argv without node and script */
export async function runCommandLine(argv: readonly string[], shell: Shell): Promise<ExitCode> {
  try {
    const { table, command, values, positionals } = await readCommandLine(argv);
    if (values.version) {
      shell.stdout.write(`${productVersion}\n`);
      return exitCodes.ok;
    }
    if (command === undefined || values.help) {
      const width = viewWidth(shell);
      shell.stdout.write(command ? commandHelp(command, width) : generalHelp(table, width));
      return exitCodes.ok;
    }
    const color = wantsColor({ noColor: values['no-color'], isTty: shell.stdout.isTty, env: shell.env });
    return await command.run({ shell, values, positionals, color, paint: createPaint(color) });
  } catch (error) {
    shell.stderr.write(errorText(error));
    return exitCodes.error;
  }
}

/** `status` runs most often, also for the line of a status bar: where it is asked for by its own options, the other commands are not loaded. */
async function readCommandLine(argv: readonly string[]): Promise<ReturnType<typeof parseCommandLine> & { table: readonly AnyCommand[] }> {
  if (argv[0] === statusCommand.name) {
    try {
      const table = [statusCommand];
      return { table, ...parseCommandLine(argv, table) };
    } catch (error) {
      if (!(error instanceof UsageError)) {
        throw error;
      }
      // The message may name options of other commands.
    }
  }
  const { commandTable } = await import('./commandTable.ts');
  return { table: commandTable, ...parseCommandLine(argv, commandTable) };
}

function errorText(error: unknown): string {
  if (error instanceof UsageError) {
    // Both may hold names of entries, files and servers. A hint may have several lines.
    const lines = [`mcp-shepherd: ${error.message}`, ...(error.hint === '' ? [] : error.hint.split('\n'))];
    return lines.map((line) => `${terminalText(line)}\n`).join('');
  }
  return `mcp-shepherd: ${terminalText(reasonOf(error))}\n`;
}
