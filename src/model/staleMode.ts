/** The guard's behaviour for calls while its server runs other code than is installed. The first one is the default. */
const modes = [
  {
    name: 'auto',
    summary: 'restart where nothing is lost, else block writing tools',
    detail: 'newer versions only; not with open calls, subscriptions, tasks or child processes',
    offered: true,
  },
  {
    name: 'refuse-writes',
    summary: 'block writing tools until restart',
    detail: 'all tools that are not marked read-only',
    offered: true,
  },
  { name: 'restart', summary: 'restart automatically', detail: 'before the next call; the session continues', offered: true },
  { name: 'warn', summary: 'warn only', detail: 'every call passes; log and views show that the server is stale', offered: true },
  { name: 'refuse', summary: 'block every tool until restart', detail: 'the refusal says how to restart the server', offered: false },
  { name: 'off', summary: 'do not check', detail: 'every call passes, and upgrades go unnoticed', offered: false },
] as const;

/** A value of `--on-stale`. */
export type StaleMode = (typeof modes)[number]['name'];

interface StaleModeEntry {
  readonly name: StaleMode;
  /** The guard's behaviour, in a few words. */
  readonly summary: string;
  /** The fact to know before choosing it. */
  readonly detail: string;
  /** Whether it is offered where a person is asked; the others are chosen by `--on-stale` alone. */
  readonly offered: boolean;
}

export const staleModes: readonly StaleModeEntry[] = modes;

/** The values of `--on-stale`. */
export const staleModeNames: readonly StaleMode[] = modes.map(({ name }) => name);

/** The guard's mode where none is chosen. */
export const defaultStaleMode: StaleMode = modes[0].name;

/** One line about a mode: "block writing tools until restart (tools that …)". */
export function describeStaleMode(mode: StaleMode): string {
  const { summary, detail } = modes.find(({ name }) => name === mode) ?? modes[0];
  return `${summary} (${detail})`;
}
