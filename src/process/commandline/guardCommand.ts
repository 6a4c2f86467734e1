import { commandName, lastPart } from './commandName.ts';
import { specName } from './packageSpec.ts';

/** A command line that starts a server through our guard. */
interface GuardCommand {
  /** How many words stand before the server's own command, the `--` included. */
  readonly count: number;
  /** What the guard was told, without verb and `--`. */
  readonly options: readonly string[];
}

/** Words before the guard's verb: `cmd /c npx -y mcp-shepherd@1 guard`. */
const deepest = 8;

/**
 * Reads the guard off a command line in any of its forms: the launcher script, `node …/cli.cjs guard`, `node …/guard.cjs`, VS Code's own program as node,
 * `npx -y mcp-shepherd guard`, each with `cmd /c` before it.
 * @param words command and arguments
 * @returns undefined when it is not started through the guard
 */
export function guardCommand(words: readonly string[]): GuardCommand | undefined {
  const start = words.slice(0, deepest).findIndex((word, index) => isGuardWord(word, words[index + 1], index));
  const dashes = start < 0 ? -1 : words.indexOf('--', start);
  if (dashes < 0 || words[dashes + 1] === undefined) {
    return undefined;
  }
  const first = start + (isGuardBundle(words[start] ?? '') ? 1 : 2);
  return { count: dashes + 1, options: words.slice(first, dashes) };
}

function isGuardWord(word: string, next: string | undefined, index: number): boolean {
  if (isGuardBundle(word)) {
    return index > 0;
  }
  return next === 'guard' && (commandName(word) === 'mcp-shepherd' || specName(word) === 'mcp-shepherd' || lastPart(word) === 'cli.cjs');
}

/** The guard's own bundle, which needs no verb. */
function isGuardBundle(script: string): boolean {
  return /^guard\.c?js$/.test(lastPart(script));
}

/** A script by which our guard runs, with the words after it: the bundle, the command line's bundle, or the program that npm links. */
export function isGuardScript(script: string, rest: readonly string[]): boolean {
  const name = lastPart(script);
  return rest.includes('--') && (isGuardBundle(script) || ((/^mcp-shepherd/.test(name) || name === 'cli.cjs') && rest[0] === 'guard'));
}

/** The words after the program's name, with the verb that the bundle does without. */
export function guardArguments(script: string, rest: readonly string[]): readonly string[] {
  return isGuardBundle(script) ? ['guard', ...rest] : rest;
}
