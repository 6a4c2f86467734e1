import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** What happens to an installed server. */
export const events = ['upgrade', 'downgrade', 'same version again', 'unrelated install', 'prune of the old version', 'roll-back'] as const;
export type LayoutEvent = (typeof events)[number];

/** Where one installation of a layout is. */
export interface Place {
  /** A folder of its own. */
  readonly folder: string;
  /** Of the tools and the server. */
  readonly env: NodeJS.ProcessEnv & { readonly HOME: string };
}

/** How a client starts it. */
export interface LayoutCommand {
  readonly words: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
}

/** One way of installing a server: a row of the table in docs/staleness.md. */
export interface Layout {
  readonly name: string;
  /** `real`: by the named tool itself. */
  readonly made: 'real' | 'by hand' | 'real, link by hand';
  /** Where another version goes. `link`: beside, and no path of the process names the version that it runs. */
  readonly how: 'in place' | 'beside' | 'link';
  /** Events that `npm test` makes, too. */
  readonly quick?: readonly LayoutEvent[];
  /** Older first. */
  readonly versions: readonly [string, string];
  /** Installs a version: the first one, or another one over or beside the one that is there. */
  install(place: Place, version: string): unknown;
  /** Installs the version that is there once more, with new files. */
  again(place: Place, version: string): unknown;
  unrelated(place: Place): unknown;
  /** Removes what an upgrade left of the old version. */
  prune(place: Place, old: string): unknown;
  /** What is said while nothing has changed, where that is not `-`. */
  readonly fresh?: '-' | 'unknown';
  command(place: Place): LayoutCommand | Promise<LayoutCommand>;
  /** Verdicts that differ from those of `wanted`. */
  readonly seenAfterwards?: Partial<Readonly<Record<LayoutEvent, Verdict>>>;
}

/** `-`: neither finding nor `unknown`. */
export type Verdict = `${string}/${string}/${'proven' | 'likely'}` | 'unknown' | '-';

/** Whether the server runs another version than its command starts after the event. */
export function isStaleAfter(event: LayoutEvent): boolean {
  return event === 'upgrade' || event === 'downgrade' || event === 'prune of the old version';
}

/** The verdict of an observer that scanned before the event. */
export function wantedBefore({ how, fresh = '-' }: Layout, event: LayoutEvent): Verdict {
  return !isStaleAfter(event) ? fresh : how === 'in place' ? 'stale/package/proven' : 'stale/replaced-beside/proven';
}

/** The verdict of an observer that starts after the event and has no facts. */
export function wantedAfterwards({ how, fresh = '-', seenAfterwards }: Layout, event: LayoutEvent): Verdict {
  const other = seenAfterwards?.[event];
  if (other !== undefined) {
    return other;
  }
  if (event === 'unrelated install') {
    return fresh;
  }
  if (how === 'beside') {
    return isStaleAfter(event) ? 'stale/replaced-beside/proven' : fresh;
  }
  if (how === 'link' && event === 'roll-back') {
    return 'unknown';
  }
  if (how === 'link' && (event === 'upgrade' || event === 'downgrade')) {
    // Concluded from the older version, which is still beside the new one.
    return 'stale/replaced-beside/likely';
  }
  // The files that are loaded now are younger than the process.
  return 'stale/package/likely';
}

/** Writes a program that a shell runs, with the folders above it. */
export function writeProgram(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}
