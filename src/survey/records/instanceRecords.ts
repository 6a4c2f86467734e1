import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, reasonOf } from '../../base/errors.ts';
import { t } from '../../base/language/translate.ts';
import { clearDeadRecords } from '../../lock/clearDeadRecords.ts';
import { type InstanceRecord, listInstanceIds, type RecordReading, readInstanceRecord } from '../../lock/instanceRecord.ts';
import { type Liveness, livenessOf } from '../../lock/liveness.ts';
import { findLockDirectory, type LockDirectory } from '../../lock/lockDirectory.ts';
import { type Holder, lockHolders } from '../../lock/lockHolders.ts';
import type { ProcessStarts } from '../../lock/processStarts.ts';
import type { Problem } from '../../model/problem.ts';
import type { ProcessRow } from '../../model/process.ts';

/** A record whose process is not proven to have ended. */
export interface LivingRecord {
  readonly record: InstanceRecord;
  readonly liveness: Liveness;
}

/** The folder of the records may not be used. */
export interface RecordsRefused {
  readonly reason: string;
  readonly problem: Problem;
}

export interface RecordsReading {
  readonly living: readonly LivingRecord[];
  /** Why no record is read, as `stateRefusal` says it where the reason is the same; undefined when they are. */
  readonly refused: RecordsRefused | undefined;
  readonly problems: readonly Problem[];
}

interface Known {
  readonly signature: string;
  readonly reading: RecordReading;
}

/** At most this many problems of one kind are listed. */
const mostProblems = 8;
/** Holders are read again after this long: it means reading every open file of every process. */
const holdersMs = 10_000;

/**
 * The records that servers publish. Reads new and changed ones and remembers dead ones, so that ten thousand dead records are read once. Records are checked
 * against the process list. Writes nothing, except that `clear` deletes dead records.
 */
export class InstanceRecords {
  readonly #base: string;
  readonly #known = new Map<string, Known>();
  /** Ids of dead records: they are never written again, and no id is used twice. */
  readonly #dead = new Set<string>();
  readonly #holders = new Map<string, { readonly at: number; readonly holders: readonly Holder[] }>();
  #directory: LockDirectory | undefined;
  #refused: string | undefined;

  /** @param base of the protocol (`protocolBase`) */
  constructor(base: string) {
    this.#base = base;
  }

