import type { ProcessRow, ProcessTable } from '../../model/process.ts';

/** What makes a process worth a whole survey. */
export interface Interest {
  /** Somebody whose end changes what is shown: servers with their trees, and clients. */
  readonly pids: ReadonlySet<number>;
  /** Whether a new process may be a server, a launcher of one, or a client. */
  readonly concerns: (row: ProcessRow) => boolean;
}

/** A program replaces itself (exec, a title) in its first moments: until this age a new process is looked at again. */
const youngMs = 5_000;

/**
 * Tells from the PIDs alone whether a survey is worth while: of the processes that came since the last one only the new ones are read, and of those that
 * went only the known ones count. On a busy machine hundreds come and go each second and concern nobody.
 */
export class PidWatch {
  readonly #table: ProcessTable;
  #known: Set<number> = new Set();
  #young: Set<number> = new Set();
  #interest: Interest | undefined;

  constructor(table: ProcessTable) {
    this.#table = table;
  }

  /** After a survey: what it has seen. @param now epoch ms */
  seen(rows: readonly ProcessRow[], interest: Interest, now: number): void {
    this.#known = new Set(rows.map((row) => row.pid));
    this.#young = new Set(rows.filter((row) => now - row.startedAt < youngMs && !interest.pids.has(row.pid)).map((row) => row.pid));
    this.#interest = interest;
  }

  /** Whether anything came or went that concerns us. @param now epoch ms @throws when the system gives no list of PIDs */
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
