import type { Finding, FindingAction } from '../model/finding.ts';
import { moment } from './wording.ts';

/** What a guard has seen of its server: calls that have had no answer for a minute. */
export interface UnansweredEvidence {
  /** Epoch ms. */
  readonly now: number;
  readonly pid: number;
  readonly name: string;
  /** When the oldest call was sent, epoch ms. */
  readonly since: number;
  /** A tool or a method; shown. */
  readonly oldest: string;
  readonly calls: number;
  readonly cure: readonly FindingAction[];
}

/** A server does not answer when its guard, through which all its calls go, has waited for a minute. The guard takes its word back with the answer. */
export function judgeUnanswered({ now, pid, name, since, oldest, calls, cure }: UnansweredEvidence): Finding {
  const more = calls === 1 ? '' : ` and ${calls - 1} more`;
  return {
    kind: 'unresponsive',
    confidence: 'proven',
    message: `${name} has not answered a call of ${oldest}${more} since ${moment(since, now)}`,
    evidence: [`The guard before PID ${pid} passed the call on at ${moment(since, now)}; there was no answer by ${moment(now, now)}`],
    since: new Date(since).toISOString(),
    actions: cure,
  };
}

/** What is remembered of one HTTP server's port. Times in epoch ms. */
export interface PortEvidence {
  readonly now: number;
  readonly pid: number;
  readonly name: string;
  readonly port: number;
  /** It answered `/health` with its own PID at this time. */
  readonly healthyAt?: number;
  /** Since when `/health` gives no answer, and how often that was asked. */
  readonly silentSince?: number;
  readonly silentLooks: number;
  /** Since when it holds the port no more, though it runs, and how often that was seen. */
  readonly closedSince?: number;
  readonly closedLooks: number;
  readonly cure: readonly FindingAction[];
}

export interface PortVerdict {
  readonly finding?: Finding;
  readonly askAgainIn?: number;
}

/** A server under load may miss one second; two misses this far apart are no accident. */
export const silentMs = 2_000;
/** A server that was told to end closes its port first and finishes what it has begun. */
export const closedMs = 5_000;
/** A server that answers `/health` is asked again after this long. */
const healthyLookMs = 15_000;
/** How long until the next look at what is not settled. */
const nextLookMs = 1_000;

/**
 * A server does not answer when it holds its port no more and still runs, or when `/health`, which it has answered before, now hangs. A server that
 * never answered `/health` is not accused: it may have none.
 */
export function judgePort(evidence: PortEvidence): PortVerdict {
  const { now, closedSince, silentSince, healthyAt } = evidence;
  if (closedSince !== undefined) {
    const wait = closedMs - (now - closedSince);
    return wait > 0 || evidence.closedLooks < 2
      ? { askAgainIn: Math.max(wait, nextLookMs) }
      : {
          finding: finding(evidence, closedSince, `no longer accepts connections on port ${evidence.port}, and still runs`, [
            `PID ${evidence.pid} listened on port ${evidence.port} before; nobody does now, seen ${evidence.closedLooks} times since ${moment(closedSince, now)}`,
          ]),
        };
  }
  if (healthyAt !== undefined && silentSince !== undefined) {
    const wait = silentMs - (now - silentSince);
    return wait > 0 || evidence.silentLooks < 2
      ? { askAgainIn: Math.max(wait, 100) }
      : {
          finding: finding(evidence, silentSince, `does not answer any more: /health on port ${evidence.port} hangs`, [
            `GET /health was answered with PID ${evidence.pid} at ${moment(healthyAt, now)}; ${evidence.silentLooks} times since ${moment(silentSince, now)} there was no answer within a second`,
          ]),
        };
  }
  return healthyAt === undefined ? {} : { askAgainIn: healthyLookMs };
}

function finding(evidence: PortEvidence, since: number, message: string, lines: readonly string[]): Finding {
  return {
    kind: 'unresponsive',
    confidence: 'proven',
    message: `${evidence.name} ${message}`,
    evidence: lines,
    since: new Date(since).toISOString(),
    actions: evidence.cure,
  };
}
