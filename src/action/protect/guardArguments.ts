import type { Definition } from '../../model/definition.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { defaultStaleMode, type StaleMode, staleModeNames } from '../../model/staleMode.ts';
import { guardCommand } from '../../process/commandline/guardCommand.ts';

/** When the guard starts the server. */
export const startModes = ['eager', 'lazy'] as const;
export type StartMode = (typeof startModes)[number];

/** Options between `guard` and `--`. In an entry that is already guarded, options that are undefined or empty here stay as they are. */
export interface GuardChoices {
  readonly onStale?: StaleMode;
  readonly locks: readonly string[];
  readonly onConflict?: string;
  readonly start?: StartMode;
  /** Minutes. */
  readonly sleepAfter?: string;
  /** The guard runs in a process that all such servers share; the entry keeps a relay. */
  readonly relay?: boolean;
  /** The run folder, where it is not the default: clients do not pass its variable on. */
  readonly runDir?: string;
}

/**
 * Whether npm has our package `mcp-shepherd`. While it has none, an entry with `npx -y mcp-shepherd` starts nothing, and runs the code of the first stranger who
 * registers the name: the portable form is refused. Before this becomes true, `routeWords` has to name the exact version.
 */
export const isOnNpm: boolean = false;

/** How an entry starts the guard: by the launcher of this machine, or by npm (`npx`), for files that other users share. */
type GuardRoute = { readonly kind: 'launcher'; readonly path: string } | { readonly kind: 'portable' };

/** The arguments that are put before an entry's own, `--` included. @param words the entry's command and arguments now, guarded or not */
export function guardPrefix(words: readonly string[], route: GuardRoute, choices: GuardChoices): string[] {
  const before = guardCommand(words);
  const own = before ? words.slice(before.count) : words;
  return [...routeWords(route, own), 'guard', ...optionWords(before?.options ?? [], route, choices), '--'];
}

/** The guard's behaviour while the server is stale, by an entry's arguments. */
export function staleModeIn(words: readonly string[]): StaleMode {
  const options = guardCommand(words)?.options ?? [];
  const at = options.lastIndexOf('--on-stale');
  const value = at < 0 ? options.findLast((word) => word.startsWith('--on-stale='))?.slice('--on-stale='.length) : options[at + 1];
  return staleModeNames.find((mode) => mode === value) ?? defaultStaleMode;
}

function routeWords(route: GuardRoute, own: readonly string[]): string[] {
  if (route.kind === 'launcher') {
    return [route.path];
  }
  // An entry that starts its program through cmd needs cmd for npx too.
  const cmd = /^cmd(\.exe)?$/i.test(own[0] ?? '') && /^\/c$/i.test(own[1] ?? '') ? own.slice(0, 2) : [];
  return [...cmd, 'npx', '-y', 'mcp-shepherd'];
}

function optionWords(
  before: readonly string[],
  route: GuardRoute,
  { onStale, locks, onConflict, start, sleepAfter, relay, runDir }: GuardChoices,
): string[] {
  const given: string[] = [];
  const replaced = new Set(['--run-dir', '--relay']);
  const give = (name: string, values: readonly string[]): void => {
    if (values.length > 0) {
      replaced.add(name);
      given.push(...values.flatMap((value) => [name, value]));
    }
  };
  give('--on-stale', onStale === undefined ? [] : [onStale]);
  give('--lock', locks);
  give('--on-conflict', onConflict === undefined ? [] : [onConflict]);
  give('--start', start === undefined ? [] : [start]);
  give('--sleep-after', sleepAfter === undefined ? [] : [sleepAfter]);
  const place = runDir !== undefined && route.kind === 'launcher' ? ['--run-dir', runDir] : [];
  // The launcher looks for it in the first place.
  const first = relay || before.includes('--relay') ? ['--relay'] : [];
  return [...first, ...place, ...withoutOptions(before, replaced), ...withoutDefault(given)];
}

/** Leaves out the guard's defaults. */
function withoutDefault(words: readonly string[]): readonly string[] {
  const defaults = { '--on-stale': defaultStaleMode, '--start': 'eager' };
  return Object.entries(defaults).reduce((left: readonly string[], [name, value]) => {
    const at = left.indexOf(name);
    return at >= 0 && left[at + 1] === value ? [...left.slice(0, at), ...left.slice(at + 2)] : left;
  }, words);
}

/** Options of the guard without a value; all others take one. */
const flags = new Set(['--overlap', '--update-note', '--record-only', '--relay', '--alone']);

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

/** Whether an entry can start through the guard, or already does; undefined for remote and managed entries. */
export function guardability(definition: Definition): 'guardable' | 'guarded' | undefined {
  if (definition.guarded) {
    return 'guarded';
  }
  return definition.transport === 'stdio' && definition.scope !== 'managed' ? 'guardable' : undefined;
}

/** The entry to protect, so that a server that only its client can restart can be restarted by one command; undefined = there is none. */
export function guardWouldHelp(instance: Instance, snapshot: Snapshot): Definition | undefined {
  if (instance.guarded || instance.client === null) {
    return undefined;
  }
  return snapshot.definitions.find(
    (definition) => instance.definitions.includes(definition.id) && guardability(definition) === 'guardable',
  );
}
