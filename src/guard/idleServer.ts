import type { ServerLink } from './serverLink.ts';

/** A server that nobody has called for so long is idle, ms. */
export const idleMs = 600_000;

/**
 * Since when nobody has called a server, for whoever waits for what it holds. What is under way is a use, however long it takes; a subscription is none.
 * @param now `performance.now()` @param epoch ms of the wall clock at that moment
 * @returns RFC 3339; undefined while it is in use, or was a moment ago
 */
export function idleServerSince(
  link: Pick<ServerLink, 'inFlight' | 'listening' | 'usedAt'> | undefined,
  now: number,
  epoch: number,
  limitMs: number = idleMs,
): string | undefined {
  if (!link || link.inFlight.size > link.listening.size || now - link.usedAt < limitMs) {
    return undefined;
  }
  return new Date(Math.round(epoch - (now - link.usedAt))).toISOString();
}
