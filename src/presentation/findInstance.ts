import { nearest } from '../base/nearest.ts';
import type { Definition } from '../model/definition.ts';
import type { Instance, NotStarted, RelayHost, Snapshot } from '../model/snapshot.ts';

export type SearchResult =
  | { readonly kind: 'found'; readonly instance: Instance }
  /** Several running servers match. */
  | { readonly kind: 'ambiguous'; readonly instances: readonly Instance[] }
  /** Its guard has not started it: no call needed it yet. */
  | { readonly kind: 'not-started'; readonly guards: readonly NotStarted[] }
  /** It is no server: it runs the guards of relays. */
  | { readonly kind: 'host'; readonly host: RelayHost }
  /** It is configured, and no server runs from it. */
  | { readonly kind: 'not-running'; readonly definitions: readonly Definition[] }
  | { readonly kind: 'none'; readonly suggestion?: string };

/**
 * Finds a running server: by PID (its own, else that of a process of its tree), by its exact name, its package's name, or an
 * unambiguous beginning of its name, in that order.
 */
export function findInstance(snapshot: Snapshot, asked: string): SearchResult {
  if (/^\d+$/.test(asked)) {
    const pid = Number(asked);
    const own = snapshot.instances.filter((instance) => instance.pid === pid);
    const hits = own.length > 0 ? own : snapshot.instances.filter((instance) => instance.tree.includes(pid));
    if (hits.length > 0) {
      return oneOf(hits);
    }
  }
  const matchers: readonly ((instance: Instance) => boolean)[] = [
    ({ name }) => name === asked,
    ({ name }) => name.toLowerCase() === asked.toLowerCase(),
    (instance) => instance.package?.name === asked,
  ];
  for (const matches of matchers) {
    const hits = snapshot.instances.filter(matches);
    if (hits.length > 0) {
      return oneOf(hits);
    }
  }
  const guards = (snapshot.notStarted ?? []).filter(({ name, guardPid }) => name === asked || String(guardPid) === asked);
  if (guards.length > 0) {
    return { kind: 'not-started', guards };
  }
  const host = snapshot.hosts?.find(({ pid }) => String(pid) === asked);
  if (host) {
    return { kind: 'host', host };
  }
  const definitions = snapshot.definitions.filter(({ name }) => name === asked);
  if (definitions.length > 0) {
    return { kind: 'not-running', definitions };
  }
  const beginning = snapshot.instances.filter(({ name }) => asked !== '' && name.toLowerCase().startsWith(asked.toLowerCase()));
  if (beginning.length > 0) {
    return oneOf(beginning);
  }
  // A number is a PID and has no similar name.
  const suggestion = /^\d+$/.test(asked)
    ? undefined
    : nearest(
        asked,
        [...snapshot.instances, ...snapshot.definitions].map(({ name }) => name),
      );
  return { kind: 'none', ...(suggestion === undefined ? {} : { suggestion }) };
}

function oneOf(instances: readonly Instance[]): SearchResult {
  const [instance] = instances;
  return instance && instances.length === 1 ? { kind: 'found', instance } : { kind: 'ambiguous', instances };
}
