import { defaultStaleMode, type StaleMode, staleModeNames } from '../../model/staleMode.ts';
import { guardCommand } from '../../process/commandline/guardCommand.ts';

/** What stands between `guard` and `--`. What is undefined or empty stays as it was, where an entry is guarded already. */
export interface GuardChoices {
  readonly onStale?: StaleMode;
  readonly locks: readonly string[];
  readonly onConflict?: string;
  /** The run folder, where it is not the usual one: clients do not hand its variable on. */
  readonly runDir?: string;
}

/** How the guard is reached: the launcher of this machine, or npm's registry, for files that others share. */
export type GuardRoute = { readonly kind: 'launcher'; readonly path: string } | { readonly kind: 'portable' };

/** The words that are put before an entry's own, `--` included. @param words the entry's words now, guarded or not */
export function guardPrefix(words: readonly string[], route: GuardRoute, choices: GuardChoices): string[] {
  const before = guardCommand(words);
  const own = before ? words.slice(before.count) : words;
  return [...routeWords(route, own), 'guard', ...optionWords(before?.options ?? [], route, choices), '--'];
}

/** What the guard does when the server is stale, as an entry's words say. */
export function staleModeIn(words: readonly string[]): StaleMode {
  const options = guardCommand(words)?.options ?? [];
  const at = options.lastIndexOf('--on-stale');
  const said = at < 0 ? options.findLast((word) => word.startsWith('--on-stale='))?.slice('--on-stale='.length) : options[at + 1];
  return staleModeNames.find((mode) => mode === said) ?? defaultStaleMode;
}

function routeWords(route: GuardRoute, own: readonly string[]): string[] {
  if (route.kind === 'launcher') {
    return [route.path];
  }
  // Where npx itself is started through cmd, the clients of that machine need it so.
  const cmd = /^cmd(\.exe)?$/i.test(own[0] ?? '') && /^\/c$/i.test(own[1] ?? '') ? own.slice(0, 2) : [];
  return [...cmd, 'npx', '-y', 'mcp-shepherd'];
}

function optionWords(before: readonly string[], route: GuardRoute, { onStale, locks, onConflict, runDir }: GuardChoices): string[] {
  const given: string[] = [];
  const replaced = new Set(['--run-dir']);
  const give = (name: string, values: readonly string[]): void => {
    if (values.length > 0) {
      replaced.add(name);
      given.push(...values.flatMap((value) => [name, value]));
    }
  };
  give('--on-stale', onStale === undefined ? [] : [onStale]);
  give('--lock', locks);
  give('--on-conflict', onConflict === undefined ? [] : [onConflict]);
  const place = runDir !== undefined && route.kind === 'launcher' ? ['--run-dir', runDir] : [];
  return [...place, ...withoutOptions(before, replaced), ...withoutDefault(given)];
}

/** The guard's default needs no words. */
function withoutDefault(words: readonly string[]): readonly string[] {
  const at = words.indexOf('--on-stale');
  return at >= 0 && words[at + 1] === defaultStaleMode ? [...words.slice(0, at), ...words.slice(at + 2)] : words;
}

/** Options that take no value; all others of the guard do. */
const flags = new Set(['--overlap', '--update-note', '--record-only']);

function withoutOptions(words: readonly string[], names: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    const inline = word.includes('=');
    const length = inline || flags.has(word) ? 1 : 2;
    if (!names.has(inline ? word.slice(0, word.indexOf('=')) : word)) {
      kept.push(...words.slice(index, index + length));
    }
    index += length - 1;
  }
  return kept;
}
