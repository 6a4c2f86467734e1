import { statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { keepOnly } from '../../base/keepOnly.ts';
import { t } from '../../base/language/translate.ts';
import { judgeProgram, type ProgramState, type ProgramVerdict } from '../../diagnosis/stale/program.ts';
import { type FileNumbers, identityKey, type ProcessRow } from '../../model/process.ts';
import { latestRemovalTime } from '../../package/birthTimes.ts';
import { namedProgram, ProgramFiles, programPath } from '../../package/code/programFile.ts';
import { runtimeOf } from '../../package/identifyPackage.ts';
import { commandName, isOtherInterpreter, isShell } from '../../process/commandline/commandName.ts';
import type { FactStore } from '../facts/factStore.ts';
import { runningServer, type ServerContext } from './serverContext.ts';

const runtimeNames = { node: 'Node.js', bun: 'Bun', deno: 'Deno', python: 'Python' } as const;
/** The server runs elsewhere; these only forward its input and output. */
const forwarders = /^(docker|podman|nerdctl|kubectl|ssh)$/;

interface RunningProgram {
  readonly row: ProcessRow;
  /** Where the kernel says that the running file is. */
  readonly path: string;
  /** The name that it was started by and that led to the running file when it was first seen. */
  readonly command: string | undefined;
  readonly running: FileNumbers;
}

/** Compares the program that each server runs with the file at its path now. Linux only: other systems do not give access to the running file. */
export class Programs {
  readonly #files = new ProgramFiles();
  readonly #goneSince = new Map<string, number>();
  readonly #paths = new Map<string, readonly string[]>();
  /** The paths that were looked at in this scan. Undefined between two scans. */
  #looked: Parameters<ProgramFiles['at']>[3];

  /** Begins a scan: a path is looked at once in it. */
  look(): void {
    this.#looked = new Map();
  }

  judge(server: ServerContext, facts: FactStore): ProgramVerdict {
    const { row, detail, now } = server;
    const { program, exe, elsewhere } = detail;
    const path = exe === undefined ? undefined : programPath(exe);
    if (program === undefined || path === undefined || elsewhere !== undefined || forwarders.test(commandName(path))) {
      return { findings: [] };
    }
    const key = identityKey(row.identity);
    const fact = facts.fact(row.identity, 'program') ?? this.#record(server, facts);
    const state = this.#stateOf({ row, path, command: fact.command, running: program }, now);
    this.#paths.set(key, [...new Set([path, fact.command ?? path])]);
    const runtime = runtimeOf(row, detail);
    const name = commandName(fact.command ?? path);
    return judgeProgram({
      ...runningServer(server),
      role: runtime !== undefined || isShell(name) || isOtherInterpreter(name) ? 'interpreter' : 'binary',
      name: runtime === undefined ? name : runtimeNames[runtime],
      program: state,
    });
  }

  /** The paths whose change matters. */
  watched(): string[] {
    return [...new Set([...this.#paths.values()].flat())];
  }

  keep(alive: ReadonlySet<string>): void {
    keepOnly(this.#goneSince, alive);
    keepOnly(this.#paths, alive);
    this.#looked = undefined;
  }

  /** The name that the process gives its program is recorded only when it leads to the running file itself, not to a copy of it. */
  #record({ row, detail, now }: ServerContext, facts: FactStore): { readonly command?: string } {
    const named = namedProgram(row, detail);
    const leads = named !== undefined && detail.program !== undefined && isFile(named, detail.program);
    return facts.recordFact(row.identity, 'program', { takenAt: now, ...(leads ? { command: named } : {}) });
  }

  #stateOf(program: RunningProgram, now: number): ProgramState {
    const { row, path, command, running } = program;
    const key = identityKey(row.identity);
    const place = command ?? path;
    const found = this.#files.at(place, row.pid, running, this.#looked);
    if (found.state !== 'absent') {
      this.#goneSince.delete(key);
    }
    switch (found.state) {
      case 'same':
        return this.#renamed(program) ?? found;
      case 'other':
        return { ...found, state: 'replaced', path: place, how: command === undefined ? 'kernel' : 'recorded' };
      case 'unknown':
        return found;
      case 'absent': {
        if (command !== undefined && this.#files.at(path, row.pid, running, this.#looked).state === 'same') {
          // A directory above was renamed, or a link was removed: the running file still exists.
          return { state: 'unknown', reason: t('{0}, by which it was started, no longer exists', command) };
        }
        const since = this.#goneSince.get(key) ?? Math.min(now, latestRemovalTime(place) ?? now);
        this.#goneSince.set(key, since);
        return { state: 'gone', path: place, since };
      }
    }
  }

  /** Self-updaters rename the running file to NAME.old and put the new one in its place: after that, only the names show it. */
  #renamed({ row, path, command, running }: RunningProgram): ProgramState | undefined {
    const named = row.argvExact ? row.argv[0] : undefined;
    if (command !== undefined || named === undefined || !named.startsWith('/') || dirname(named) !== dirname(path)) {
      return undefined;
    }
    if (!/^\.(old|bak|orig|prev|previous|\d[\d.]*)$/.test(basename(path).slice(basename(named).length)) || !path.startsWith(named)) {
      return undefined;
    }
    const found = this.#files.at(named, row.pid, running, this.#looked);
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
