import type { ProcessDetail, ProcessIdentity, ProcessRow, ProcessTable } from '../../model/process.ts';
import { MappedCode } from './mappedCode.ts';
import { ProcCache } from './procCache.ts';
import { type BootEpoch, bootEpochReader, type ProcSystem, readProcSystem } from './procClock.ts';
import { readProcDetail } from './procDetail.ts';
import { type Attempt, attempt, isOutOfResources, kernelProcFs, orNothing, type ProcFs } from './procFs.ts';
import { ProcSnapshot } from './procSnapshot.ts';
import { isRunning, type ProcStat, parseProcStat } from './procStat.ts';

interface ProcTableOptions {
  /** Where the proc file system is mounted. */
  readonly root?: string;
  /** Replaced in tests only. */
  readonly fs?: ProcFs;
}

/** A stat line is below 1 kB. */
const statLimit = 4_096;
/** What a detail needs of other processes may be this old, in milliseconds. */
const lookAgeMs = 1_000;

const gone: ProcessDetail = { stdin: 'unknown', listens: 'unknown', missing: ['gone'] };

/** Linux: reads `/proc`. */
export class ProcTable implements ProcessTable {
  readonly source = 'proc';
  readonly #root: string;
  readonly #fs: ProcFs;
  readonly #system: ProcSystem;
  readonly #bootEpoch: () => BootEpoch;
  readonly #mapped: MappedCode;
  #look: ProcSnapshot | undefined;
  /** PIDs known to be in the list, or known not to belong there (kernel threads, zombies). */
  #known: Map<number, boolean> = new Map();
  readonly #lasting: ProcCache;

  /** Never throws; a missing `/proc` shows in `list`. */
  constructor(options: ProcTableOptions = {}) {
    this.#root = options.root ?? '/proc';
    this.#fs = options.fs ?? kernelProcFs;
    this.#lasting = new ProcCache(this.#fs, this.#root);
    this.#mapped = new MappedCode(this.#fs);
    this.#system = readProcSystem(this.#fs, this.#root);
    this.#bootEpoch = bootEpochReader(this.#fs, this.#root, this.#system);
  }

  async list(): Promise<readonly ProcessRow[]> {
    return this.#newLook().rows;
  }

  /**
   * The PIDs that `list` would give, so that both can be compared: one directory listing, and a look at those that were not seen before,
   * because kernel threads come and go by themselves.
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
    const look = this.#freshLook();
    const detail = readProcDetail(this.#fs, this.#root, row, look);
    // Asked afterwards alone: a process that has its PID now has had it since it started, so nothing of the above was another one's.
    const stat = attempt(() => this.#stat(row.pid));
    if (!this.#isStill(row.identity, stat)) {
      return gone;
    }
    const mapped =
      'value' in stat && stat.value
        ? this.#mapped.deleted(`${this.#root}/${row.pid}`, row.pid, stat.value, detail.elsewhere === undefined, (path) => look.fileAt(path))
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
      // A refusal (/proc mounted with hidepid) is about a process that exists; a look that could not be taken says nothing against it.
      return stat.failure !== 'gone';
    }
    return stat.value !== undefined && isRunning(stat.value) && this.#startOf(stat.value) === identity.start;
  }

  #freshLook(): ProcSnapshot {
    const look = this.#look;
    if (look && performance.now() - look.at < lookAgeMs) {
      return look;
    }
    try {
      return this.#newLook();
    } catch {
      // Without a list, what depends on other processes is unknown; the rest of a detail is not lost with it.
      return look ?? new ProcSnapshot(this.#fs, this.#root, [], performance.now());
    }
  }

  /** @throws when there is no list at all */
  #newLook(): ProcSnapshot {
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
    // While a program is being replaced (exec) its arguments are empty for a moment; by now that is over.
    for (const [index, row] of rows.entries()) {
      const later = row.argv.length === 0 ? this.#rowIfThere(row.pid, epoch) : undefined;
      if (later && later !== 'unlisted') {
        rows[index] = later;
      }
    }
    this.#known = known;
    this.#mapped.keep((pid) => known.has(pid));
    this.#lasting.keep((pid) => known.has(pid));
    this.#look = new ProcSnapshot(this.#fs, this.#root, rows, at);
    return this.#look;
  }

  #allPids(): number[] {
    const names = attempt(() => this.#fs.names(this.#root));
    if ('failure' in names) {
      throw new Error(`The process list ${this.#root} cannot be read${names.failure === 'denied' ? ': permission denied' : ''}.`);
    }
    const pids = names.value.map(Number).filter((pid) => Number.isInteger(pid) && pid > 0);
    return pids.sort((a, b) => a - b);
  }

  /** Whatever fails about one process leaves that one out; a list that we are too poor to read is none. */
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
    const asked = { pid, start, name: stat.name, startedAt };
    // Before the parts that a process cannot be listed without: one that ends here is left out by those.
    const namespaceInit = this.#lasting.isNamespaceInit(asked);
    const { bootId, pidNamespace, pageSize } = this.#system;
    return {
      identity: { bootId, pidNamespace, pid, start },
      pid,
      ppid: stat.ppid,
      startedAt,
      startErrorMs: epoch.errorMs,
      uid: this.#lasting.owner(asked),
      name: stat.name,
      ...this.#lasting.command(asked),
      rssBytes: stat.rssPages * pageSize,
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

  /** Ticks of the machine, whatever our own time namespace adds to them. */
  #startOf(stat: ProcStat): string {
    const { boottimeOffset, ticksPerSecond } = this.#system;
    return `lx:${stat.startTicks - Math.round((boottimeOffset * ticksPerSecond) / 1_000)}`;
  }
}

/** Kernel threads, zombies and processes in their last moment stay out. */
function isInList(stat: ProcStat): boolean {
  return stat.hasMemory && !stat.kernelThread && stat.state !== 'Z' && isRunning(stat);
}
