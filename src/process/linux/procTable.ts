import type { ProcessDetail, ProcessIdentity, ProcessRow, ProcessTable } from '../../model/process.ts';
import { MappedCode } from './mappedCode.ts';
import { ProcCache } from './procCache.ts';
import { type BootEpoch, bootEpochReader, type ProcSystem, readProcSystem } from './procClock.ts';
import { readProcDetail } from './procDetail.ts';
import { type Attempt, attempt, isOutOfResources, kernelProcFs, orNothing, type ProcFs } from './procFs.ts';
import { ProcSnapshot } from './procSnapshot.ts';
import { isRunning, type ProcStat, parseProcStat } from './procStat.ts';

interface ProcTableOptions {
  /** Mount point of the proc file system. Default `/proc`. */
  readonly root?: string;
  /** Replaced in tests only. */
  readonly fs?: ProcFs;
}

/** A stat line is below 1 kB. */
const statLimit = 4_096;
/** `detail` uses a snapshot of at most this age, ms. */
const snapshotAgeMs = 1_000;

const gone: ProcessDetail = { stdin: 'unknown', listens: 'unknown', missing: ['gone'] };

/** Linux: reads `/proc`. */
export class ProcTable implements ProcessTable {
  readonly source = 'proc';
  readonly #root: string;
  readonly #fs: ProcFs;
  readonly #system: ProcSystem;
  readonly #bootEpoch: () => BootEpoch;
  readonly #mapped: MappedCode;
  #snapshot: ProcSnapshot | undefined;
  /** Whether a PID belongs in the list; false for kernel threads and zombies. */
  #known: Map<number, boolean> = new Map();
  readonly #cache: ProcCache;

  /** Never throws; without `/proc`, `list` throws. */
  constructor(options: ProcTableOptions = {}) {
    this.#root = options.root ?? '/proc';
    this.#fs = options.fs ?? kernelProcFs;
    this.#cache = new ProcCache(this.#fs, this.#root);
    this.#mapped = new MappedCode(this.#fs);
    this.#system = readProcSystem(this.#fs, this.#root);
    this.#bootEpoch = bootEpochReader(this.#fs, this.#root, this.#system);
  }

  async list(): Promise<readonly ProcessRow[]> {
    return this.#takeSnapshot().rows;
  }

  /**
   * The PIDs that `list` would give: one directory listing, and the stat files of new PIDs, which may be kernel threads.
   */
  async pids(): Promise<readonly number[]> {
    const seen = new Map<number, boolean>();
    for (const pid of this.#allPids()) {
      const listed = this.#known.get(pid) ?? this.#isListed(pid);
      if (listed !== undefined) {
        seen.set(pid, listed);
      }
    }
    this.#known = seen;
    return [...seen].flatMap(([pid, listed]) => (listed ? [pid] : []));
  }

  async rowsOf(pids: readonly number[]): Promise<readonly ProcessRow[]> {
    const epoch = this.#bootEpoch();
    return pids.flatMap((pid) => {
      const row = this.#rowIfThere(pid, epoch);
      return row && row !== 'unlisted' ? [row] : [];
    });
  }

  async detail(row: ProcessRow): Promise<ProcessDetail> {
    const snapshot = this.#recentSnapshot();
    const detail = readProcDetail(this.#fs, this.#root, row, snapshot);
    // One check afterwards is enough: the process has had its PID since it started, so all of the above belongs to it.
    const stat = attempt(() => this.#stat(row.pid));
    if (!this.#isStill(row.identity, stat)) {
      return gone;
    }
    const mapped =
      'value' in stat && stat.value
        ? this.#mapped.deleted(`${this.#root}/${row.pid}`, row.pid, stat.value, detail.elsewhere === undefined, (path) =>
            snapshot.fileAt(path),
          )
        : undefined;
    if (mapped?.read && !(await this.isAlive(row.identity))) {
      return gone;
    }
    return mapped === undefined || mapped.deleted.length === 0 ? detail : { ...detail, deletedCode: mapped.deleted };
  }

  /** An identity of another boot or of another PID namespace is not alive here. */
  async isAlive(identity: ProcessIdentity): Promise<boolean> {
    return (
      this.#isHere(identity) &&
      this.#isStill(
        identity,
        attempt(() => this.#stat(identity.pid)),
      )
    );
  }

  #isHere({ bootId, pidNamespace }: ProcessIdentity): boolean {
    return bootId === this.#system.bootId && pidNamespace === this.#system.pidNamespace;
  }

