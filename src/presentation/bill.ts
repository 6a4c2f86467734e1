import { t } from '../base/language/translate.ts';
import type { Instance } from '../model/snapshot.ts';
import { memory } from './quantities.ts';

/** What servers cost together. */
export interface Bill {
  readonly servers: number;
  /** Servers beside the newest of their entry under the same client process. */
  readonly copies: number;
  readonly memoryBytes: number;
  /** Servers that used no processor time worth counting for an hour, as far as they were watched. */
  readonly idle: number;
  readonly idleBytes: number;
}

/** Adds up servers. Memory that they share is counted for each. */
export function billOf(instances: readonly Instance[]): Bill {
  const kinds = new Set(
    instances.map(({ id, client, definitions, name }) => JSON.stringify(client ? [client.identity, definitions[0] ?? name] : [id])),
  );
  const idle = instances.filter(({ idleSince }) => idleSince !== undefined);
  const sum = (of: readonly Instance[]): number => of.reduce((bytes, { memoryBytes }) => bytes + memoryBytes, 0);
  return {
    servers: instances.length,
    copies: instances.length - kinds.size,
    memoryBytes: sum(instances),
    idle: idle.length,
    idleBytes: sum(idle),
  };
}

/** "36 servers, 33 of them copies, 1.3 GB; 33 idle for an hour, 1.1 GB". */
export function billText({ servers, copies, memoryBytes, idle, idleBytes }: Bill, size: (bytes: number) => string = memory): string {
  const all = [
    servers === 1 ? t('1 server') : t('{0} servers', servers),
    ...(copies > 0 ? [copies === 1 ? t('1 of them a copy') : t('{0} of them copies', copies)] : []),
    size(memoryBytes),
  ];
  return `${all.join(', ')}; ${idle === 0 ? t('none known to be idle for an hour') : t('{0} idle for an hour or longer, {1}', idle, size(idleBytes))}`;
}
