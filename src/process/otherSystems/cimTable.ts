import { win32 } from 'node:path';
import { runPowerShell, systemFolder } from '../../base/powerShell.ts';
import { type RunProgram, runProgram } from '../../base/runProgram.ts';
import type { ProcessDetail, ProcessIdentity, ProcessRow, ProcessTable } from '../../model/process.ts';
import { type CimProcess, cimScript, parseCimOutput, parseNetstat } from './cimOutput.ts';

interface CimTableOptions {
  /** Replaced in tests only. */
  readonly run?: RunProgram;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds of a clock that only runs forward. */
  readonly clock?: () => number;
}

/** Starting PowerShell takes about a second of processor time, so ticks between two lists see the last one up to this long. */
const tickAgeMs = 5_000;
/** A question about one process is answered from a list of at most this age. */
const aliveAgeMs = 500;

interface Look {
  readonly at: number;
  readonly processes: readonly CimProcess[];
  listening?: Promise<ReadonlySet<number> | undefined>;
}

/** Windows: one CIM query for the list, `netstat` for listeners. Working directory, environment and standard input are not to be had. */
export class CimTable implements ProcessTable {
  readonly source = 'cim';
  readonly #run: RunProgram;
  readonly #system: string;
  readonly #clock: () => number;
  #look: Look | undefined;
  /** A query under way: whoever asks meanwhile gets its answer. */
  #asking: Promise<Look> | undefined;

  constructor(options: CimTableOptions = {}) {
    this.#run = options.run ?? runProgram;
    const env = options.env ?? process.env;
    this.#system = systemFolder(env);
    this.#clock = options.clock ?? (() => performance.now());
  }

  async list(): Promise<readonly ProcessRow[]> {
    return (await this.#ask()).processes.map(({ row }) => row);
  }

  /** Changes show after at most five seconds. */
  async pids(): Promise<readonly number[]> {
    return (await this.#recent(tickAgeMs)).processes.map(({ row }) => row.pid);
  }

  async detail(row: ProcessRow): Promise<ProcessDetail> {
    const look = await this.#recent(tickAgeMs);
    const found = look.processes.find((one) => isSame(one.row.identity, row.identity));
    if (!found) {
      return { stdin: 'unknown', listens: 'unknown', missing: ['gone'] };
    }
    look.listening ??= this.#listening();
    const listening = await look.listening;
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

  async #recent(ageMs: number): Promise<Look> {
    return this.#look && this.#clock() - this.#look.at <= ageMs ? this.#look : this.#ask();
  }

  #ask(): Promise<Look> {
    this.#asking ??= this.#query().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #query(): Promise<Look> {
    const at = this.#clock();
    const text = await runPowerShell(this.#run, this.#system, cimScript);
    let processes: readonly CimProcess[];
    try {
      processes = parseCimOutput(text);
    } catch {
      // The parser's own message would quote the answer, with everybody's command lines in it.
      throw new Error('The process list cannot be read: the answer of PowerShell is not understood.');
    }
    if (processes.length === 0) {
      throw new Error('The process list cannot be read: PowerShell named no process.');
    }
    this.#look = { at, processes };
    return this.#look;
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
