import type { RefusedCalls } from '../message/refusedCalls.ts';
import type { GuardRecord } from '../publish/guardRecord.ts';
import type { Relay } from '../relay/relay.ts';
import type { ServerLink } from '../relay/serverLink.ts';

/** A server without a call for this long is idle, ms. */
export const idleGuardMs = 600_000;

/**
 * Since when a server is not called; a refused `--lock` names this time. A call in flight is a use, however long it takes; a subscription is not.
 * @param now `performance.now()` @param epoch ms of the wall clock at that moment
 * @returns RFC 3339; undefined while it is in use, or was within the limit
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

/** A call without an answer for this long makes its server unresponsive, ms. */
const unansweredMs = 60_000;
/** Time between two checks of the calls in flight, ms. */
const checkMs = 5_000;

/** The mark `unresponsive` of the record (under `x`). */
interface Unanswered {
  /** When the oldest of the calls was sent, RFC 3339; for display. */
  readonly since: string;
  /** The tool or the method of the oldest call. */
  readonly oldest: string;
  readonly calls: number;
}

/**
 * The calls that a server has not answered within the limit. Subscriptions do not count. Nothing counts while the server itself waits for an answer of the
 * client.
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
    // `base/singleLine.ts` would become a piece of its own.
    oldest: (oldest.tool ?? oldest.method).replace(/\p{Cc}+/gu, ' ').slice(0, 200),
    calls: late.length,
  };
}

/** After this long without a call, a pause of some milliseconds disturbs no client, ms. */
export const restMs = 4_000;

/**
 * Collects the garbage of the start and of the last calls. V8 collects only when it needs space, so each of dozens of idle guards would keep some megabytes
 * for as long as its client runs.
 */
export class IdleCollector {
  readonly #collect: () => Promise<void> | void;
  #collectedFor: number | undefined;

  /** @param collect runs one full collection */
  constructor(collect: () => Promise<void> | void) {
    this.#collect = collect;
  }

  /**
   * Collects once when no call is in flight and the last one is 4 s old. Call it every few seconds.
   * @param now `performance.now()`
   */
  check(link: Pick<ServerLink, 'inFlight' | 'listening' | 'usedAt'> | undefined, now: number): void {
    if (link && link.usedAt !== this.#collectedFor && now - link.usedAt >= restMs && link.inFlight.size <= link.listening.size) {
      this.#collectedFor = link.usedAt;
      void this.#collect();
    }
  }
}

/** Called when a state changes. */
interface CallEvents {
  /** Calls without an answer for a minute; undefined when they were answered. */
  unanswered(calls: Unanswered | undefined): void;
  /** Since when the server is not called; undefined when it is called again. */
  idle(since: string | undefined): void;
  /** All refused calls. */
  refused(calls: RefusedCalls | undefined): void;
}

/** Writes each change into the record, where there is one. */
export function recordedCalls(record: () => Promise<GuardRecord | undefined> | undefined): CallEvents {
  const to = (write: (record: GuardRecord) => void): void => void record()?.then((one) => one && write(one));
  return {
    unanswered: (calls) => to((one) => one.mark('unresponsive', calls)),
    idle: (since) => to((one) => one.mark('idleSince', since)),
    refused: (calls) => to((one) => one.refused(calls)),
  };
}

/** Checks the calls of a session every 5 s, and frees memory when there are none. Loaded while the server starts. */
export class CallMonitor {
  readonly #relay: Pick<Relay, 'current' | 'refusals'>;
  readonly #events: CallEvents;
  readonly #collector: IdleCollector;
  #timer: NodeJS.Timeout | undefined;
  #unanswered: Unanswered | undefined;
  #refused: RefusedCalls | undefined;
  #isIdle = false;

  /** @param collect runs one full collection */
  constructor(relay: Pick<Relay, 'current' | 'refusals'>, events: CallEvents, collect: () => Promise<void>) {
    this.#collector = new IdleCollector(collect);
    this.#relay = relay;
    this.#events = events;
  }

  /** The calls without an answer at the last check; undefined when there were none. */
  get unanswered(): Unanswered | undefined {
    return this.#unanswered;
  }

  begin(): void {
    this.#timer = setInterval(() => this.#check(), checkMs);
    this.#timer.unref();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const [now, epoch] = [performance.now(), Date.now()];
    const { current, refusals } = this.#relay;
    this.#collector.check(current, now);
    if (refusals.summary !== this.#refused) {
      this.#refused = refusals.summary;
      this.#events.refused(this.#refused);
    }
    const idleSince = idleServerSince(current, now, epoch);
    if ((idleSince !== undefined) !== this.#isIdle) {
      this.#isIdle = idleSince !== undefined;
      this.#events.idle(idleSince);
    }
    const unanswered = unansweredCalls(current, now, epoch);
    if (unanswered?.since !== this.#unanswered?.since || unanswered?.calls !== this.#unanswered?.calls) {
      this.#unanswered = unanswered;
      this.#events.unanswered(unanswered);
    }
  }
}
