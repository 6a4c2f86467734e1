import { namesNamespaceInit } from '../tree/namespaceInit.ts';
import { parseCmdline } from './procCmdline.ts';
import { orNothing, type ProcFs } from './procFs.ts';

const cmdlineLimit = 1024 * 1024;
const statusLimit = 8_192;

/** A program may replace its words (exec, a title) and its user in its first moments without another name. */
const restMs = 10_000;
/** Words are read again after this long, in milliseconds of the monotonic clock. */
const commandAgeMs = 50_000;
/** Whose a process is: one that gives its rights away later, and keeps its name, is seen after this long. */
const ownerAgeMs = 600_000;

/** The process that is asked about, as its stat file tells. */
interface Asked {
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
  /** Never changes. */
  namespaceInit?: boolean;
  owner?: { readonly readAt: number; readonly uid: number };
  command?: { readonly readAt: number; readonly text: string; readonly command: Command };
}

/**
 * What of a process does not change once its program has come to rest, so that it is not read at each look: read again when the name changes, and now and then.
 */
export class ProcCache {
  readonly #fs: ProcFs;
  readonly #root: string;
  readonly #known = new Map<number, Known>();

  constructor(fs: ProcFs, root: string) {
    this.#fs = fs;
    this.#root = root;
  }

  /** @throws what the system throws when the process is gone */
  command(asked: Asked): Command {
    const at = performance.now();
    const known = this.#of(asked);
    if (known.command && at - known.command.readAt < commandAgeMs) {
      return known.command.command;
    }
    const cmdline = this.#fs.read(`${this.#root}/${asked.pid}/cmdline`, cmdlineLimit, 'at once');
    // The same words stay the same object: what was made of them is still true.
    const command = known.command?.text === cmdline.text && !cmdline.cut ? known.command.command : parseCmdline(cmdline.text, cmdline.cut);
    if (isAtRest(asked) && command.argv.length > 0) {
      known.command = { readAt: at, text: cmdline.text, command };
    }
    return command;
  }

  /** The effective user. @throws what the system throws when the process is gone */
  owner(asked: Asked): number {
    const at = performance.now();
    const known = this.#of(asked);
    if (known.owner && at - known.owner.readAt < ownerAgeMs) {
      return known.owner.uid;
    }
    // Of the directory: what is in it belongs to root when the process may not be dumped (`task_dump_owner` in the kernel's fs/proc/base.c).
    const uid = this.#fs.owner(`${this.#root}/${asked.pid}`);
    if (isAtRest(asked)) {
      known.owner = { readAt: at, uid };
    }
    return uid;
  }

  /** Whether it is the first of its PID namespace; not, when nothing tells. */
  isNamespaceInit(asked: Asked): boolean {
    const known = this.#of(asked);
    if (known.namespaceInit === undefined) {
      const status = orNothing(() => this.#fs.read(`${this.#root}/${asked.pid}/status`, statusLimit, 'at once').text);
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

  #of({ pid, start, name }: Asked): Known {
    const known = this.#known.get(pid);
    if (known?.start === start && known.name === name) {
      return known;
    }
    const fresh: Known = { start, name, ...(known?.start === start ? pickLasting(known) : {}) };
    this.#known.set(pid, fresh);
    return fresh;
  }
}

/** With another name it is another program, of perhaps another user, in the same namespace. */
function pickLasting({ namespaceInit }: Known): Pick<Known, 'namespaceInit'> {
  return namespaceInit === undefined ? {} : { namespaceInit };
}

function isAtRest({ startedAt }: Asked): boolean {
  return Date.now() - startedAt > restMs;
}
