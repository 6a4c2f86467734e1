import { judgeLockConflicts } from '../diagnosis/lockConflicts.ts';
import type { InstanceRecord } from '../lock/instanceRecord.ts';
import { createWitness } from '../lock/witness.ts';
import type { ProcessTree } from '../process/processTree.ts';
import type { Finding } from '../types/finding.ts';
import type { Problem } from '../types/problem.ts';
import type { ProcessRow, ProcessTable } from '../types/process.ts';
import type { Redactor } from '../types/redaction.ts';
import type { Instance, OtherHolder } from '../types/snapshot.ts';
import type { Attributed } from './attribution.ts';
import type { WatchTarget } from './fileWatch.ts';
import { InstanceRecords, type LivingRecord } from './instanceRecords.ts';
import { serverTree } from './instances.ts';
import { lockClaims } from './lockClaims.ts';
import { joinRecords, recordSummary, recordsOf } from './recordJoin.ts';
import { protocolFolder } from './stateFolder.ts';

/** What the folder of the lock protocol says at one moment, joined with the servers that run. */
export interface LockLook {
  readonly problems: readonly Problem[];
  /** Guards whose server does not run: they answer every call with the reason. */
  serverless(redactor: Redactor): readonly Problem[];
  /** What one server, or its guard, has published, the guard's first. */
  recordsOf(server: Attributed): readonly InstanceRecord[];
  others(redactor: Redactor): readonly OtherHolder[];
  /** By instance id. @param now epoch ms */
  conflicts(instances: readonly Instance[], redactor: Redactor, now: number): ReadonlyMap<string, Finding>;
}

/** More of them tell nobody anything. */
const mostOthers = 50;

/** Living processes that a record names and that are no server we know. */
function othersOf(
  living: readonly LivingRecord[],
  joined: ReadonlyMap<string, readonly LivingRecord[]>,
  rows: readonly ProcessRow[],
  redactor: Redactor,
): OtherHolder[] {
  const known = new Set([...joined.values()].flat());
  return living
    .filter((one) => !known.has(one) && one.liveness.server === 'alive')
    .slice(0, mostOthers)
    .flatMap(({ record }) => {
      const row = rows.find(({ pid }) => pid === record.server?.pid);
      return row ? [{ pid: row.pid, program: redactor.text(row.name), record: recordSummary(record, redactor) }] : [];
    });
}

/** A guard that has no server belongs to no instance, so that what it says would stand nowhere. */
function serverless(living: readonly LivingRecord[], redactor: Redactor): Problem[] {
  return living
    .filter(({ record, liveness }) => liveness.life === 'alive' && record.guard !== undefined && liveness.server !== 'alive')
    .slice(0, mostOthers)
    .flatMap(({ record }) => {
      const { serverId, guardPid, problem, refused } = recordSummary(record, redactor);
      const told = refused ? ` Calls refused: ${refused.calls}.` : '';
      return problem === undefined
        ? []
        : [
            {
              source: 'lock',
              message: `${serverId} does not run behind its guard (PID ${guardPid}): ${problem}. It is tried again.${told}`,
            },
          ];
    });
}

/** The folder of the lock protocol as one observer sees it. */
export class LockFacts {
  readonly #records: InstanceRecords;

  constructor(runDir: string) {
    this.#records = new InstanceRecords(protocolFolder(runDir));
  }

  /** To be called before the processes are listed: one that starts between the two must not look dead. Never throws. */
  read(): void {
    this.#records.read();
  }

  async look(processes: ProcessTree, servers: readonly Attributed[]): Promise<LockLook> {
    const { living, problems } = await this.#records.judge(processes.rows);
    const joined = joinRecords(
      living,
      servers.map((one) => ({ ...one, tree: serverTree(one, processes).pids })),
    );
    return {
      problems,
      serverless: (redactor) => serverless(living, redactor),
      others: (redactor) => othersOf(living, joined, processes.rows, redactor),
      recordsOf: (server) => recordsOf(joined, server),
      conflicts: (instances, redactor, now) => {
        const claims = lockClaims(living, joined, instances, processes.rows, redactor);
        return judgeLockConflicts(claims, (key) => this.#records.holdersOf(key), now);
      },
    };
  }

  watched(): WatchTarget {
    return { path: this.#records.folder, kind: 'directory' };
  }

  /** Clears a little away. @throws on I/O errors */
  async tidy(table: ProcessTable): Promise<void> {
    await this.#records.clear(await createWitness(table));
  }
}
