import type { InstanceRecord } from '../../../src/lock/instanceRecord.ts';
import type { ProcessStarts } from '../../../src/lock/processStarts.ts';

export const someId = '0123456789abcdef0123456789abcdef';

/** A record that is right in every field. */
export function someRecord(changes: Partial<InstanceRecord> = {}): InstanceRecord {
  return {
    ilp: 1,
    minReader: 1,
    id: someId,
    seq: 1,
    state: 'running',
    host: { boot: 'boot-1', pidns: '4026531836' },
    server: { pid: 4242, start: 'lx:1000' },
    serverId: 'memory',
    locks: [{ key: 'f'.repeat(32), kind: 'path', resource: '/data', dev: '66305', ino: '12' }],
    exclusion: 'flock',
    package: { ecosystem: 'pypi', name: 'memory', version: '1.0.0' },
    ...changes,
  };
}

/** A system with exactly these processes. */
export function someWitness(starts: Readonly<Record<number, string>>, boot = 'boot-1', pidns = '4026531836'): ProcessStarts {
  return { boot, pidns, startOf: async (pid) => starts[pid] };
}
