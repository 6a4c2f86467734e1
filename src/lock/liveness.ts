import type { InstanceRecord } from './instanceRecord.ts';
import type { ProcessStarts } from './processStarts.ts';

/** `unknown` counts as alive where something would be taken away, and as untouchable where something would be signalled. */
export type Life = 'alive' | 'dead' | 'unknown';

export interface Liveness {
  /** Of the instance as a whole: alive while its guard or its server is. */
  readonly life: Life;
  readonly guard: Life | 'none';
  readonly server: Life | 'none';
  /** Why it is unknown. */
  readonly reason?: string;
}

/**
 * Whether an instance lives, by the identities in its record: PID and start together, on this boot, in this PID namespace. Compared by equality alone,
 * never by age; no clock is asked.
 */
export async function livenessOf(record: InstanceRecord, witness: ProcessStarts): Promise<Liveness> {
  if (witness.boot === '-' || record.host.boot === '-') {
    return unknown(record, 'the boot is not known');
  }
  if (record.host.boot !== witness.boot) {
    // Nothing outlives the kernel it ran on.
    return { life: 'dead', guard: record.guard ? 'dead' : 'none', server: record.server ? 'dead' : 'none' };
  }
  if (record.host.pidns !== witness.pidns) {
    return unknown(record, 'it runs in another PID namespace, where PIDs mean something else');
  }
  const guard = await lifeOf(record.guard, witness);
  const server = await lifeOf(record.server, witness);
  const all = [guard, server];
  const life = all.includes('alive') ? 'alive' : all.includes('unknown') || !all.includes('dead') ? 'unknown' : 'dead';
  const group = record.server?.pgid;
  if (life === 'dead' && group !== undefined && (await witness.groupRuns?.(group))) {
    // Launchers end first: what they started may still work on the same files.
    return { life: 'unknown', guard, server, reason: `its server is gone, and processes of its group ${group} still run` };
  }
  return { life, guard, server, ...(life === 'unknown' ? { reason: 'its record names no process with its start' } : {}) };
}

async function lifeOf(mark: InstanceRecord['guard'], witness: ProcessStarts): Promise<Life | 'none'> {
  if (!mark) {
    return 'none';
  }
  const start = await witness.startOf(mark.pid);
  if (start === undefined) {
    return 'dead';
  }
  // Counts of another system cannot be compared, and `?` with nothing.
  return mark.start === start ? 'alive' : mark.start.split(':')[0] === start.split(':')[0] ? 'dead' : 'unknown';
}

function unknown(record: InstanceRecord, reason: string): Liveness {
  return { life: 'unknown', guard: record.guard ? 'unknown' : 'none', server: record.server ? 'unknown' : 'none', reason };
}
