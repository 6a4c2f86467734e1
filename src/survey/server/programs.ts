import { statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { keepOnly } from '../../base/keepOnly.ts';
import { judgeProgram, type ProgramEvidence, type ProgramSight, type ProgramVerdict } from '../../diagnosis/stale/program.ts';
import { type FileNumbers, identityKey, type ProcessDetail, type ProcessRow } from '../../model/process.ts';
import { latestRemovalTime } from '../../package/birthTimes.ts';
import { namedProgram, ProgramFiles, programPath } from '../../package/code/programFile.ts';
import { runtimeOf } from '../../package/identifyPackage.ts';
import { commandName, isShell } from '../../process/commandline/commandName.ts';
import type { FactStore } from '../facts/factStore.ts';

/** What a verdict on the program needs beyond the process itself. */
export type ProgramContext = Pick<ProgramEvidence, 'now' | 'startedBy' | 'cure'> & { readonly facts: FactStore };

const runtimeNames = { node: 'Node.js', bun: 'Bun', deno: 'Deno', python: 'Python' } as const;
/** They run somebody else's code; a virtual machine's own program says nothing about it. */
const interpreters = /^(ruby|perl|java|dotnet|php|lua|luajit|Rscript|julia|beam\.smp)[\d.]*$/;
/** The server runs elsewhere; these only pass on. */
const passers = /^(docker|podman|nerdctl|kubectl|ssh)$/;

/** Whether the programs that run are still the ones under their names. Linux only: elsewhere nothing tells what a process holds. */
export class Programs {
  readonly #files = new ProgramFiles();
  readonly #goneSince = new Map<string, number>();
  readonly #paths = new Map<string, readonly string[]>();

  judge(row: ProcessRow, detail: ProcessDetail, context: ProgramContext): ProgramVerdict {
    const { program, exe, elsewhere } = detail;
    const path = exe === undefined ? undefined : programPath(exe);
    if (program === undefined || path === undefined || elsewhere !== undefined || passers.test(commandName(path))) {
      return { findings: [] };
    }
    const key = identityKey(row.identity);
    const fact = context.facts.fact(row.identity, 'program') ?? this.#record(row, detail, context);
    const sight = this.#sight(row, path, fact.command, program, key, context.now);
    this.#paths.set(key, [...new Set([path, fact.command ?? path])]);
    const runtime = runtimeOf(row, detail);
    const name = commandName(fact.command ?? path);
    return judgeProgram({
      now: context.now,
      pid: row.pid,
      startedAt: row.startedAt,
      ...(context.startedBy === undefined ? {} : { startedBy: context.startedBy }),
      role: runtime !== undefined || isShell(name) || interpreters.test(name) ? 'interpreter' : 'binary',
      name: runtime === undefined ? name : runtimeNames[runtime],
      sight,
      cure: context.cure,
    });
  }

  /** The names whose change matters. */
  watched(): string[] {
    return [...new Set([...this.#paths.values()].flat())];
  }

  keep(alive: ReadonlySet<string>): void {
    keepOnly(this.#goneSince, alive);
    keepOnly(this.#paths, alive);
  }

  /** The name that the process gives its program is believed when it leads to the running file itself: a copy elsewhere with the same content is another one. */
  #record(row: ProcessRow, detail: ProcessDetail, context: ProgramContext): { readonly command?: string } {
    const named = namedProgram(row, detail);
    const leads = named !== undefined && detail.program !== undefined && isFile(named, detail.program);
    return context.facts.recordFact(row.identity, 'program', { takenAt: context.now, ...(leads ? { command: named } : {}) });
  }

  #sight(
    row: ProcessRow,
    path: string,
    command: string | undefined,
    running: NonNullable<ProcessDetail['program']>,
    key: string,
    now: number,
  ): ProgramSight {
    const place = command ?? path;
    const found = this.#files.at(place, row.pid, running);
    if (found.state !== 'absent') {
      this.#goneSince.delete(key);
    }
    switch (found.state) {
      case 'same':
        return this.#renamed(row, path, command, running) ?? found;
      case 'other':
        return { ...found, state: 'replaced', path: place, how: command === undefined ? 'kernel' : 'recorded' };
      case 'unknown':
        return found;
      case 'absent': {
        if (command !== undefined && this.#files.at(path, row.pid, running).state === 'same') {
          // The directory above was renamed, or a link was removed: what runs is still there.
          return { state: 'unknown', reason: `${command}, by which it was started, does not exist any more` };
        }
        const since = this.#goneSince.get(key) ?? Math.min(now, latestRemovalTime(place) ?? now);
        this.#goneSince.set(key, since);
        return { state: 'gone', path: place, since };
      }
    }
  }

  /** Self-updaters rename the running file to NAME.old and put the new one in its place: seen late, only the names tell. */
  #renamed(
    row: ProcessRow,
    path: string,
    command: string | undefined,
    running: NonNullable<ProcessDetail['program']>,
  ): ProgramSight | undefined {
    const named = row.argvExact ? row.argv[0] : undefined;
    if (command !== undefined || named === undefined || !named.startsWith('/') || dirname(named) !== dirname(path)) {
      return undefined;
    }
    if (!/^\.(old|bak|orig|prev|previous|\d[\d.]*)$/.test(basename(path).slice(basename(named).length)) || !path.startsWith(named)) {
      return undefined;
    }
    const found = this.#files.at(named, row.pid, running);
    return found.state === 'other' ? { ...found, state: 'replaced', path: named, how: 'name' } : undefined;
  }
}

function isFile(path: string, file: FileNumbers): boolean {
  try {
    const { dev, ino } = statSync(path);
    return dev === file.device && ino === file.inode;
  } catch {
    return false;
  }
}
