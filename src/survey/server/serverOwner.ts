import { judgeOwner, type OwnerVerdict } from '../../diagnosis/orphans.ts';
import type { ProcessDetail, ProcessRow } from '../../model/process.ts';
import type { ClientInstance } from '../../model/snapshot.ts';
import { isNamespaceInit } from '../../process/tree/namespaceInit.ts';
import type { FirstSeen } from '../facts/factStore.ts';

/**
 * Programs that adopt processes whose parent has ended. A parent that is one of these says nothing about who started the server.
 * (Linux also hands children to the nearest "subreaper"; `systemd --user` is the one met in practice.)
 */
export function adoptsOrphans(row: ProcessRow): boolean {
  return isNamespaceInit(row) || (row.name === 'systemd' && row.argv.includes('--user'));
}

/** Remembers which servers were seen with their owner and since when they are without. */
export class Owners {
  readonly #attended = new Set<string>();
  readonly #lostSince = new Map<string, number>();

  judge(
    key: string,
    row: ProcessRow,
    detail: ProcessDetail,
    owner: { readonly client: ClientInstance | null; readonly sighting: FirstSeen; readonly name: string; readonly memoryBytes: number },
    now: number,
  ): OwnerVerdict {
    const ownerAlive = owner.client !== null;
    if (ownerAlive) {
      this.#attended.add(key);
      this.#lostSince.delete(key);
    } else if (this.#attended.has(key) && !this.#lostSince.has(key)) {
      this.#lostSince.set(key, now);
    }
    const lostSince = this.#lostSince.get(key);
    const lost = owner.sighting.client;
    return judgeOwner({
      now,
      pid: row.pid,
      startedAt: row.startedAt,
      name: owner.name,
      ownerAlive,
      ...(lost ? { lostClient: { name: lost.name, pid: lost.identity.pid } } : {}),
      ...(lostSince === undefined ? {} : { lostSince }),
      stdin: detail.stdin,
      listens: detail.listens,
      memoryBytes: owner.memoryBytes,
    });
  }

  keep(alive: ReadonlySet<string>): void {
    for (const key of [...this.#attended, ...this.#lostSince.keys()]) {
      if (!alive.has(key)) {
        this.#attended.delete(key);
        this.#lostSince.delete(key);
      }
    }
  }
}
