import type { ProcessTable } from '../../model/process.ts';
import type { ServerLink } from '../relay/serverLink.ts';
import type { SessionMemory } from '../relay/sessionMemory.ts';
import { restartLoss } from '../stdio/restartLoss.ts';

/** Longest time between two checks, ms. */
const checkMs = 30_000;

type Serving = Pick<ServerLink, 'process' | 'isIdle' | 'asked' | 'listening' | 'usedAt' | 'hasAsked'>;

interface SleepOptions {
  /** Time without a request after which the server is ended, ms. */
  readonly limitMs: number;
  /** Milliseconds of a clock that never goes back, the one of `ServerLink.usedAt`. */
  readonly now: () => number;
  readonly table: Pick<ProcessTable, 'list' | 'detail'>;
  /** The server that serves now; undefined while none does, or messages wait. */
  readonly serving: () => Serving | undefined;
  readonly memory: Pick<SessionMemory, 'subscriptions' | 'hasTasks'>;
  /** Ends the server politely. */
  readonly sleep: () => void;
  /** What keeps an idle server awake, when that changes. */
  readonly onAwake: (why: string | undefined) => void;
}

/** Puts an idle server to sleep (`--sleep-after`). */
export class SleepWatch {
  readonly #options: SleepOptions;
  #isChecking = false;
  #awake: string | undefined;

  constructor(options: SleepOptions) {
    this.#options = options;
  }

  /** Checks from now on, at least every 30 s. The timer keeps no process running. */
  begin(): void {
    setInterval(() => void this.check(), Math.min(checkMs, this.#options.limitMs / 4)).unref();
  }

  /** Ends the server when it is idle, its time is over and nothing would be lost that the guard can see. Never rejects. */
  async check(): Promise<void> {
    const { serving, table, memory, sleep, onAwake } = this.#options;
    const link = serving();
    if (this.#isChecking || !link || !this.#isIdle(link)) {
      return;
    }
    this.#isChecking = true;
    const { process, asked, listening } = link;
    // A process that it started or a subscription counts also where the server was never called.
    const facts = { process, asked, listening, isIdle: true, idle: async () => true, hasBeenCalled: true };
    const why = await restartLoss(facts, { isStateless: false, subscriptions: memory.subscriptions, hasTasks: memory.hasTasks }, table, 0);
    this.#isChecking = false;
    if (why !== this.#awake) {
      this.#awake = why;
      onAwake(why);
    }
    // The list of processes took its time.
    if (why === undefined && serving() === link && this.#isIdle(link) && link.asked.size + link.listening.size === 0) {
      sleep();
    }
  }

  #isIdle(link: Serving): boolean {
    return link.isIdle && !link.hasAsked && this.#options.now() - link.usedAt >= this.#options.limitMs;
  }
}
