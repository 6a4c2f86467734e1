import { errorCode } from '../base/errors.ts';
import { identityKey, type ProcessIdentity, type ProcessRow, type ProcessTable } from '../model/process.ts';
import { processTree } from './tree/processTree.ts';

/** What ending a tree needs of the system. */
export interface EndHands {
  readonly table: ProcessTable;
  /** kill(2). @throws like `process.kill` */
  signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void;
  wait(ms: number): Promise<void>;
  /** Monotonic milliseconds. */
  clock(): number;
}

/** The real system. */
export function systemTerminator(table: ProcessTable): EndHands {
  return {
    table,
    signal: (pid, name) => void process.kill(pid, name),
    wait: (ms) => new Promise((done) => setTimeout(done, ms)),
    clock: () => performance.now(),
  };
}

interface EndRequest {
  /** The server process. */
  readonly server: ProcessIdentity;
  /** PIDs of its launchers (npm exec, sh …), which are ended with it. */
  readonly launchers: readonly number[];
  /** Looks at the same list that the next signals go by, and says why they must not be sent; undefined = they may. */
  readonly objection: (rows: readonly ProcessRow[], top: ProcessRow) => string | undefined;
  /** How long the server may take to leave after SIGTERM, ms. Default 3 s. */
  readonly politeMs?: number;
  /** How long to wait after SIGKILL, ms. Default 3 s. */
  readonly hardMs?: number;
}

/** What became of one process. */
export interface EndedProcess {
  readonly pid: number;
  readonly how: 'SIGTERM' | 'SIGKILL' | 'by itself';
}

export type EndReport =
  | { readonly status: 'ended'; readonly processes: readonly EndedProcess[] }
  /** It was gone before anything was sent. */
  | { readonly status: 'gone' }
  /** Nothing (more) was sent, and why. */
  | { readonly status: 'refused'; readonly reason: string; readonly processes: readonly EndedProcess[] }
  /** These outlived even SIGKILL, or may not be signalled. */
  | { readonly status: 'left'; readonly pids: readonly number[]; readonly reason: string; readonly processes: readonly EndedProcess[] };

const lookEveryMs = 50;
/** What the server leaves behind (launchers, helpers) notices its end by itself, as a rule. */
const followMs = 1_000;

/**
 * Ends one server with its launchers and everything below them: first the server alone is asked (SIGTERM), then what remains, youngest first, then hard
 * (SIGKILL). Before each round the processes are listed again and the objection is asked; before each signal the identity of exactly that process is
 * checked. Never signals PID 1, this process, or anything above this process.
 */
export async function endTree(request: EndRequest, hands: EndHands): Promise<EndReport> {
  const tree = new DoomedTree(request, hands);
  const began = await tree.look();
  if (began !== undefined) {
    return began;
  }
  const { politeMs = 3_000, hardMs = 3_000 } = request;
  const rounds = [
    { name: 'SIGTERM', serverOnly: true, waitMs: politeMs },
    { name: 'SIGTERM', serverOnly: false, waitMs: followMs },
    { name: 'SIGKILL', serverOnly: false, waitMs: hardMs },
  ] as const;
  for (const { name, serverOnly, waitMs } of rounds) {
    const refused = await tree.signal(name, serverOnly);
    if (refused !== undefined) {
      return refused;
    }
    if (await tree.emptyWithin(waitMs, serverOnly)) {
      return tree.report();
    }
  }
  return tree.report();
}

class DoomedTree {
  readonly #request: EndRequest;
  readonly #hands: EndHands;
  /** By the text of the identity; what was once a member stays one, also when its parent ended first. */
  readonly #members = new Map<string, ProcessRow>();
  readonly #sent = new Map<string, 'SIGTERM' | 'SIGKILL'>();
  readonly #serverKey: string;
  #living: readonly ProcessRow[] = [];
  #trouble: string | undefined;

  constructor(request: EndRequest, hands: EndHands) {
    this.#request = request;
    this.#hands = hands;
    this.#serverKey = identityKey(request.server);
  }

