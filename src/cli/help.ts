import { type Command, globalOptions, type Options } from './command.ts';
import { pad, wrap } from './render/text.ts';

const intro = 'Knows every MCP server on this machine: configured, running, running what, and whose.';

/** A program of its own, with a help of its own. */
const guardLine: readonly [string, string] = ['guard', 'starts a server and stands between it and its client: "mcp-shepherd guard --help"'];

/** The page of `mcp-shepherd --help`. @param width columns; `Infinity` = 80 */
export function generalHelp(commands: readonly Command[], width: number): string {
  return page([
    'Usage: mcp-shepherd COMMAND [OPTIONS]',
    '',
    ...wrap(intro, bounded(width)),
    '',
    'Commands',
    ...definitionList([...commands.map(({ name, summary }): [string, string] => [name, summary]), guardLine], width),
    '',
    'Options of every command',
    ...optionList(globalOptions, width),
    '',
    'Exit codes',
    ...definitionList(
      [
        ['0', 'done; with --check: nothing makes the headline'],
        ['1', 'only with --check: something is stale, gone, a duplicate, an orphan …'],
        ['2', 'wrong usage, or it could not be looked at or found'],
        [
          '3',
          'nothing was done: the printed step is yours to take, or the question was not answered with yes; with --check: nothing was found, but not everything could be read',
        ],
      ],
      width,
    ),
    '',
    '"mcp-shepherd COMMAND --help" says more about one command.',
  ]);
}

/** The page of `mcp-shepherd COMMAND --help`. */
export function commandHelp(command: Command, width: number): string {
  return page([
    `Usage: mcp-shepherd ${command.name} ${command.arguments ? `${command.arguments} ` : ''}[OPTIONS]`,
    '',
    ...command.details.flatMap((paragraph) => [...wrap(paragraph, bounded(width)), '']),
    'Options',
    ...optionList({ ...command.options, ...globalOptions }, width),
    '',
    'Exit codes',
    ...definitionList(
      command.exits.map(([code, text]) => [String(code), text]),
      width,
    ),
  ]);
}

function optionList(options: Options, width: number): string[] {
  return definitionList(
    Object.entries(options).map(([name, option]) => [
      `${option.short ? `-${option.short}, ` : ''}--${name}${option.value ? ` ${option.value}` : ''}`,
      option.help,
    ]),
    width,
  );
}

function definitionList(items: readonly (readonly [string, string])[], width: number): string[] {
  const left = Math.max(...items.map(([term]) => term.length)) + 4;
  return items.flatMap(([term, text]) =>
    wrap(text, Math.max(20, bounded(width) - left)).map((line, index) => pad(index === 0 ? `  ${term}` : '', left) + line),
  );
}

/** Help is read by people: never wider than a page. */
function bounded(width: number): number {
  return Math.min(width, 80);
}

function page(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
