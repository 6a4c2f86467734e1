import { errorCode, reasonOf } from '../base/errors.ts';
import { because } from '../base/language/because.ts';
import { identityKey, type ProcessIdentity, type ProcessRow, type ProcessTable } from '../model/process.ts';
import { processTree } from './tree/processTree.ts';

/** The system functions that ending a tree needs. */
interface Terminator {
  readonly table: ProcessTable;
  /** kill(2). @throws like `process.kill` */
  signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void;
  wait(ms: number): Promise<void>;
  /** Monotonic milliseconds. */
  clock(): number;
}

/** The functions of the real system. */
export function systemTerminator(table: ProcessTable): Terminator {
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
  /** PIDs of its launchers (npm exec, sh …), which end with it. */
  readonly launchers: readonly number[];
  /** Why the next signals must not be sent, judged by the process list that they are based on; undefined = they may be sent. */
  readonly objection: (rows: readonly ProcessRow[], top: ProcessRow) => string | undefined;
  /** Time for the server to end after SIGTERM, ms. Default 3 s. */
  readonly politeMs?: number;
  /** Time to wait after SIGKILL, ms. Default 3 s. */
  readonly hardMs?: number;
}

/** How one process ended. */
export interface EndedProcess {
  readonly pid: number;
  readonly how: 'SIGTERM' | 'SIGKILL' | 'by itself';
}

/** `ofOtherUsers`: PIDs below the server that belong to another user. They were not signalled, and still ran at the end. */
export type EndReport =
  | { readonly status: 'ended'; readonly processes: readonly EndedProcess[]; readonly ofOtherUsers?: readonly number[] }
  /** The server had ended before any signal. */
  | { readonly status: 'gone' }
  /** No signal was sent, or no further one. */
  | { readonly status: 'refused'; readonly reason: string; readonly processes: readonly EndedProcess[] }
  /** These still run after SIGKILL, or may not be signalled. */
  | {
      readonly status: 'left';
      readonly pids: readonly number[];
      readonly reason: string;
      readonly processes: readonly EndedProcess[];
      readonly ofOtherUsers?: readonly number[];
    };

const listEveryMs = 50;
/** Launchers and helpers usually end by themselves within this time after the server. */
const followMs = 1_000;

/**
 * Ends one server with its launchers and everything below them: SIGTERM to the server alone, then SIGTERM to the rest, youngest first, then SIGKILL. Before each
 * round the processes are listed again and `objection` is called; before each signal the identity of that process is checked. Never signals PID 1, this process,
 * its ancestors, or processes of other users.
 */
