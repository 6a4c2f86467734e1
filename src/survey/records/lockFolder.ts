import { t } from '../../base/language/translate.ts';
import { quotedText } from '../../base/singleLine.ts';
import { judgeLockConflicts, type LockClaim } from '../../diagnosis/lockConflicts.ts';
import type { InstanceRecord } from '../../lock/instanceRecord.ts';
import { protocolFolder } from '../../lock/lockDirectory.ts';
import { readProcessStarts } from '../../lock/processStarts.ts';
import type { Finding } from '../../model/finding.ts';
import type { Problem } from '../../model/problem.ts';
import type { ProcessRow, ProcessTable } from '../../model/process.ts';
import type { Instance, OtherHolder, ServerRecord } from '../../model/snapshot.ts';
import type { ProcessTree } from '../../process/tree/processTree.ts';
import type { Redactor } from '../../redaction/redactor.ts';
import type { Attributed } from '../match/attributeServers.ts';
import { type SharedRelays, sharedRelays } from '../match/sharedRelays.ts';
import { serverTree } from '../server/instanceParts.ts';
import type { WatchTarget } from '../watch/fileWatch.ts';
import { InstanceRecords, type LivingRecord, type RecordsReading, type RecordsRefused } from './instanceRecords.ts';
import { joinRecords, recordSummary, recordsOf, shownResource } from './joinRecords.ts';
import { ofPresentHosts } from './relayHosts.ts';

/** The locks that the records of running processes claim, with the servers that they belong to. */
function lockClaims(
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
    // The process that still runs: a guard may have ended before its server.
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
        name: instance ? redactor.text(instance.name) : quotedText(redactor.text(record.serverId)),
        tree: instance?.tree ?? [pid, ...(record.guard ? [record.guard.pid] : [])],
        ...(started === undefined ? {} : { startedAt: started }),
        state: record.state,
        exclusion: record.exclusion,
        certain: liveness.life === 'alive',
        locks: record.locks.map(({ key, resource, dev, ino }) => ({ key, resource: shownResource(resource, redactor), dev, ino })),
      },
    ];
  });
}

/** The records of guards that have not started their server (`--start lazy`). */
function resting(living: readonly LivingRecord[], redactor: Redactor): ServerRecord[] {
  return living
    .filter(({ record, liveness }) => liveness.life === 'alive' && record.guard !== undefined && liveness.server !== 'alive')
    .map(({ record }) => recordSummary(record, redactor))
    .filter(({ start }) => start?.state === 'not-started' || start?.state === 'asleep');
}

/** The folder of the lock protocol in one scan, joined with the running servers. */
export interface LockFolderState {
  /** Set when no record is read. */
  readonly refused: RecordsRefused | undefined;
  readonly problems: readonly Problem[];
  /** Guards whose server does not run. */
  serverless(redactor: Redactor): readonly Problem[];
  /** The records of guards that have not started their server. */
  resting(redactor: Redactor): readonly ServerRecord[];
  /** The records of one server, the guard's first. */
  recordsOf(server: Attributed): readonly InstanceRecord[];
  /** Running programs with a record that are no known MCP servers. */
  others(redactor: Redactor): readonly OtherHolder[];
  /** By instance id. @param now epoch ms */
  conflicts(instances: readonly Instance[], redactor: Redactor, now: number): ReadonlyMap<string, Finding>;
}

/** At most this many are listed. */
const mostOthers = 50;

/** Running processes that a record names and that are no known servers. */
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

/** A guard without a server belongs to no instance, so its mark becomes a problem. */
function serverless(living: readonly LivingRecord[], redactor: Redactor): Problem[] {
  return living
    .filter(({ record, liveness }) => liveness.life === 'alive' && record.guard !== undefined && liveness.server !== 'alive')
    .slice(0, mostOthers)
    .flatMap(({ record }) => {
      const { serverId, guardPid, problem, refused } = recordSummary(record, redactor);
      return problem === undefined
        ? []
        : [
            {
              source: 'lock',
              ...(guardPid === undefined ? {} : { pid: guardPid }),
              message: [
                t(
                  '{0} does not run behind its guard (PID {1}): {2}. The guard tries again.',
                  quotedText(serverId),
                  guardPid ?? '?',
                  problem,
                ),
                ...(refused ? [t('Calls refused: {0}.', refused.calls)] : []),
              ].join(' '),
            },
          ];
    });
}

/** The folder of the lock protocol. */
export class LockFolder {
  readonly #records: InstanceRecords;
  #judged: { readonly rows: ProcessTree['rows']; readonly reading: RecordsReading } | undefined;

  constructor(runDir: string) {
    this.#records = new InstanceRecords(protocolFolder(runDir));
  }

  /** Reads the records. Call it before the processes are listed: a process that starts in between must not look dead. Never throws. */
  read(): void {
    this.#judged = undefined;
    this.#records.read();
  }

  async #judge({ rows }: ProcessTree): Promise<RecordsReading> {
    if (this.#judged?.rows !== rows) {
      const reading = await this.#records.judge(rows);
      this.#judged = { rows, reading: { ...reading, living: ofPresentHosts(reading.living, rows) } };
    }
    return this.#judged.reading;
  }

  /** The relays of servers that several clients share. */
  async relays(processes: ProcessTree): Promise<SharedRelays> {
    return sharedRelays((await this.#judge(processes)).living, processes);
  }

  /** Joins the records with the servers. */
  async join(processes: ProcessTree, servers: readonly Attributed[]): Promise<LockFolderState> {
    const { living, refused, problems } = await this.#judge(processes);
    const joined = joinRecords(
      living,
      servers.map((one) => ({ ...one, tree: serverTree(one, processes).pids })),
    );
    return {
      refused,
      problems,
      serverless: (redactor) => serverless(living, redactor),
      resting: (redactor) => resting(living, redactor),
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

  /** Deletes a few dead records. @throws on I/O errors */
  async tidy(table: ProcessTable): Promise<void> {
    await this.#records.clear(await readProcessStarts(table));
  }
}