  /** Finds who belongs to it now. @returns a report when nothing may or need be done */
  async look(): Promise<EndReport | undefined> {
    const rows = await this.#hands.table.list();
    const tree = processTree(rows);
    const server = rows.find((row) => identityKey(row.identity) === this.#serverKey);
    if (server) {
      let top = server;
      for (let above = tree.parentOf(top); above && this.#request.launchers.includes(above.pid); above = tree.parentOf(top)) {
        top = above;
      }
      const reason = this.#request.objection(rows, top) ?? forbidden(rows, top, tree.ancestorsOf);
      if (reason !== undefined) {
        return { status: 'refused', reason, processes: this.#fates() };
      }
      this.#members.set(identityKey(top.identity), top);
    } else if (this.#members.size === 0) {
      return { status: 'gone' };
    }
    // Children of members join, also those that were started while we waited.
    const known = new Set(this.#members.keys());
    const open = rows.filter((row) => known.has(identityKey(row.identity)));
    for (let row = open.pop(); row; row = open.pop()) {
      this.#members.set(identityKey(row.identity), row);
      open.push(...tree.childrenOf(row).filter((child) => !this.#members.has(identityKey(child.identity))));
    }
    this.#living = rows.filter((row) => this.#members.has(identityKey(row.identity)));
    return undefined;
  }

  async signal(name: 'SIGTERM' | 'SIGKILL', serverOnly: boolean): Promise<EndReport | undefined> {
    const refused = await this.look();
    if (refused) {
      return refused.status === 'refused' ? refused : undefined;
    }
    const youngestFirst = [...this.#living].sort((a, b) => b.startedAt - a.startedAt || b.pid - a.pid);
    for (const row of youngestFirst) {
      const key = identityKey(row.identity);
      if ((serverOnly && key !== this.#serverKey) || !(await this.#hands.table.isAlive(row.identity))) {
        continue;
      }
      try {
        this.#hands.signal(row.pid, name);
        this.#sent.set(key, name);
      } catch (error) {
        const code = errorCode(error) ?? String(error);
        if (code !== 'ESRCH') {
          this.#trouble = `PID ${row.pid} may not be signalled (${code})`;
        }
      }
    }
    return undefined;
  }

  /** Waits for the end of all; after the server alone was asked, no longer than until it is gone and the rest had its moment. */
  async emptyWithin(ms: number, serverOnly: boolean): Promise<boolean> {
    let until = this.#hands.clock() + ms;
    let serverGone = false;
    for (;;) {
      await this.look();
      if (this.#living.length === 0) {
        return true;
      }
      if (serverOnly && !serverGone && !this.#living.some((row) => identityKey(row.identity) === this.#serverKey)) {
        serverGone = true;
        until = Math.min(until, this.#hands.clock() + followMs);
      }
      if (this.#hands.clock() >= until) {
        return false;
      }
      await this.#hands.wait(lookEveryMs);
    }
  }

  report(): EndReport {
    const processes = this.#fates();
    if (this.#living.length === 0) {
      return { status: 'ended', processes };
    }
    const pids = this.#living.map((row) => row.pid);
    return { status: 'left', pids, reason: this.#trouble ?? `PID ${pids.join(', ')} outlived SIGKILL`, processes };
  }

  #fates(): EndedProcess[] {
    const living = new Set(this.#living.map((row) => identityKey(row.identity)));
    return [...this.#members]
      .filter(([key]) => !living.has(key))
      .map(([key, row]) => ({ pid: row.pid, how: this.#sent.get(key) ?? 'by itself' }));
  }
}

/** What must never be signalled, whoever asks. */
function forbidden(
  rows: readonly ProcessRow[],
  top: ProcessRow,
  ancestorsOf: (row: ProcessRow) => readonly ProcessRow[],
): string | undefined {
  if (top.pid <= 1) {
    return `PID ${top.pid} is the system itself`;
  }
  const self = rows.find((row) => row.pid === process.pid);
  const above = self ? [self, ...ancestorsOf(self)] : [];
  if (above.some((row) => row === top)) {
    return `PID ${top.pid} is this program or runs it`;
  }
  const uid = process.geteuid?.();
  // Root could; a server of somebody else is nevertheless none of ours.
  if (uid !== undefined && top.uid !== undefined && top.uid !== uid) {
    return `PID ${top.pid} belongs to another user`;
  }
  return undefined;
}
