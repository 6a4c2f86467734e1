import type { ProcessRow, ProcessTable } from '../../model/process.ts';

/** Which processes make a scan necessary. */
export interface Interest {
  /** Servers with their trees, and clients: their end changes the snapshot. */
  readonly pids: ReadonlySet<number>;
  /** Whether a new process may be a server, a launcher of one, or a client. */
  readonly concerns: (row: ProcessRow) => boolean;
}

/** A program may replace itself (exec, a title) shortly after its start: until this age a new process is read again. */
const youngMs = 5_000;

/**
 * Decides from the list of PIDs whether a scan is necessary: only new processes are read, and of those that ended only the known ones count. On a busy machine
 * hundreds of other processes start and end each second.
 */
export class PidWatch {
  readonly #table: ProcessTable;
  #known: Set<number> = new Set();
  #young: Set<number> = new Set();
  #interest: Interest | undefined;

  constructor(table: ProcessTable) {
    this.#table = table;
  }

  /** Takes over the result of a scan. @param now epoch ms */
  seen(rows: readonly ProcessRow[], interest: Interest, now: number): void {
    this.#known = new Set(rows.map((row) => row.pid));
    this.#young = new Set(rows.filter((row) => now - row.startedAt < youngMs && !interest.pids.has(row.pid)).map((row) => row.pid));
    this.#interest = interest;
  }

  /** Whether a process that matters started or ended since the last scan. @param now epoch ms @throws when the system gives no list of PIDs */
  async changed(now: number): Promise<boolean> {
    const pids = await this.#table.pids();
    const interest = this.#interest;
    if (!interest || !this.#table.rowsOf) {
      return pids.length !== this.#known.size || pids.some((pid) => !this.#known.has(pid));
    }
    const here = new Set(pids);
    for (const pid of this.#known) {
      if (!here.has(pid)) {
        if (interest.pids.has(pid)) {
          return true;
        }
        this.#known.delete(pid);
        this.#young.delete(pid);
      }
    }
    for (const pid of here) {
      if (!this.#known.has(pid)) {
        this.#known.add(pid);
        this.#young.add(pid);
      }
    }
    if (this.#young.size === 0) {
      return false;
    }
    for (const row of await this.#table.rowsOf([...this.#young])) {
      if (interest.concerns(row)) {
        return true;
      }
      if (now - row.startedAt >= youngMs) {
        this.#young.delete(row.pid);
      }
    }
    return false;
  }
}
