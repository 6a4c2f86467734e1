import { type HeldInstance, type HoldResult, holdResources } from '../../../src/lock/holdResources.ts';
import type { ProcessStarts } from '../../../src/lock/processStarts.ts';
import { resourceKey } from '../../../src/lock/resourceKey.ts';
import { LockHome } from './lockHome.ts';

/** A process as records name it. */
export async function markOf(starts: ProcessStarts, pid: number): Promise<{ readonly pid: number; readonly start: string }> {
  return { pid, start: (await starts.startOf(pid)) ?? '?' };
}

/** A run folder for one test, with instances that are closed with it. */
export class InstanceHome extends LockHome {
  readonly #starts: ProcessStarts;
  readonly #held: HeldInstance[] = [];

  constructor(starts: ProcessStarts) {
    super();
    this.#starts = starts;
  }

  /** Tries to hold a path in the name of this very process. */
  async take(path: string): Promise<HoldResult> {
    const result = await holdResources({
      directory: this.directory,
      starts: this.#starts,
      resources: [resourceKey('path', path)],
      facts: { serverId: 'memory', server: await markOf(this.#starts, process.pid) },
    });
    this.keep(result);
    return result;
  }

  /** Closes it with the others, if it is held. */
  keep(result: HoldResult): void {
    if (result.status === 'held-by-us') {
      this.#held.push(result.instance);
    }
  }

  override async clean(): Promise<void> {
    for (const instance of this.#held) {
      instance.close();
    }
    await super.clean();
  }
}
