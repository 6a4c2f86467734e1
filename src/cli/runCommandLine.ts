import { reasonOf } from '../base/errors.ts';
import { parseCommandLine } from './arguments.ts';
import { commandTable } from './commandTable.ts';
import { type ExitCode, exitCodes, UsageError } from './exitCodes.ts';
import { commandHelp, generalHelp } from './help.ts';
import { createPaint, wantsColor } from './render/paint.ts';
import { terminalText } from './render/text.ts';
import { type Shell, viewWidth } from './terminal.ts';
import { version } from './version.ts';

/** Runs one command line. Never throws: an error is one message on stderr and `exitCodes.error`. @param argv without node and script */
export async function runCommandLine(argv: readonly string[], shell: Shell): Promise<ExitCode> {
  try {
    const { command, values, positionals } = parseCommandLine(argv, commandTable);
    if (values.version) {
      shell.stdout.write(`${version}\n`);
      return exitCodes.ok;
    }
    if (command === undefined || values.help) {
      const width = viewWidth(shell);
      shell.stdout.write(command ? commandHelp(command, width) : generalHelp(commandTable, width));
      return exitCodes.ok;
    }
    const color = wantsColor({ noColor: values['no-color'], isTty: shell.stdout.isTty, env: shell.env });
    return await command.run({ shell, values, positionals, color, paint: createPaint(color) });
  } catch (error) {
    shell.stderr.write(errorText(error));
    return exitCodes.error;
  }
}

function errorText(error: unknown): string {
  if (error instanceof UsageError) {
    // Both may hold names of entries, files and servers. A hint may have several lines.
    const lines = [`mcp-shepherd: ${error.message}`, ...(error.hint === '' ? [] : error.hint.split('\n'))];
    return lines.map((line) => `${terminalText(line)}\n`).join('');
  }
  return `mcp-shepherd: ${terminalText(reasonOf(error))}\n`;
}
