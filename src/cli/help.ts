import { optionSection, renderHelp } from '../base/optionHelp.ts';
import { type AnyCommand, globalOptions, optionsOf } from './command.ts';

const intro = 'See every MCP server on your machine, which version is running, and which one needs a restart.';

/** The guard is a program of its own, with its own help. */
const guardSummary = 'start a server and proxy its messages ("mcp-shepherd guard --help")';

/** The page of `mcp-shepherd --help`. @param width columns */
export function generalHelp(commands: readonly AnyCommand[], width: number): string {
  return renderHelp(
    {
      usage: ['mcp-shepherd COMMAND [OPTIONS]'],
      paragraphs: [intro],
      sections: [
        { title: 'Commands', items: [...commands.map(({ name, summary }) => [name, summary] as const), ['guard', guardSummary]] },
        optionSection('Options of every command', globalOptions),
        {
          title: 'Exit codes',
          items: [
            ['0', 'success; with --check: nothing needs attention'],
            ['1', 'with --check: at least one server or entry needs attention'],
            ['2', 'usage error, or not found, or the machine could not be scanned'],
            ['3', 'no change: follow the printed step, or you answered no; with --check: nothing found, but not everything could be read'],
          ],
        },
      ],
      end: '"mcp-shepherd COMMAND --help" describes one command.',
    },
    width,
  );
}

/** The page of `mcp-shepherd COMMAND --help`. @param width columns */
export function commandHelp(command: AnyCommand, width: number): string {
  return renderHelp(
    {
      usage: [`mcp-shepherd ${command.name} ${command.arguments ? `${command.arguments} ` : ''}[OPTIONS]`],
      paragraphs: command.details,
      sections: [
        optionSection('Options', optionsOf(command)),
        ...(command.sections ?? []),
        { title: 'Exit codes', items: command.exits.map(([code, meaning]) => [String(code), meaning] as const) },
      ],
    },
    width,
  );
}
