import type { ServerLink } from './serverLink.ts';

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
    oldest: plain(oldest.tool ?? oldest.method),
    calls: late.length,
  };
}

/** Names are the client's text, and end up on screens. */
function plain(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').slice(0, 200);
}
