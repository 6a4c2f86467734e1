import { settlesWithin } from '../../base/settlesWithin.ts';
import { endServer } from '../process/endServer.ts';
import type { Ended, ServerProcess } from '../process/serverProcess.ts';
import type { ServerLink } from '../relay/serverLink.ts';

/** Limit for reading the output of a process that ended, ms: a process below it may keep the pipe open for ever. */
const outputMs = 500;
/** A server that closed its output ends within this time, or is unusable, ms. */
const muteMs = 1_000;

/** Time to end the processes that a crashed server leaves in its group; the next server starts after that. */
const leftoverLimits = { politeMs: 500, termMs: 2_000 } as const;

/** Called when a server ends or fails without being told to. */
interface ServerWatcher {
  /** It ended, and its output has been read. */
  crashed(link: ServerLink, ended: Ended): void;
  /** It closed its output and still runs: it can no longer answer. */
  outputClosed(link: ServerLink): void;
}

/** The servers of a session that run: one, two during an overlap, or none. The end of a dismissed server is not reported. */
export class RunningServers {
  readonly #watcher: ServerWatcher;
  readonly #running = new Set<ServerProcess>();
  readonly #dismissed = new Set<ServerProcess>();
  #leftovers: Promise<unknown> = Promise.resolve();

  constructor(watcher: ServerWatcher) {
    this.#watcher = watcher;
  }

  get all(): readonly ServerProcess[] {
    return [...this.#running];
  }

  add(link: ServerLink): void {
    const { process } = link;
    this.#running.add(process);
    void process.exited.then(async (ended) => {
      await outputRead(link);
      this.#running.delete(process);
      if (!this.#dismissed.delete(process)) {
        // Its child processes may still write to files that the next server uses.
        this.#leftovers = Promise.all([this.#leftovers, endServer(process, leftoverLimits)]);
        this.#watcher.crashed(link, ended);
      }
    });
    void link.drained.then(() => this.#checkOutput(link));
  }

  /** Resolves when the process groups of crashed servers are empty, or cannot be ended. */
  async leftoversGone(): Promise<void> {
    await this.#leftovers;
  }

  /** The guard ends this server itself: its end is not reported. */
  dismiss(process: ServerProcess): void {
    this.#dismissed.add(process);
  }

  async #checkOutput(link: ServerLink): Promise<void> {
    const { process } = link;
    if (!(await settlesWithin(process.exited, muteMs)) && !this.#dismissed.has(process)) {
      this.#watcher.outputClosed(link);
    }
  }
}

/** Waits until the output of a server that ended has been read, at most 500 ms. What a process below it writes later reaches no client. */
export async function outputRead(link: ServerLink): Promise<void> {
  if (!(await settlesWithin(link.drained, outputMs))) {
    await link.process.apart?.();
  }
}