  #isStill(identity: ProcessIdentity, stat: Attempt<ProcStat | undefined>): boolean {
    if (!this.#isHere(identity)) {
      return false;
    }
    if ('failure' in stat) {
      // With hidepid, a refusal is about a process that exists. Other errors do not prove that it ended.
      return stat.failure !== 'gone';
    }
    return stat.value !== undefined && isRunning(stat.value) && this.#startOf(stat.value) === identity.start;
  }

  #recentSnapshot(): ProcSnapshot {
    const last = this.#snapshot;
    if (last && performance.now() - last.at < snapshotAgeMs) {
      return last;
    }
    try {
      return this.#takeSnapshot();
    } catch {
      // Without a list, only what depends on other processes is unknown.
      return last ?? new ProcSnapshot(this.#fs, this.#root, [], performance.now());
    }
  }

  /** @throws when the list cannot be read */
  #takeSnapshot(): ProcSnapshot {
    const at = performance.now();
    const epoch = this.#bootEpoch();
    const rows: ProcessRow[] = [];
    const known = new Map<number, boolean>();
    for (const pid of this.#allPids()) {
      const row = this.#rowIfThere(pid, epoch);
      if (row) {
        known.set(pid, row !== 'unlisted');
        if (row !== 'unlisted') {
          rows.push(row);
        }
      }
    }
    // During exec the arguments are empty for a moment, which is over by now.
    for (const [index, row] of rows.entries()) {
      const later = row.argv.length === 0 ? this.#rowIfThere(row.pid, epoch) : undefined;
      if (later && later !== 'unlisted') {
        rows[index] = later;
      }
    }
    this.#known = known;
    this.#mapped.keep((pid) => known.has(pid));
    this.#cache.keep((pid) => known.has(pid));
    this.#snapshot = new ProcSnapshot(this.#fs, this.#root, rows, at);
    return this.#snapshot;
  }

  #allPids(): number[] {
    const names = attempt(() => this.#fs.names(this.#root));
    if ('failure' in names) {
      throw new Error(`The process list ${this.#root} cannot be read${names.failure === 'denied' ? ': permission denied' : ''}.`);
    }
    const pids = names.value.map(Number).filter((pid) => Number.isInteger(pid) && pid > 0);
    return pids.sort((a, b) => a - b);
  }

  /** A failed read leaves out that process only. @throws when descriptors or memory have run out */
  #rowIfThere(pid: number, epoch: BootEpoch): ProcessRow | 'unlisted' | undefined {
    try {
      return this.#row(pid, epoch);
    } catch (error) {
      if (isOutOfResources(error)) {
        throw new Error('The process list cannot be read: out of file descriptors or memory.');
      }
      return undefined;
    }
  }

  /** @throws what the system throws when the process is gone */
  #row(pid: number, epoch: BootEpoch): ProcessRow | 'unlisted' | undefined {
    const stat = this.#stat(pid);
    if (!stat) {
      return undefined;
    }
    if (!isInList(stat)) {
      return 'unlisted';
    }
    const start = this.#startOf(stat);
    const startedAt = Math.round(epoch.at + (stat.startTicks * 1_000) / this.#system.ticksPerSecond);
    const subject = { pid, start, name: stat.name, startedAt };
    // Read before the owner and the arguments: when the process ends here, those reads fail and leave it out.
    const namespaceInit = this.#cache.isNamespaceInit(subject);
    const { bootId, pidNamespace, pageSize, ticksPerSecond } = this.#system;
    return {
      identity: { bootId, pidNamespace, pid, start },
      pid,
      ppid: stat.ppid,
      startedAt,
      startErrorMs: epoch.errorMs,
      uid: this.#cache.owner(subject),
      name: stat.name,
      ...this.#cache.command(subject),
      rssBytes: stat.rssPages * pageSize,
      processorMs: (stat.processorTicks * 1_000) / ticksPerSecond,
      state: stat.state,
      ...(namespaceInit ? { namespaceInit } : {}),
    };
  }

  #isListed(pid: number): boolean | undefined {
    return orNothing(() => {
      const stat = this.#stat(pid);
      return stat && isInList(stat);
    });
  }

  #stat(pid: number): ProcStat | undefined {
    return parseProcStat(this.#fs.read(`${this.#root}/${pid}/stat`, statLimit, 'at once').text);
  }

  /** In ticks of the machine, without those that our time namespace adds. */
  #startOf(stat: ProcStat): string {
    const { boottimeOffset, ticksPerSecond } = this.#system;
    return `lx:${stat.startTicks - Math.round((boottimeOffset * ticksPerSecond) / 1_000)}`;
  }
}

/** Whether a process belongs in the list: not a kernel thread, not a zombie, not in its last moment. */
function isInList(stat: ProcStat): boolean {
  return stat.hasMemory && !stat.kernelThread && stat.state !== 'Z' && isRunning(stat);
}
