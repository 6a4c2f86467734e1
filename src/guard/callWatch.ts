import { idleServerSince } from './idleServer.ts';
import type { RefusedCalls } from './refusedCalls.ts';
import type { Relay } from './relay.ts';
import { RestMemory } from './restMemory.ts';
import { type Unanswered, unansweredCalls, unansweredLookMs } from './unanswered.ts';

/** Where it is told; nothing is told twice. */
export interface CallNews {
  /** What has had no answer for a minute; undefined once it has. */
  unanswered(calls: Unanswered | undefined): void;
  /** Since when nobody calls; undefined once somebody does. */
  idle(since: string | undefined): void;
  /** What was refused, in all. */
  refused(calls: RefusedCalls | undefined): void;
}

/** Looks now and then at what becomes of a session's calls, and has memory given back when there are none. */
export class CallWatch {
  readonly #relay: Pick<Relay, 'current' | 'refusals'>;
  readonly #news: CallNews;
  readonly #restMemory = new RestMemory();
  #timer: NodeJS.Timeout | undefined;
  #unanswered: Unanswered | undefined;
  #refused: RefusedCalls | undefined;
  #isIdle = false;

  constructor(relay: Pick<Relay, 'current' | 'refusals'>, news: CallNews) {
    this.#relay = relay;
    this.#news = news;
  }

  /** As of the last look. */
  get unanswered(): Unanswered | undefined {
    return this.#unanswered;
  }

  begin(): void {
    this.#timer = setInterval(() => this.#look(), unansweredLookMs);
    this.#timer.unref();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const [now, epoch] = [performance.now(), Date.now()];
    const { current, refusals } = this.#relay;
    this.#restMemory.look(current, now);
    if (refusals.word !== this.#refused) {
      this.#refused = refusals.word;
      this.#news.refused(this.#refused);
    }
    const idleSince = idleServerSince(current, now, epoch);
    if ((idleSince !== undefined) !== this.#isIdle) {
      this.#isIdle = idleSince !== undefined;
      this.#news.idle(idleSince);
    }
    const unanswered = unansweredCalls(current, now, epoch);
    if (unanswered?.since !== this.#unanswered?.since || unanswered?.calls !== this.#unanswered?.calls) {
      this.#unanswered = unanswered;
      this.#news.unanswered(unanswered);
    }
  }
}
