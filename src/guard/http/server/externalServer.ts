import { errorName } from '../../../base/errors.ts';
import { identityKey, type ProcessRow, type ProcessTable } from '../../../model/process.ts';
import { createListenerTable } from '../../../process/createListenerTable.ts';
import type { ListenerTable } from '../../../process/listenerTable.ts';
import { isReached, loopbackAddresses, topmostHolder } from '../../../process/portHolder.ts';
import { processTree } from '../../../process/tree/processTree.ts';
import type { ServerCode } from '../../stale/serverCode.ts';

/** The process that listens behind `--upstream`, as it was found. */
export interface ExternalProcess {
  readonly row: ProcessRow;
  readonly code: ServerCode;
}

export interface ForeignServerParts {
  /** Where it listens; on this machine. */
  readonly url: URL;
  readonly table: ProcessTable;
  readonly listeners?: ListenerTable;
  /** Whether the process that answered at the last look must be the one that answers now, by the connections to it. */
  readonly connections: () => { readonly open: number; readonly disturbances: number };
  /** Reads the code of a process that was not there before. */
  readonly read: (row: ProcessRow) => Promise<ServerCode>;
  /** Another process listens there now, or nobody that can be seen: then `why` says why. */
  readonly changed: (sighting: ExternalProcess | undefined, why: string) => void;
}

/** How often somebody looks whether the server was replaced, ms: what is installed right after its start is compared with what was there before. */
const watchMs = { proc: 1_000, others: 15_000 };

/** A server that somebody else starts, ends and starts again: who it is, is found by who listens at its address. Nothing is asked of it. */
export class ExternalServer {
  readonly #parts: ForeignServerParts;
  readonly #listeners: ListenerTable;
  readonly #timer: NodeJS.Timeout;
  #sighting: ExternalProcess | undefined;
  /** Why nobody is known; told once. */
  #why: string | undefined;
  #disturbances = -1;
  #looking: Promise<void> | undefined;

  constructor(parts: ForeignServerParts) {
    this.#parts = parts;
    this.#listeners = parts.listeners ?? createListenerTable();
    this.#timer = setInterval(() => void this.settled(), parts.table.source === 'proc' ? watchMs.proc : watchMs.others);
    this.#timer.unref();
  }

  get sighting(): ExternalProcess | undefined {
    return this.#sighting;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Looks again if the process that was found may have been replaced. Never throws. */
  async settled(): Promise<void> {
    const { open, disturbances } = this.#parts.connections();
    const known = this.#sighting;
    if (
      known &&
      disturbances === this.#disturbances &&
      (open > 0 || (await this.#parts.table.isAlive(known.row.identity).catch(() => false)))
    ) {
      return;
    }
    await this.look();
  }

  /** Looks who listens now; all who ask meanwhile share the look. Never throws. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch((error: unknown) => this.#set(undefined, `who listens there cannot be looked up (${errorName(error)})`))
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { url, table, connections, read } = this.#parts;
    const { disturbances } = connections();
    const holder = await this.#holder(url, table);
    if (typeof holder === 'string') {
      this.#set(undefined, holder);
    } else if (!this.#sighting || identityKey(this.#sighting.row.identity) !== identityKey(holder.identity)) {
      this.#set({ row: holder, code: await read(holder) }, '');
    }
    this.#disturbances = disturbances;
  }

  /** @returns the process, or why it is not known */
  async #holder(url: URL, table: ProcessTable): Promise<ProcessRow | string> {
    const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
    const addresses = loopbackAddresses(url.hostname) ?? [];
    const seen = (await this.#listeners.read(new Set([port])))?.listeners;
    if (!seen) {
      return 'this system does not say who listens';
    }
    const near = seen.filter((one) => one.port === port && isReached(addresses, one.address));
    // Whoever has the address itself gets the connections, not whoever has all addresses.
    const exact = near.filter(({ address }) => addresses.includes(address));
    const listeners = exact.length > 0 ? exact : near;
    if (listeners.length === 0) {
      return `nobody listens on port ${port}`;
    }
    const tree = processTree(await table.list());
    const rows = new Set(listeners.map((listener) => topmostHolder(listener, tree)));
    const [row] = rows;
    if (!row || rows.size > 1) {
      return rows.size > 1 ? `several processes listen on port ${port}` : `the process that listens on port ${port} is out of sight`;
    }
    return row;
  }

  #set(sighting: ExternalProcess | undefined, why: string): void {
    const before = this.#sighting;
    this.#sighting = sighting;
    if (sighting || before || why !== this.#why) {
      this.#parts.changed(sighting, why);
    }
    this.#why = why;
  }
}
