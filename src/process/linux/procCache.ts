import { namesNamespaceInit } from '../tree/processTree.ts';
import { parseCmdline } from './procCmdline.ts';
import { orNothing, type ProcFs } from './procFs.ts';

const cmdlineLimit = 1024 * 1024;
const statusLimit = 8_192;

/** A younger process may still replace its arguments (exec, a title) and its user without a change of its name. Milliseconds. */
const settledMs = 10_000;
/** Arguments are read again after this time, ms. */
const commandAgeMs = 50_000;
/** The owner is read again after this time, ms: a process may change its user later and keep its name. */
const ownerAgeMs = 600_000;

/** The process in question, from its stat file. */
interface Subject {
  readonly pid: number;
  readonly start: string;
  readonly name: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

type Command = ReturnType<typeof parseCmdline>;

interface Known {
  readonly start: string;
  readonly name: string;
  /** Never changes for a process. */
  namespaceInit?: boolean;
  owner?: { readonly readAt: number; readonly uid: number };
  command?: { readonly readAt: number; readonly text: string; readonly command: Command };
}

/**
 * Caches what rarely changes after a program's start: arguments, owner and whether it is the first of its PID namespace. Read again when the name changes, and after a
 * time limit.
 */
export class ProcCache {
  readonly #fs: ProcFs;
  readonly #root: string;
  readonly #known = new Map<number, Known>();

  constructor(fs: ProcFs, root: string) {
    this.#fs = fs;
    this.#root = root;
  }

  /** The arguments. @throws what the system throws when the process is gone */
  command(subject: Subject): Command {
    const at = performance.now();
    const known = this.#of(subject);
    if (known.command && at - known.command.readAt < commandAgeMs) {
      return known.command.command;
    }
    const cmdline = this.#fs.read(`${this.#root}/${subject.pid}/cmdline`, cmdlineLimit, 'at once');
    // The same text gives the same object, so that results that are cached by it stay valid.
    const command = known.command?.text === cmdline.text && !cmdline.cut ? known.command.command : parseCmdline(cmdline.text, cmdline.cut);
    if (isSettled(subject) && command.argv.length > 0) {
      known.command = { readAt: at, text: cmdline.text, command };
    }
    return command;
  }

  /** The effective user. @throws what the system throws when the process is gone */
  owner(subject: Subject): number {
    const at = performance.now();
    const known = this.#of(subject);
    if (known.owner && at - known.owner.readAt < ownerAgeMs) {
      return known.owner.uid;
    }
    // The owner of the directory: the files in it belong to root when the process may not be dumped (`task_dump_owner`, fs/proc/base.c of the kernel).
    const uid = this.#fs.owner(`${this.#root}/${subject.pid}`);
    if (isSettled(subject)) {
      known.owner = { readAt: at, uid };
    }
    return uid;
  }

  /** Whether it is the first process of its PID namespace; false when unknown. */
  isNamespaceInit(subject: Subject): boolean {
    const known = this.#of(subject);
    if (known.namespaceInit === undefined) {
      const status = orNothing(() => this.#fs.read(`${this.#root}/${subject.pid}/status`, statusLimit, 'at once').text);
      if (status === undefined) {
        return false;
      }
      known.namespaceInit = namesNamespaceInit(status);
    }
    return known.namespaceInit;
  }

  /** Drops the processes that are gone. */
  keep(isThere: (pid: number) => boolean): void {
    for (const pid of this.#known.keys()) {
      if (!isThere(pid)) {
        this.#known.delete(pid);
      }
    }
  }

  #of({ pid, start, name }: Subject): Known {
    const known = this.#known.get(pid);
    if (known?.start === start && known.name === name) {
      return known;
    }
    const fresh: Known = { start, name, ...(known?.start === start ? pickLasting(known) : {}) };
    this.#known.set(pid, fresh);
    return fresh;
  }
}

/** With another name it is another program, perhaps of another user, in the same namespace. */
function pickLasting({ namespaceInit }: Known): Pick<Known, 'namespaceInit'> {
  return namespaceInit === undefined ? {} : { namespaceInit };
}

function isSettled({ startedAt }: Subject): boolean {
  return Date.now() - startedAt > settledMs;
}
