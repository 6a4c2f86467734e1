import { uptime } from 'node:os';
import { basename } from 'node:path';
import type { ProcessDescriptor } from 'ps-list';
import { type RunProgram, runProgram } from '../../base/runProgram.ts';
import type { ProcessDetail, ProcessIdentity, ProcessRow, ProcessTable } from '../../model/process.ts';
import { type LsofFile, lsofFieldLetters, lsofListens, lsofPaths, lsofStdin, parseLsofFields } from './lsofFields.ts';
import { isListedLine, isPs, kernelThreadParent, type PsLine, parseLstart, parsePsLines, psColumns } from './psLines.ts';

interface PsTableOptions {
  /** ps-list. The guard, which bundles few libraries, passes its own. */
  readonly listProcesses: () => Promise<readonly ProcessDescriptor[]>;
  /** Replaced in tests only. */
  readonly run?: RunProgram;
}

/**
 * `ps` of Linux computes the start from the uptime at each call and is sometimes one second off (macOS stores the start). A PID is not given to another process
 * within a second.
 */
const jitterSeconds = 1;

/** POSIX without `/proc` (macOS): `ps` through ps-list, `lsof` for details. Starts are exact to the second. */
export class PsTable implements ProcessTable {
  readonly source = 'ps';
  readonly #run: RunProgram;
  readonly #listProcesses: () => Promise<readonly ProcessDescriptor[]>;
  #bootId: Promise<string> | undefined;
  /** The first start that was read for each PID, so that a jitter of one second does not change the identity. */
  #starts: ReadonlyMap<number, number> = new Map();

  constructor(options: PsTableOptions) {
    this.#run = options.run ?? runProgram;
    this.#listProcesses = options.listProcesses;
  }

  async list(): Promise<readonly ProcessRow[]> {
    const [processes, lines, bootId] = await Promise.all([this.#listProcesses(), this.#lines().catch(() => undefined), this.#boot()]);
    const byPid = lines && new Map(lines.map((line) => [line.pid, line]));
    const kernelParent = kernelThreadParent(lines ?? []);
    const starts = new Map<number, number>();
    const rows = processes.flatMap((one) => {
      const line = byPid?.get(one.pid);
      if (line ? !isListedLine(line, process.pid, kernelParent) : !isListedAlone(one)) {
        return [];
      }
      const row = this.#row(one, line, bootId);
      if (row) {
        starts.set(row.pid, row.startedAt / 1_000);
      }
      return row ?? [];
    });
    if (rows.length === 0) {
      throw new Error('The process list cannot be read: ps gave nothing.');
    }
    this.#starts = starts;
    return rows;
  }

  async pids(): Promise<readonly number[]> {
    const lines = await this.#lines();
    const kernelParent = kernelThreadParent(lines);
    return lines.filter((line) => isListedLine(line, process.pid, kernelParent)).map((line) => line.pid);
  }

  async detail(row: ProcessRow): Promise<ProcessDetail> {
    // lsof fails when the process is gone and when it could not read everything.
    const text = await this.#run('lsof', ['-nP', '-p', String(row.pid), '-F', lsofFieldLetters]).catch(() => undefined);
    if (!(await this.isAlive(row.identity))) {
      return { stdin: 'unknown', listens: 'unknown', missing: ['gone'] };
    }
    const missing = ['environment: not given by this system'];
    const files: readonly LsofFile[] = parseLsofFields(text ?? '');
    if (files.length === 0) {
      return { stdin: 'unknown', listens: 'unknown', missing: [...missing, 'exe, cwd, stdin: lsof is missing or was refused'] };
    }
    const paths = lsofPaths(files);
    // Without any numbered descriptor, lsof was refused the list.
    const seen = files.some((file) => /^\d+$/.test(file.fd));
    if (paths.cwd === undefined || !seen) {
      missing.push('cwd, stdin: permission denied');
    }
    return { ...paths, stdin: lsofStdin(files), listens: seen ? lsofListens(files) : 'unknown', missing };
  }

  async isAlive(identity: ProcessIdentity): Promise<boolean> {
    if (identity.pidNamespace !== '-' || identity.bootId !== (await this.#boot())) {
      return false;
    }
    const text = await this.#run('ps', ['-o', 'stat=,lstart=', '-p', String(identity.pid)]).catch(() => '');
    const match = /^\s*(\S+)\s+(.+)$/m.exec(text);
    const start = match?.[2] === undefined ? undefined : parseLstart(match[2]);
    const wanted = Number(/^ps:(\d+)$/.exec(identity.start)?.[1] ?? Number.NaN);
    return start !== undefined && !match?.[1]?.startsWith('Z') && Math.abs(start - wanted) <= jitterSeconds;
  }

  async #lines(): Promise<readonly PsLine[]> {
    return parsePsLines(await this.#run('ps', ['-A', '-o', psColumns]));
  }

  #row(one: ProcessDescriptor, line: PsLine | undefined, bootId: string): ProcessRow | undefined {
    const given = one.startTime === undefined ? undefined : Math.floor(one.startTime.getTime() / 1_000);
    if (given === undefined) {
      // Without a start there is no identity.
      return undefined;
    }
    const before = this.#starts.get(one.pid);
    const start = before !== undefined && Math.abs(before - given) <= jitterSeconds ? before : given;
    const commandLine = (one.cmd ?? '').trim();
    return {
      identity: { bootId, pidNamespace: '-', pid: one.pid, start: `ps:${start}` },
      pid: one.pid,
      ppid: one.ppid,
      startedAt: start * 1_000,
      startErrorMs: (1 + jitterSeconds) * 1_000,
      ...(one.uid === undefined ? {} : { uid: one.uid }),
      name: basename(line?.name || one.name),
      argv: commandLine === '' ? [] : commandLine.split(/\s+/),
      argvExact: false,
      commandLine,
      rssBytes: line?.rssBytes ?? 0,
      ...(line?.processorMs === undefined ? {} : { processorMs: line.processorMs }),
      state: line?.state ?? '?',
    };
  }

  #boot(): Promise<string> {
    this.#bootId ??= readBootId(this.#run);
    return this.#bootId;
  }
}

/** For rows of ps-list alone: it has no state, but the command of a zombie says so. */
function isListedAlone(one: ProcessDescriptor): boolean {
  return !/(^|\s)<defunct>$/.test(one.cmd ?? '') && !(one.ppid === process.pid && isPs(one.name));
}

/**
 * An identifier of this boot: the boot session of macOS, otherwise `kern.boottime` (macOS, FreeBSD), which changes when the clock is set, otherwise the boot time
 * from the uptime, rounded to ten minutes. When the identifier changes within one boot, stored facts are not found again; nothing worse happens.
 */
export async function readBootId(run: RunProgram, now: () => number = Date.now, upSeconds: () => number = uptime): Promise<string> {
  const session = (await run('sysctl', ['-n', 'kern.bootsessionuuid']).catch(() => '')).trim();
  if (/^[0-9a-f-]{36}$/i.test(session)) {
    return session.toLowerCase();
  }
  const seconds = /\bsec\s*=\s*(\d+)/.exec(await run('sysctl', ['-n', 'kern.boottime']).catch(() => ''))?.[1];
  if (seconds !== undefined) {
    return `boot-${seconds}`;
  }
  const coarse = 600;
  return `boot-${Math.round((now() / 1_000 - upSeconds()) / coarse) * coarse}`;
}