  /** The folder whose changes make another scan necessary. */
  get folder(): string {
    return join(this.#base, 'instances');
  }

  /**
   * Reads what changed. Call it before the processes are listed: a process that starts in between must not look dead. Never throws.
   */
  read(): void {
    try {
      const found = findLockDirectory(this.#base);
      this.#refused = found && 'refused' in found ? found.refused : undefined;
      this.#directory = found && 'directory' in found ? found.directory : undefined;
      const ids = new Set(this.#directory ? listInstanceIds(this.#directory) : []);
      for (const set of [this.#known, this.#dead]) {
        for (const id of set.keys()) {
          if (!ids.has(id)) {
            set.delete(id);
          }
        }
      }
      for (const id of ids) {
        this.#readOne(id);
      }
    } catch (error) {
      this.#refused = t('{0} cannot be read ({1})', this.folder, errorCode(error) ?? reasonOf(error));
    }
  }

  /** The records, checked against a list of processes that was made after `read`. */
  async judge(rows: readonly ProcessRow[]): Promise<RecordsReading> {
    const byPid = new Map(rows.map((row) => [row.pid, row]));
    const here = rows[0]?.identity;
    const starts: ProcessStarts = {
      boot: here?.bootId ?? '-',
      pidns: here?.pidNamespace ?? '-',
      startOf: async (pid) => byPid.get(pid)?.identity.start,
    };
    const living: LivingRecord[] = [];
    const unreadable: Problem[] = [];
    const external: Problem[] = [];
    for (const [id, { reading }] of this.#known) {
      if (reading.status === 'newer' || reading.status === 'unreadable') {
        unreadable.push(unreadableProblem(this.#file(id), reading));
      } else if (reading.status === 'ok') {
        const { record } = reading;
        const liveness = await livenessOf(record, starts);
        if (liveness.life === 'dead') {
          this.#known.delete(id);
          this.#dead.add(id);
        } else if (ofAnotherUser(record, byPid, this.#directory?.uid)) {
          const pid = record.server?.pid ?? record.guard?.pid;
          external.push({
            source: 'lock',
            ...(pid === undefined ? {} : { pid }),
            message: t('This record names a process of another user (PID {0}): it is ignored, and that process is left alone', pid ?? '?'),
            file: this.#file(id),
          });
        } else {
          living.push({ record, liveness });
        }
      }
    }
    const reason = this.#refused;
    const refused: RecordsRefused | undefined =
      reason === undefined
        ? undefined
        : { reason, problem: { source: 'lock', message: t('Records of servers are not read: {0}', reason), file: this.#base } };
    return { living, refused, problems: [...bounded(unreadable), ...bounded(external)] };
  }

  /** The processes that hold the kernel lock of a key, read at most ten seconds ago; undefined where the system does not tell. */
  holdersOf(key: string): readonly Holder[] | undefined {
    if (!this.#directory || !/^[0-9a-f]{32}$/.test(key)) {
      return undefined;
    }
    const known = this.#holders.get(key);
    const now = performance.now();
    if (known && now - known.at < holdersMs) {
      return known.holders;
    }
    const holders = lockHolders(join(this.#directory.locks, `${key}.lock`));
    if (holders) {
      this.#holders.set(key, { at: now, holders });
    }
    return holders;
  }

  /** Deletes a few dead records, each proven dead under its own lock. @throws when the folder cannot be listed */
  async clear(starts: ProcessStarts): Promise<void> {
    if (this.#directory && this.#dead.size > 0) {
      await clearDeadRecords(this.#directory, starts);
    }
  }

  #readOne(id: string): void {
    if (!this.#directory || this.#dead.has(id)) {
      return;
    }
    const signature = signatureOf(this.#file(id));
    if (signature === undefined) {
      this.#known.delete(id);
    } else if (this.#known.get(id)?.signature !== signature) {
      this.#known.set(id, { signature, reading: readInstanceRecord(this.#directory, id) });
    }
  }

  #file(id: string): string {
    return join(this.folder, `${id}.json`);
  }
}

/** Records are replaced by rename: another file is another content. */
function signatureOf(file: string): string | undefined {
  try {
    const { ino, size, mtimeMs, ctimeMs, mode } = lstatSync(file);
    return [ino, size, mtimeMs, ctimeMs, mode].join();
  } catch {
    return undefined;
  }
}

/** A record is written by the user of its process. One that names a process of another user is not genuine. */
function ofAnotherUser(record: InstanceRecord, byPid: ReadonlyMap<number, ProcessRow>, uid: number | undefined): boolean {
  return [record.server, record.guard].some((mark) => {
    const row = mark && byPid.get(mark.pid);
    return row !== undefined && uid !== undefined && row.uid !== undefined && row.uid !== uid && row.identity.start === mark?.start;
  });
}

function unreadableProblem(file: string, reading: Exclude<RecordReading, { status: 'ok' | 'absent' }>): Problem {
  const message =
    reading.status === 'newer'
      ? t('This record was written by a later version of the lock protocol and is ignored. A newer MCP Shepherd can read it')
      : t('This record is ignored ({0}). Delete the file when its server no longer runs', reading.reason);
  return { source: 'lock', message, file };
}

function bounded(problems: readonly Problem[]): Problem[] {
  const [first] = problems;
  const more = problems.length - mostProblems;
  return first === undefined || more <= 0
    ? [...problems]
    : [...problems.slice(0, mostProblems), { source: 'lock', message: t('and {0} more records that cannot be used', more) }];
}
