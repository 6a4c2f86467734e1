import type { InstanceRecord } from './instanceRecord.ts';
import type { ProcessStarts } from './processStarts.ts';

/** `unknown` instances keep their files, and their processes are not signalled. */
type Life = 'alive' | 'dead' | 'unknown';

export interface Liveness {
  /** State of the instance: alive while its guard or its server runs. */
  readonly life: Life;
  readonly guard: Life | 'none';
  readonly server: Life | 'none';
  /** Why `life` is unknown. */
  readonly reason?: string;
}

/**
 * Whether an instance lives, by the processes in its record: PID and start time, on this boot, in this PID namespace. They are compared for equality;
 * no age and no clock counts.
 */
export async function livenessOf(record: InstanceRecord, starts: ProcessStarts): Promise<Liveness> {
  if (starts.boot === '-' || record.host.boot === '-') {
    return unknown(record, 'the boot is not known');
  }
  if (record.host.boot !== starts.boot) {
    // No process survives a reboot.
    return { life: 'dead', guard: record.guard ? 'dead' : 'none', server: record.server ? 'dead' : 'none' };
  }
  if (record.host.pidns !== starts.pidns) {
    return unknown(record, 'it runs in another PID namespace, where PIDs have another meaning');
  }
  const guard = await lifeOf(record.guard, starts);
  const server = await lifeOf(record.server, starts);
  const all = [guard, server];
  const life = all.includes('alive') ? 'alive' : all.includes('unknown') || !all.includes('dead') ? 'unknown' : 'dead';
  const group = record.server?.pgid;
  if (life === 'dead' && group !== undefined && (await starts.groupRuns?.(group))) {
    // A launcher may have ended before the processes that it started, which may still use the files.
    return { life: 'unknown', guard, server, reason: `its server has ended, but processes of its group ${group} still run` };
  }
  return { life, guard, server, ...(life === 'unknown' ? { reason: 'its record names no process with its start' } : {}) };
}

async function lifeOf(mark: InstanceRecord['guard'], starts: ProcessStarts): Promise<Life | 'none'> {
  if (!mark) {
    return 'none';
  }
  const start = await starts.startOf(mark.pid);
  if (start === undefined) {
    return 'dead';
  }
  // Start times of another system (`ps:` and `lx:`) cannot be compared, and neither can `?`.
  return mark.start === start ? 'alive' : mark.start.split(':')[0] === start.split(':')[0] ? 'dead' : 'unknown';
}

function unknown(record: InstanceRecord, reason: string): Liveness {
  return { life: 'unknown', guard: record.guard ? 'unknown' : 'none', server: record.server ? 'unknown' : 'none', reason };
}
