import { join } from 'node:path';
import { askInstance, type ControlAnswer } from '../../../../src/lock/control/controlClient.ts';
import { readControlSecret } from '../../../../src/lock/control/controlSecret.ts';
import { type InstanceRecord, listInstanceRecords } from '../../../../src/lock/instanceRecord.ts';
import { type LockDirectory, openLockDirectory } from '../../../../src/lock/lockDirectory.ts';

/** The protocol's folder in a run folder. */
export function lockDirectory(runDir: string): LockDirectory {
  const opened = openLockDirectory(join(runDir, 'v1'));
  if ('refused' in opened) {
    throw new Error(opened.refused);
  }
  return opened.directory;
}

/** The record of the guard with this PID, if there is one. */
export function recordOf(runDir: string, pid: number): InstanceRecord | undefined {
  for (const reading of listInstanceRecords(lockDirectory(runDir))) {
    if (reading.status === 'ok' && reading.record.guard?.pid === pid) {
      return reading.record;
    }
  }
  return undefined;
}

/** What `POST /shutdown` of a guard wants. */
export function tokenOf(runDir: string, pid: number): string {
  const record = recordOf(runDir, pid);
  const secret = readControlSecret(lockDirectory(runDir), record?.id ?? '');
  if ('refused' in secret) {
    throw new Error(secret.refused);
  }
  return secret.secret.toString('hex');
}

/** Asks a guard to restart its server, over its control endpoint. */
export function restart(runDir: string, pid: number): Promise<ControlAnswer> {
  const record = recordOf(runDir, pid);
  if (!record) {
    throw new Error(`PID ${pid} has no record`);
  }
  return askInstance({ directory: lockDirectory(runDir), record, verb: 'restart', by: 'a test' });
}