export async function terminateTree(request: EndRequest, system: Terminator): Promise<EndReport> {
  const tree = new ServerTree(request, system);
  const report = await tree.list();
  if (report !== undefined) {
    return report;
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

class ServerTree {
  readonly #request: EndRequest;
  readonly #system: Terminator;
  /** By identity key. A process stays in the set even when its parent ends first. */
  readonly #members = new Map<string, ProcessRow>();
  readonly #sent = new Map<string, 'SIGTERM' | 'SIGKILL'>();
  readonly #serverKey: string;
  #living: readonly ProcessRow[] = [];
  /** Living members of another user: not signalled, and not waited for. */
  #ofOtherUsers: readonly ProcessRow[] = [];
  /** Why a signal failed. */
  #failure: string | undefined;

  constructor(request: EndRequest, system: Terminator) {
    this.#request = request;
    this.#system = system;
    this.#serverKey = identityKey(request.server);
  }

  /** Lists the processes and finds the members. @returns a report when no signal may be sent or none is needed */
  async list(): Promise<EndReport | undefined> {
    const rows = await this.#system.table.list();
    const tree = processTree(rows);
    const server = rows.find((row) => identityKey(row.identity) === this.#serverKey);
    if (server) {
      let top = server;
      for (let above = tree.parentOf(top); above && this.#request.launchers.includes(above.pid); above = tree.parentOf(top)) {
        top = above;
      }
      const reason = this.#request.objection(rows, top) ?? forbidden(rows, top, tree.ancestorsOf) ?? otherUsersText([top, server]);
      if (reason !== undefined) {
        return { status: 'refused', reason, processes: this.#ended() };
      }
      this.#members.set(identityKey(top.identity), top);
    } else if (this.#members.size === 0) {
      return { status: 'gone' };
    }
    // Children of members are members, also those that started while we waited.
    const known = new Set(this.#members.keys());
    const open = rows.filter((row) => known.has(identityKey(row.identity)));
    for (let row = open.pop(); row; row = open.pop()) {
      this.#members.set(identityKey(row.identity), row);
      open.push(...tree.childrenOf(row).filter((child) => !this.#members.has(identityKey(child.identity))));
    }
    const living = rows.filter((row) => this.#members.has(identityKey(row.identity)));
    this.#living = living.filter((row) => !isOfAnotherUser(row));
    this.#ofOtherUsers = living.filter(isOfAnotherUser);
    return undefined;
  }

  async signal(name: 'SIGTERM' | 'SIGKILL', serverOnly: boolean): Promise<EndReport | undefined> {
    const refused = await this.list();
    if (refused) {
      return refused.status === 'refused' ? refused : undefined;
    }
    const youngestFirst = [...this.#living].sort((a, b) => b.startedAt - a.startedAt || b.pid - a.pid);
    for (const row of youngestFirst) {
      const key = identityKey(row.identity);
      if ((serverOnly && key !== this.#serverKey) || !(await this.#system.table.isAlive(row.identity))) {
        continue;
      }
      try {
        this.#system.signal(row.pid, name);
        this.#sent.set(key, name);
      } catch (error) {
        const code = errorCode(error) ?? reasonOf(error);
        if (code !== 'ESRCH') {
          this.#failure = because`PID ${row.pid} may not be signalled (${code})`;
        }
      }
    }
    return undefined;
  }

  /** Waits until all have ended. After a signal to the server alone, at most until `followMs` after its end. @returns whether all have ended */
  async emptyWithin(ms: number, serverOnly: boolean): Promise<boolean> {
    let until = this.#system.clock() + ms;
    let serverGone = false;
    for (;;) {
      await this.list();
      if (this.#living.length === 0) {
        return true;
      }
      if (serverOnly && !serverGone && !this.#living.some((row) => identityKey(row.identity) === this.#serverKey)) {
        serverGone = true;
        until = Math.min(until, this.#system.clock() + followMs);
      }
      if (this.#system.clock() >= until) {
        return false;
      }
      await this.#system.wait(listEveryMs);
    }
  }

  report(): EndReport {
    const processes = this.#ended();
    const ofOtherUsers = this.#ofOtherUsers.length > 0 ? { ofOtherUsers: this.#ofOtherUsers.map((row) => row.pid) } : {};
    if (this.#living.length === 0) {
      return { status: 'ended', processes, ...ofOtherUsers };
    }
    const pids = this.#living.map((row) => row.pid);
    return {
      status: 'left',
      pids,
      reason: this.#failure ?? because`PID ${pids.join(', ')} still runs after SIGKILL`,
      processes,
      ...ofOtherUsers,
    };
  }

  #ended(): EndedProcess[] {
    const living = new Set([...this.#living, ...this.#ofOtherUsers].map((row) => identityKey(row.identity)));
    return [...this.#members]
      .filter(([key]) => !living.has(key))
      .map(([key, row]) => ({ pid: row.pid, how: this.#sent.get(key) ?? 'by itself' }));
  }
}

/** Why a process must never be signalled, for any requester. */
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
    return `PID ${top.pid} is this program or one of its ancestors`;
  }
  return undefined;
}

/** Root could send the signal, but the process of another user is not ours to end. */
function isOfAnotherUser(row: ProcessRow): boolean {
  const uid = process.geteuid?.();
  return uid !== undefined && row.uid !== undefined && row.uid !== uid;
}

function otherUsersText(rows: readonly ProcessRow[]): string | undefined {
  const ofOtherUsers = rows.find(isOfAnotherUser);
  return ofOtherUsers && `PID ${ofOtherUsers.pid} belongs to another user`;
}
