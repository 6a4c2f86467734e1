import { judgeOwner, type OwnerVerdict } from '../../diagnosis/orphans.ts';
import { identityKey, type ProcessDetail, type ProcessRow } from '../../model/process.ts';
import type { ClientInstance } from '../../model/snapshot.ts';
import type { FirstSeen } from '../facts/factSchemas.ts';

/** Remembers which servers were seen with an owner, and since when each is without one. */
export class ServerOwners {
  readonly #owned = new Set<string>();
  readonly #lostSince = new Map<string, number>();

  /** @param now epoch ms */
  judge(
    row: ProcessRow,
    detail: ProcessDetail,
    owner: { readonly client: ClientInstance | null; readonly firstSeen: FirstSeen; readonly name: string; readonly memoryBytes: number },
    now: number,
  ): OwnerVerdict {
    const key = identityKey(row.identity);
    const ownerAlive = owner.client !== null;
    if (ownerAlive) {
      this.#owned.add(key);
      this.#lostSince.delete(key);
    } else if (this.#owned.has(key) && !this.#lostSince.has(key)) {
      this.#lostSince.set(key, now);
    }
    const lostSince = this.#lostSince.get(key);
    const lost = owner.firstSeen.client;
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
    for (const key of [...this.#owned, ...this.#lostSince.keys()]) {
      if (!alive.has(key)) {
        this.#owned.delete(key);
        this.#lostSince.delete(key);
      }
    }
  }
}
