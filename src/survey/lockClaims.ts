import type { LockClaim } from '../diagnosis/lockConflicts.ts';
import type { ProcessRow } from '../types/process.ts';
import type { Redactor } from '../types/redaction.ts';
import type { Instance } from '../types/snapshot.ts';
import type { LivingRecord } from './instanceRecords.ts';

/** What the living records claim, with the servers that they belong to: what the verdict on conflicts needs. */
export function lockClaims(
  living: readonly LivingRecord[],
  joined: ReadonlyMap<string, readonly LivingRecord[]>,
  instances: readonly Instance[],
  rows: readonly ProcessRow[],
  redactor: Redactor,
): LockClaim[] {
  const owners = new Map([...joined].flatMap(([key, records]) => records.map((one): [LivingRecord, string] => [one, key])));
  const byId = new Map(instances.map((instance) => [instance.id, instance]));
  const startedAt = new Map(rows.map((row) => [row.pid, row.startedAt]));
  return living.flatMap((one): LockClaim[] => {
    const { record, liveness } = one;
    const instance = byId.get(owners.get(one) ?? '');
    // Whatever of it still runs: a guard may be dead, and its server not.
    const mark = liveness.server === 'dead' ? (record.guard ?? record.server) : (record.server ?? record.guard);
    const pid = instance?.pid ?? mark?.pid;
    if (pid === undefined) {
      return [];
    }
    const started = startedAt.get(pid);
    return [
      {
        id: record.id,
        ...(instance ? { instance: instance.id } : {}),
        pid,
        name: redactor.text(instance?.name ?? record.serverId),
        tree: instance?.tree ?? [pid, ...(record.guard ? [record.guard.pid] : [])],
        ...(started === undefined ? {} : { startedAt: started }),
        state: record.state,
        exclusion: record.exclusion,
        certain: liveness.life === 'alive',
        locks: record.locks.map(({ key, resource, dev, ino }) => ({ key, resource: redactor.text(resource), dev, ino })),
      },
    ];
  });
}
