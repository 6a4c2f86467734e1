import { win32 } from 'node:path';
import { runPowerShell, systemFolder } from '../../base/powerShell.ts';
import { type RunProgram, runProgram } from '../../base/runProgram.ts';
import type { ProcessDetail, ProcessIdentity, ProcessRow, ProcessTable } from '../../model/process.ts';
import { type CimProcess, cimScript, parseCimOutput, parseNetstat } from './cimOutput.ts';

interface CimTableOptions {
  /** Replaced in tests only. */
  readonly run?: RunProgram;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds of a monotonic clock. */
  readonly clock?: () => number;
}

/** Starting PowerShell takes about a second of processor time, so `pids` and `detail` use a list of at most this age. */
const listAgeMs = 5_000;
/** `isAlive` uses a list of at most this age. */
const aliveAgeMs = 500;

interface CimList {
  readonly at: number;
  readonly processes: readonly CimProcess[];
  listening?: Promise<ReadonlySet<number> | undefined>;
}

/** Windows: one CIM query for the list, `netstat` for listeners. Working directory, environment and standard input are not available. */
export class CimTable implements ProcessTable {
  readonly source = 'cim';
  readonly #run: RunProgram;
  readonly #system: string;
  readonly #clock: () => number;
  #last: CimList | undefined;
  /** The query in flight; callers that ask before its end share its answer. */
  #asking: Promise<CimList> | undefined;

  constructor(options: CimTableOptions = {}) {
    this.#run = options.run ?? runProgram;
    const env = options.env ?? process.env;
    this.#system = systemFolder(env);
    this.#clock = options.clock ?? (() => performance.now());
  }

  async list(): Promise<readonly ProcessRow[]> {
    return (await this.#ask()).processes.map(({ row }) => row);
  }

  /** Changes appear after at most five seconds. */
  async pids(): Promise<readonly number[]> {
    return (await this.#recent(listAgeMs)).processes.map(({ row }) => row.pid);
  }

  async detail(row: ProcessRow): Promise<ProcessDetail> {
    const list = await this.#recent(listAgeMs);
    const found = list.processes.find((one) => isSame(one.row.identity, row.identity));
    if (!found) {
      return { stdin: 'unknown', listens: 'unknown', missing: ['gone'] };
    }
    list.listening ??= this.#listening();
    const listening = await list.listening;
    return {
      ...(found.exe === undefined ? {} : { exe: found.exe }),
      stdin: 'unknown',
      listens: listening === undefined ? 'unknown' : listening.has(row.pid),
      missing: [
        ...(found.exe === undefined ? ['exe: permission denied'] : []),
        'cwd, environment, stdin: not given by this system',
        ...(listening === undefined ? ['listeners: netstat gave no answer'] : []),
      ],
    };
  }

  async isAlive(identity: ProcessIdentity): Promise<boolean> {
    return (await this.#recent(aliveAgeMs)).processes.some(({ row }) => isSame(row.identity, identity));
  }

  async #recent(ageMs: number): Promise<CimList> {
    return this.#last && this.#clock() - this.#last.at <= ageMs ? this.#last : this.#ask();
  }

  #ask(): Promise<CimList> {
    this.#asking ??= this.#query().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #query(): Promise<CimList> {
    const at = this.#clock();
    const text = await runPowerShell(this.#run, this.#system, cimScript);
    let processes: readonly CimProcess[];
    try {
      processes = parseCimOutput(text);
    } catch {
      // The parser's message would quote the answer, which holds command lines.
      throw new Error('The process list cannot be read: the answer of PowerShell is not understood.');
    }
    if (processes.length === 0) {
      throw new Error('The process list cannot be read: PowerShell named no process.');
    }
    this.#last = { at, processes };
    return this.#last;
  }

  async #listening(): Promise<ReadonlySet<number> | undefined> {
    const netstat = win32.join(this.#system, 'netstat.exe');
    try {
      const texts = await Promise.all(['TCP', 'TCPv6'].map((protocol) => this.#run(netstat, ['-ano', '-p', protocol])));
      return parseNetstat(texts.join('\n'));
    } catch {
      return undefined;
    }
  }
}

function isSame(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.bootId === b.bootId && a.pidNamespace === b.pidNamespace && a.pid === b.pid && a.start === b.start;
}
