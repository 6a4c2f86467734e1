import type { ProcessRow } from '../../model/process.ts';
import type { RelayHost } from '../../model/snapshot.ts';
import { hostRunFolder } from '../../process/commandline/guardCommand.ts';
import { observedWords } from '../../process/commandline/parseLaunch.ts';
import { hostPidOf } from './guardMarks.ts';
import type { LivingRecord } from './instanceRecords.ts';

/** The hosts of this run folder, by their command lines; those of other users are left out. */
export function relayHosts(rows: readonly ProcessRow[], runDir: string): RelayHost[] {
  const own = process.geteuid?.();
  return rows
    .filter((row) => hostRunFolder(observedWords(row)) === runDir && (row.uid === undefined || own === undefined || row.uid === own))
    .map(({ pid, startedAt, rssBytes }) => ({ pid, startedAt: new Date(startedAt).toISOString(), memoryBytes: rssBytes }));
}

/**
 * Without the records of hosts that ended or hang. Such a record stays until its relay ends, because it names living processes; the next host has published
 * another one, with a control endpoint that answers.
 */
export function ofPresentHosts(living: readonly LivingRecord[], rows: readonly ProcessRow[]): LivingRecord[] {
  const running = new Set(rows.map(({ pid }) => pid));
  const newest = new Map<string, string>();
  const keyOf = ({ record: { guard } }: LivingRecord): string => `${guard?.pid} ${guard?.start}`;
  const relayed = living.filter(({ record }) => hostPidOf(record) !== undefined);
  for (const one of relayed) {
    const { startedAt = '' } = one.record;
    if (startedAt >= (newest.get(keyOf(one)) ?? '')) {
      newest.set(keyOf(one), startedAt);
    }
  }
  return living.filter((one) => {
    const host = hostPidOf(one.record);
    return host === undefined || (running.has(host) && one.record.startedAt === newest.get(keyOf(one)));
  });
}
