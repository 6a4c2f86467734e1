import { endServer } from '../process/endServer.ts';
import type { Ended, ServerProcess } from '../process/serverProcess.ts';
import type { ServerLink } from '../relay/serverLink.ts';

/** What a process that ended has written may still be in the pipe; something below it may hold the pipe open for ever. */
const outputMs = 500;
/** A server that ends closes its output first. */
const muteMs = 1_000;

/** What a crashed server leaves in its process group: its successor waits for the end of it. */
const leftoverLimits = { politeMs: 500, termMs: 2_000 } as const;

/** What a server does without being told to. */
export interface ServerWatcher {
  /** It ended, and what it had written has been read. */
  crashed(link: ServerLink, ended: Ended): void;
  /** It has closed its output and lives on: it answers nothing any more, and no client sees that. */
  muted(link: ServerLink): void;
}

/** Our servers that run: one, two during an overlap, or none. Of those that we end ourselves nothing is told. */
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
        // Its helpers may still write to what the next one is to use.
        this.#leftovers = Promise.all([this.#leftovers, endServer(process, leftoverLimits)]);
        this.#watcher.crashed(link, ended);
      }
    });
    void link.drained.then(() => this.#mute(link));
  }

  /** Resolves when nobody is left of the process groups of those that crashed. */
  async leftoversGone(): Promise<void> {
    await this.#leftovers;
  }

  /** From now on its end is ours. */
  dismiss(process: ServerProcess): void {
    this.#dismissed.add(process);
  }

  async #mute(link: ServerLink): Promise<void> {
    const { process } = link;
    await Promise.race([process.exited, new Promise((resolve) => setTimeout(resolve, muteMs).unref())]);
    if (!process.ended && !this.#dismissed.has(process)) {
      this.#watcher.muted(link);
    }
  }
}

/** Until what a server had written has been read, or nothing more is to be expected. */
export async function outputRead(link: ServerLink): Promise<void> {
  await Promise.race([link.drained, new Promise((resolve) => setTimeout(resolve, outputMs))]);
}
