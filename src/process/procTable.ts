import type { ProcessDetail, ProcessIdentity, ProcessRow, ProcessTable } from '../types/process.ts';
import { MappedCode } from './mappedCode.ts';
import { namesNamespaceInit } from './namespaceInit.ts';
import { type BootEpoch, bootEpochReader, type ProcSystem, readProcSystem } from './procClock.ts';
import { parseCmdline } from './procCmdline.ts';
import { readProcDetail } from './procDetail.ts';
import { type Attempt, attempt, isOutOfResources, kernelProcFs, orNothing, type ProcFs } from './procFs.ts';
import { ProcLook } from './procLook.ts';
import { isRunning, type ProcStat, parseProcStat } from './procStat.ts';

export interface ProcTableOptions {
  /** Where the proc file system is mounted. */
  readonly root?: string;
  /** Replaced in tests only. */
  readonly fs?: ProcFs;
}

/** A stat line is below 1 kB; a command line is as long as its caller likes. */
const statLimit = 4_096;
const cmdlineLimit = 1024 * 1024;
const statusLimit = 8_192;
/** What a detail needs of other processes may be this old, in milliseconds. */
const lookAgeMs = 1_000;

/** A program may replace its words (exec, a title) in its first moments without another name. */
const restMs = 10_000;
/** What is remembered of a process is read again after this long, in milliseconds of the monotonic clock. */
const commandAgeMs = 50_000;

const gone: ProcessDetail = { stdin: 'unknown', listens: 'unknown', missing: ['gone'] };

/** Whose a process is changes while it starts, with another name or not at all: who gives its rights away later is seen after this long, in milliseconds. */
const ownerAgeMs = 600_000;

type Command = ReturnType<typeof parseCmdline>;

/** Linux: reads `/proc`. */
export class ProcTable implements ProcessTable {
  readonly source = 'proc';
  readonly #root: string;
  readonly #fs: ProcFs;
  readonly #system: ProcSystem;
  readonly #bootEpoch: () => BootEpoch;
  readonly #mapped: MappedCode;
  #look: ProcLook | undefined;
  /** PIDs known to be in the list, or known not to belong there (kernel threads, zombies). */
  #known: Map<number, boolean> = new Map();
  /** Whether a process is the first of its PID namespace never changes: asked once for each. */
  #inits: Map<number, { readonly start: string; readonly first: boolean }> = new Map();
  #owners: Map<number, { readonly start: string; readonly name: string; readonly readAt: number; readonly uid: number }> = new Map();
  #commands: Map<
    number,
    { readonly start: string; readonly name: string; readonly readAt: number; readonly text: string; readonly command: Command }
  > = new Map();

  /** Never throws; a missing `/proc` shows in `list`. */
  constructor(options: ProcTableOptions = {}) {
    this.#root = options.root ?? '/proc';
    this.#fs = options.fs ?? kernelProcFs;
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

  #freshLook(): ProcLook {
    const look = this.#look;
    if (look && performance.now() - look.at < lookAgeMs) {
      return look;
    }
    try {
      return this.#newLook();
    } catch {
      // Without a list, what depends on other processes is unknown; the rest of a detail is not lost with it.
      return look ?? new ProcLook(this.#fs, this.#root, [], performance.now());
    }
  }

  /** @throws when there is no list at all */
  #newLook(): ProcLook {
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
    for (const remembered of [this.#inits, this.#owners, this.#commands]) {
      for (const pid of remembered.keys()) {
        if (!known.has(pid)) {
          remembered.delete(pid);
        }
      }
    }
    this.#look = new ProcLook(this.#fs, this.#root, rows, at);
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
    // Before the parts that a process cannot be listed without: one that ends here is left out by those.
    const namespaceInit = this.#isNamespaceInit(pid, start);
    const startedAt = Math.round(epoch.at + (stat.startTicks * 1_000) / this.#system.ticksPerSecond);
    const { bootId, pidNamespace, pageSize } = this.#system;
    return {
      identity: { bootId, pidNamespace, pid, start },
      pid,
      ppid: stat.ppid,
      startedAt,
      startErrorMs: epoch.errorMs,
      uid: this.#ownerOf(pid, start, stat.name, startedAt),
      name: stat.name,
      ...this.#commandOf(pid, start, stat.name, startedAt),
      rssBytes: stat.rssPages * pageSize,
      state: stat.state,
      ...(namespaceInit ? { namespaceInit } : {}),
    };
  }

  #ownerOf(pid: number, start: string, name: string, startedAt: number): number {
    const at = performance.now();
    const known = this.#owners.get(pid);
    if (known?.start === start && known.name === name && at - known.readAt < ownerAgeMs) {
      return known.uid;
    }
    // Always the effective user: only what is in the directory belongs to root when the process may not be dumped (`task_dump_owner` in the kernel's fs/proc/base.c).
    const uid = this.#fs.owner(`${this.#root}/${pid}`);
    if (Date.now() - startedAt > restMs) {
      this.#owners.set(pid, { start, name, readAt: at, uid });
    }
    return uid;
  }

  /** Words do not change once a program has come to rest: they are read again when its name changes, and each minute. */
  #commandOf(pid: number, start: string, name: string, startedAt: number): Command {
    const at = performance.now();
    const known = this.#commands.get(pid);
    if (known?.start === start && known.name === name && at - known.readAt < commandAgeMs) {
      return known.command;
    }
    const cmdline = this.#fs.read(`${this.#root}/${pid}/cmdline`, cmdlineLimit, 'at once');
    // The same words stay the same object: what was made of them is still true.
    const command = known?.text === cmdline.text && !cmdline.cut ? known.command : parseCmdline(cmdline.text, cmdline.cut);
    if (Date.now() - startedAt > restMs && command.argv.length > 0) {
      this.#commands.set(pid, { start, name, readAt: at, text: cmdline.text, command });
    }
    return command;
  }

  #isNamespaceInit(pid: number, start: string): boolean {
    const known = this.#inits.get(pid);
    if (known?.start === start) {
      return known.first;
    }
    const status = orNothing(() => this.#fs.read(`${this.#root}/${pid}/status`, statusLimit, 'at once').text);
    const first = status !== undefined && namesNamespaceInit(status);
    if (status !== undefined) {
      this.#inits.set(pid, { start, first });
    }
    return first;
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
