import { commandName, lastPart } from './commandName.ts';
import { specName } from './packageSpec.ts';

/** A command line that starts a server through our guard. */
interface GuardCommand {
  /** Number of words before the server's own command, including `--`. */
  readonly count: number;
  /** Options of the guard, without the verb and `--`. */
  readonly options: readonly string[];
}

/** Words in which the guard is searched: `cmd /c npx -y mcp-shepherd@1 guard`. */
const deepest = 8;

/**
 * Finds the guard in a command line: the launcher script, `node …/cli.cjs guard`, `node …/guard.cjs`, VS Code's own program as Node,
 * `npx -y mcp-shepherd guard`, each also with `cmd /c` before it.
 * @param words command and arguments
 * @returns undefined when the server does not start through the guard
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

/** Whether a command line starts the guard that serves HTTP. It needs no server's command: with `--url` the guard passes requests to a server that runs already. */
export function isHttpGuardCommand(words: readonly string[]): boolean {
  const start = words.slice(0, deepest).findIndex((word, index) => isGuardWord(word, words[index + 1], index));
  const dashes = words.indexOf('--', start);
  return start >= 0 && words.slice(start, dashes < 0 ? undefined : dashes).some((word) => word === '--http' || word.startsWith('--http='));
}

/** Whether it is the guard's own bundle, which needs no verb. */
function isGuardBundle(script: string): boolean {
  return /^guard\.c?js$/.test(lastPart(script));
}

/** Whether a script with these arguments is the relay of a guard in perl or Python: Node.js, the guard's bundle and the guard's words follow. */
function isRelay(script: string, rest: readonly string[]): boolean {
  return /^relay\.p[ly]$/.test(lastPart(script)) && isGuardBundle(rest[1] ?? '');
}

/** Whether a command line starts the host, which runs the guards of all relays: it is never a server. @returns its run folder; undefined when it is no host */
export function hostRunFolder(words: readonly string[]): string | undefined {
  const at = words.findIndex((word, index) => index > 0 && index < deepest && isGuardBundle(word) && words[index + 1] === 'host');
  return at < 0 ? undefined : (words[at + 2] ?? '');
}

/** Whether a script with these arguments runs the guard: its own bundle, the command line's bundle, the program that npm links, or a relay of it. */
export function isGuardScript(script: string, rest: readonly string[]): boolean {
  const name = lastPart(script);
  if (isRelay(script, rest)) {
    return rest.includes('--');
  }
  return rest.includes('--') && (isGuardBundle(script) || ((/^mcp-shepherd/.test(name) || name === 'cli.cjs') && rest[0] === 'guard'));
}

/** The arguments with the verb `guard`, which the guard's own bundle does not have. */
export function guardArguments(script: string, rest: readonly string[]): readonly string[] {
  return isRelay(script, rest) ? ['guard', ...rest.slice(2)] : isGuardBundle(script) ? ['guard', ...rest] : rest;
}
