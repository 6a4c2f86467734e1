import { keepOnly } from '../../base/keepOnly.ts';
import { identityKey, type ProcessDetail, type ProcessRow } from '../../model/process.ts';
import { processTree } from '../../process/tree/processTree.ts';

interface Entry {
  readonly detail: ProcessDetail;
  /** Command line and ancestors when it was read. */
  readonly circumstances: string;
  /** Monotonic ms. */
  readonly readAt: number;
}

/** Details that change without an event (the directory, the sockets) are read again after this long, with the full scan of each minute. */
const freshMs = 55_000;

/**
 * Keeps the details of processes from one scan to the next: reading them takes every open file and socket. They are read again when the command line or an
 * ancestor of the process changed, and in each scan for servers without a client: there the other end of the input decides.
 */
export class DetailCache {
  readonly #entries = new Map<string, Entry>();
  readonly #clock: () => number;
  /** Servers without a client in the last scan. */
  #unowned: ReadonlySet<string> = new Set();

  /** @param clock monotonic ms */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /** A reader for one list of processes. @param readDetail asks the system */
  reader(
    rows: readonly ProcessRow[],
    readDetail: (row: ProcessRow) => Promise<ProcessDetail>,
  ): (row: ProcessRow) => Promise<ProcessDetail> {
    const tree = processTree(rows);
    const asked = new Map<string, Promise<ProcessDetail>>();
    const ask = async (row: ProcessRow, key: string): Promise<ProcessDetail> => {
      const above = tree.ancestorsOf(row).map((one) => identityKey(one.identity));
      const circumstances = [row.commandLine, ...above].join('\n');
      const known = this.#entries.get(key);
      if (
        known &&
        known.circumstances === circumstances &&
        this.#clock() - known.readAt < freshMs &&
        !this.#unowned.has(key) &&
        known.detail.missing.length === 0
      ) {
        return known.detail;
      }
      const read = await readDetail(row);
      // Unchanged details stay the same object, so that conclusions from them can be kept.
      const detail = known !== undefined && isSameDetail(known.detail, read) ? known.detail : read;
      this.#entries.set(key, { detail, circumstances, readAt: this.#clock() });
      return detail;
    };
    return (row) => {
      const key = identityKey(row.identity);
      const reading = asked.get(key) ?? ask(row, key);
      asked.set(key, reading);
      return reading;
    };
  }

  /** Ends a scan: drops processes that have ended. @param unowned servers whose details are read in each scan */
  keep(alive: ReadonlySet<string>, unowned: ReadonlySet<string>): void {
    this.#unowned = unowned;
    keepOnly(this.#entries, alive);
  }
}

/** The environment is a map, which has no text; the rest is plain data, and one reader writes its fields in one order. */
function isSameDetail({ environment: before, ...one }: ProcessDetail, { environment: now, ...other }: ProcessDetail): boolean {
  const sameEnvironment = before?.size === now?.size && [...(before ?? [])].every(([name, value]) => now?.get(name) === value);
  return sameEnvironment && JSON.stringify(one) === JSON.stringify(other);
}
