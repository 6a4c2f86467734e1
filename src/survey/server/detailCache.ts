import { isDeepStrictEqual } from 'node:util';
import { keepOnly } from '../../base/keepOnly.ts';
import { identityKey, type ProcessDetail, type ProcessRow } from '../../model/process.ts';
import { processTree } from '../../process/tree/processTree.ts';

interface Entry {
  readonly detail: ProcessDetail;
  /** What it was read under: the command line, and who stood above. */
  readonly circumstances: string;
  /** Monotonic milliseconds. */
  readonly readAt: number;
}

/** What may change without a sign (a directory, a socket that a server opens) is read again after this long, with the whole survey of each minute. */
const freshMs = 55_000;

/**
 * Remembers what only the owner may read of a process, from one survey to the next: reading it costs a look at every open file and socket. It is read
 * again when the process has another command line or somebody above it has changed, and each time for those whose owner is gone: of these the
 * other end of the input decides.
 */
export class DetailCache {
  readonly #entries = new Map<string, Entry>();
  readonly #clock: () => number;
  /** Servers that nobody owned at the last survey. */
  #unowned: ReadonlySet<string> = new Set();

  /** @param clock monotonic milliseconds */
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
      // What has not changed stays the same object: what was concluded from it is still true.
      const detail = known !== undefined && isDeepStrictEqual(known.detail, read) ? known.detail : read;
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

  /** After a survey: forgets processes that are gone, and learns whose input has to be looked at each time. */
  keep(alive: ReadonlySet<string>, unowned: ReadonlySet<string>): void {
    this.#unowned = unowned;
    keepOnly(this.#entries, alive);
  }
}
