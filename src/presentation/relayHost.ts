import { t } from '../base/language/translate.ts';
import type { RelayHost, Snapshot } from '../model/snapshot.ts';
import { memory } from './quantities.ts';

type Sessions = Pick<Snapshot, 'instances' | 'notStarted' | 'hosts'>;

/** The host of the relays, and how many servers have their guard in it, as a sentence. */
export function hostText(
  { pid, memoryBytes }: RelayHost,
  { instances, notStarted = [] }: Sessions,
  size: (bytes: number) => string = memory,
): string {
  const guards = [...instances, ...notStarted].filter(({ record }) => record?.hostPid === pid).length;
  return guards === 1
    ? t('The host (PID {0}, {1}) runs the guard of 1 server.', pid, size(memoryBytes))
    : t('The host (PID {0}, {1}) runs the guards of {2} servers.', pid, size(memoryBytes), guards);
}

/** The same for all hosts. */
export function hostTexts(snapshot: Sessions): string[] {
  return (snapshot.hosts ?? []).map((host) => hostText(host, snapshot));
}
