import { singleLine } from '../../base/singleLine.ts';
import type { RefusedCalls } from '../message/refusedCalls.ts';
import type { Relay } from '../relay/relay.ts';
import type { ServerLink } from '../relay/serverLink.ts';
import { IdleCollector } from './memoryUse.ts';

/** A server that nobody has called for so long is idle, ms. */
export const idleGuardMs = 600_000;

/**
 * Since when nobody has called a server, for whoever waits for what it holds. What is under way is a use, however long it takes; a subscription is none.
 * @param now `performance.now()` @param epoch ms of the wall clock at that moment
 * @returns RFC 3339; undefined while it is in use, or was a moment ago
 */
export function idleServerSince(
  link: Pick<ServerLink, 'inFlight' | 'listening' | 'usedAt'> | undefined,
  now: number,
  epoch: number,
  limitMs: number = idleGuardMs,
): string | undefined {
  if (!link || link.inFlight.size > link.listening.size || now - link.usedAt < limitMs) {
    return undefined;
  }
  return new Date(Math.round(epoch - (now - link.usedAt))).toISOString();
}

/** A call that is not answered for so long makes its server unresponsive, ms. */
export const unansweredMs = 60_000;
/** How often the calls under way are looked at, ms. */
export const unansweredLookMs = 5_000;

/** As it stands in the record, under `x.unresponsive`. */
export interface Unanswered {
  /** When the oldest of them was sent, RFC 3339; for showing. */
  readonly since: string;
  /** What it asks for: a tool, or a method. */
  readonly oldest: string;
  readonly calls: number;
}

/**
 * The calls that a server has had for too long. What stays open on purpose does not count, and neither does waiting while the server itself waits for its
 * client (it asked something and has no answer).
 * @param now `performance.now()` @param epoch ms of the wall clock at that moment
 */
export function unansweredCalls(
  link: Pick<ServerLink, 'inFlight' | 'listening' | 'asked'> | undefined,
  now: number,
  epoch: number,
  limitMs: number = unansweredMs,
): Unanswered | undefined {
  if (!link || link.asked.size > 0) {
    return undefined;
  }
  const late = [...link.inFlight]
    .filter(([id, { since }]) => !link.listening.has(id) && now - since >= limitMs)
    .map(([, pending]) => pending);
  const [first] = late;
  if (!first) {
    return undefined;
  }
  const oldest = late.reduce((before, pending) => (pending.since < before.since ? pending : before), first);
  return {
    since: new Date(Math.round(epoch - (now - oldest.since))).toISOString(),
    oldest: singleLine(oldest.tool ?? oldest.method, 200),
    calls: late.length,
  };
}

/** Where it is told; nothing is told twice. */
export interface CallEvents {
  /** What has had no answer for a minute; undefined once it has. */
  unanswered(calls: Unanswered | undefined): void;
  /** Since when nobody calls; undefined once somebody does. */
  idle(since: string | undefined): void;
  /** What was refused, in all. */
  refused(calls: RefusedCalls | undefined): void;
}

/** Looks now and then at what becomes of a session's calls, and has memory given back when there are none. */
export class CallMonitor {
  readonly #relay: Pick<Relay, 'current' | 'refusals'>;
  readonly #news: CallEvents;
  readonly #restMemory = new IdleCollector();
  #timer: NodeJS.Timeout | undefined;
  #unanswered: Unanswered | undefined;
  #refused: RefusedCalls | undefined;
  #isIdle = false;

  constructor(relay: Pick<Relay, 'current' | 'refusals'>, news: CallEvents) {
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
    if (refusals.summary !== this.#refused) {
      this.#refused = refusals.summary;
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
