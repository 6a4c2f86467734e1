import { errorName } from '../../../base/errors.ts';
import { identityKey, type ListenerTable, type ProcessRow, type ProcessTable } from '../../../model/process.ts';
import { createListenerTable } from '../../../process/createListenerTable.ts';
import { isReached, loopbackAddresses, topmostHolder } from '../../../process/portHolder.ts';
import { processTree } from '../../../process/tree/processTree.ts';
import type { ServerCode } from '../../stale/serverCode.ts';

/** The process that listens at the address of `--upstream`. */
export interface ExternalProcess {
  readonly row: ProcessRow;
  readonly code: ServerCode;
}

interface ExternalServerParts {
  /** A loopback address. */
  readonly url: URL;
  readonly table: ProcessTable;
  readonly listeners?: ListenerTable;
  /** Connections to it: while one stays open, the same process answers. */
  readonly connections: () => { readonly open: number; readonly disturbances: number };
  /** Reads the code of a process that was not known before. */
  readonly read: (row: ProcessRow) => Promise<ServerCode>;
  /** Another process listens there now, or none is known; `why` says why. */
  readonly changed: (process: ExternalProcess | undefined, why: string) => void;
}

/** Between checks whether the server was replaced, ms. The sooner a new process is found, the more certain it is which code it loaded. */
const watchMs = { proc: 1_000, others: 15_000 };

/** A server that the guard did not start. Its process is found by who listens at its address; nothing is sent to it. */
export class ExternalServer {
  readonly #parts: ExternalServerParts;
  readonly #listeners: ListenerTable;
  readonly #timer: NodeJS.Timeout;
  #process: ExternalProcess | undefined;
  /** Why no process is known; logged once. */
  #why: string | undefined;
  #disturbances = -1;
  #reading: Promise<void> | undefined;

  constructor(parts: ExternalServerParts) {
    this.#parts = parts;
    this.#listeners = parts.listeners ?? createListenerTable();
    this.#timer = setInterval(() => void this.settled(), parts.table.source === 'proc' ? watchMs.proc : watchMs.others);
    this.#timer.unref();
  }

  get process(): ExternalProcess | undefined {
    return this.#process;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Reads again when the process may have been replaced. Never throws. */
  async settled(): Promise<void> {
    const { open, disturbances } = this.#parts.connections();
    const known = this.#process;
    if (
      known &&
      disturbances === this.#disturbances &&
      (open > 0 || (await this.#parts.table.isAlive(known.row.identity).catch(() => false)))
    ) {
      return;
    }
    await this.read();
  }

  /** Reads which process listens now. Concurrent calls share one reading. Never throws. */
  read(): Promise<void> {
    this.#reading ??= this.#readOnce()
      .catch((error: unknown) => this.#set(undefined, `the listening process cannot be determined (${errorName(error)})`))
      .finally(() => {
        this.#reading = undefined;
      });
    return this.#reading;
  }

  async #readOnce(): Promise<void> {
    const { url, table, connections, read: readCode } = this.#parts;
    const { disturbances } = connections();
    const holder = await this.#holder(url, table);
    if (typeof holder === 'string') {
      this.#set(undefined, holder);
    } else if (!this.#process || identityKey(this.#process.row.identity) !== identityKey(holder.identity)) {
      this.#set({ row: holder, code: await readCode(holder) }, '');
    }
    this.#disturbances = disturbances;
  }

  /** @returns the listening process, or why it is not known */
  async #holder(url: URL, table: ProcessTable): Promise<ProcessRow | string> {
    const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
    const addresses = loopbackAddresses(url.hostname) ?? [];
    const seen = (await this.#listeners.read(new Set([port])))?.listeners;
    if (!seen) {
      return 'this system does not show which process listens';
    }
    const near = seen.filter((one) => one.port === port && isReached(addresses, one.address));
    // A process that listens on this very address gets the connections, not one that listens on all addresses.
    const exact = near.filter(({ address }) => addresses.includes(address));
    const listeners = exact.length > 0 ? exact : near;
    if (listeners.length === 0) {
      return `no process listens on port ${port}`;
    }
    const tree = processTree(await table.list());
    const rows = new Set(listeners.map((listener) => topmostHolder(listener, tree)));
    const [row] = rows;
    if (!row || rows.size > 1) {
      return rows.size > 1 ? `several processes listen on port ${port}` : `the process that listens on port ${port} is not visible`;
    }
    return row;
  }

  #set(process: ExternalProcess | undefined, why: string): void {
    const before = this.#process;
    this.#process = process;
    if (process || before || why !== this.#why) {
      this.#parts.changed(process, why);
    }
    this.#why = why;
  }
}
