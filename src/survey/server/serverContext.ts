import type { RunningServer } from '../../diagnosis/evidence.ts';
import type { FindingAction } from '../../model/finding.ts';
import type { ProcessDetail, ProcessRow } from '../../model/process.ts';
import type { ClientInstance } from '../../model/snapshot.ts';
import type { LoadedPackage } from './closures.ts';
import type { RecordedVersions } from './recordedVersions.ts';

/** One running server in one scan: what every verdict on its code starts from. */
export interface ServerContext {
  readonly row: ProcessRow;
  readonly detail: ProcessDetail;
  readonly loaded: LoadedPackage;
  /** The client that started it; undefined when that is not known. */
  readonly startedBy?: Pick<ClientInstance, 'id' | 'name'>;
  /** Versions from the record of the server, or of its guard. */
  readonly recorded?: RecordedVersions | undefined;
  /** How it is restarted. */
  readonly actions: readonly FindingAction[];
  /** Epoch ms. */
  readonly now: number;
}

/** The part that diagnosis needs. */
export function runningServer({ row, startedBy, actions, now }: ServerContext): RunningServer {
  return { now, pid: row.pid, startedAt: row.startedAt, ...(startedBy === undefined ? {} : { startedBy: startedBy.name }), actions };
}
