import { uptime } from 'node:os';
import { basename } from 'node:path';
import type { ProcessDescriptor } from 'ps-list';
import { type RunProgram, runProgram } from '../../base/runProgram.ts';
import type { ProcessDetail, ProcessIdentity, ProcessRow, ProcessTable } from '../../model/process.ts';
import { type LsofFile, lsofFieldLetters, lsofListens, lsofPaths, lsofStdin, parseLsofFields } from './lsofFields.ts';
import { isListedLine, isPs, kernelThreadParent, type PsLine, parseLstart, parsePsLines, psColumns } from './psLines.ts';

interface PsTableOptions {
  /** ps-list; the guard, which carries few libraries, has one of its own. */
  readonly listProcesses: () => Promise<readonly ProcessDescriptor[]>;
  /** Replaced in tests only. */
  readonly run?: RunProgram;
}

/**
 * `ps` of Linux computes the start anew each time, from the uptime, and is one second off now and then (on macOS it is a stored number).
 * A PID cannot come round to another process within that.
 */
const jitterSeconds = 1;

/** POSIX without `/proc` (macOS): `ps` through ps-list, `lsof` for details. Starts are right to the second. */
export class PsTable implements ProcessTable {
  readonly source = 'ps';
  readonly #run: RunProgram;
  readonly #listProcesses: () => Promise<readonly ProcessDescriptor[]>;
  #bootId: Promise<string> | undefined;
  /** Starts by PID as they were first seen, so that a second's jitter does not make another process of it. */
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
    // lsof fails when the process is gone, and also when it could not see everything.
    const text = await this.#run('lsof', ['-nP', '-p', String(row.pid), '-F', lsofFieldLetters]).catch(() => undefined);
    if (!(await this.isAlive(row.identity))) {
      return { stdin: 'unknown', listens: 'unknown', missing: ['gone'] };
    }
    const missing = ['environment: not given by this system'];
    const files: readonly LsofFile[] = parseLsofFields(text ?? '');
    if (files.length === 0) {
      return { stdin: 'unknown', listens: 'unknown', missing: [...missing, 'exe, cwd, stdin: lsof is not there or may not look'] };
    }
    const paths = lsofPaths(files);
    // Without any numbered descriptor, lsof was refused the list of them.
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
      state: line?.state ?? '?',
    };
  }

  #boot(): Promise<string> {
    this.#bootId ??= readBootId(this.#run);
    return this.#bootId;
  }
}

/** When only ps-list answered: it gives no state, but zombies say so in their command. */
function isListedAlone(one: ProcessDescriptor): boolean {
  return !/(^|\s)<defunct>$/.test(one.cmd ?? '') && !(one.ppid === process.pid && isPs(one.name));
}

/**
 * A text for this boot. macOS has an identifier of the boot session; `kern.boottime` (macOS, FreeBSD) is moved when the clock is set, and
 * the uptime, the last resort, is cut to ten minutes. When the text changes within one boot, stored facts are not found again, and nothing
 * worse.
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
