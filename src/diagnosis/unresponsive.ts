import type { Finding, FindingAction } from '../model/finding.ts';
import { moment } from './wording.ts';

/** The calls that a guard records as unanswered for a minute or longer. */
interface UnansweredEvidence {
  /** Epoch ms. */
  readonly now: number;
  readonly pid: number;
  readonly name: string;
  /** When the oldest call was sent, epoch ms. */
  readonly since: number;
  /** A tool or a method; shown. */
  readonly oldest: string;
  readonly calls: number;
  /** How it is restarted. */
  readonly actions: readonly FindingAction[];
}

/** The guard sees all calls of its server: one without an answer for a minute is a finding. The guard removes its mark when the answer arrives. */
export function judgeUnanswered({ now, pid, name, since, oldest, calls, actions }: UnansweredEvidence): Finding {
  const more = calls === 1 ? '' : ` and ${calls - 1} more`;
  return {
    kind: 'unresponsive',
    confidence: 'proven',
    message: `${name} has not answered a call of ${oldest}${more} since ${moment(since, now)}`,
    evidence: [`The guard before PID ${pid} forwarded the call at ${moment(since, now)}; there was no answer by ${moment(now, now)}`],
    since: new Date(since).toISOString(),
    actions,
  };
}

/** The remembered checks of one HTTP server's port. Times in epoch ms. */
export interface PortEvidence {
  readonly now: number;
  readonly pid: number;
  readonly name: string;
  readonly port: number;
  /** It answered `/health` with its own PID at this time. */
  readonly healthyAt?: number;
  /** Since when `/health` gives no answer. */
  readonly silentSince?: number;
  /** How often it was asked since then. */
  readonly silentLooks: number;
  /** Since when it runs and no longer holds the port. */
  readonly closedSince?: number;
  /** How often that was seen. */
  readonly closedLooks: number;
  /** How it is restarted. */
  readonly actions: readonly FindingAction[];
}

export interface PortVerdict {
  readonly finding?: Finding;
  /** Milliseconds until the verdict may change. */
  readonly askAgainIn?: number;
}

/** A server under load may not answer within one second once; two misses this far apart count. */
export const silentMs = 2_000;
/** A server that is shutting down closes its port first and then finishes its requests. */
export const closedMs = 5_000;
/** A server that answers `/health` is asked again after this long. */
const healthyCheckMs = 15_000;
/** A closed port is checked again after this long. */
const closedCheckMs = 1_000;

/**
 * A server is unresponsive when it runs and no longer holds its port, or when `/health`, which it answered before, hangs. A server that never answered
 * `/health` may have none, so its silence is no finding.
 */
export function judgePort(evidence: PortEvidence): PortVerdict {
  const { now, closedSince, silentSince, healthyAt } = evidence;
  if (closedSince !== undefined) {
    const wait = closedMs - (now - closedSince);
    return wait > 0 || evidence.closedLooks < 2
      ? { askAgainIn: Math.max(wait, closedCheckMs) }
      : {
          finding: finding(evidence, closedSince, `no longer accepts connections on port ${evidence.port}, but still runs`, [
            `PID ${evidence.pid} listened on port ${evidence.port} before; no process does now, seen ${evidence.closedLooks} times since ${moment(closedSince, now)}`,
          ]),
        };
  }
  if (healthyAt !== undefined && silentSince !== undefined) {
    const wait = silentMs - (now - silentSince);
    return wait > 0 || evidence.silentLooks < 2
      ? { askAgainIn: Math.max(wait, 100) }
      : {
          finding: finding(evidence, silentSince, `no longer answers: /health on port ${evidence.port} hangs`, [
            `GET /health was answered with PID ${evidence.pid} at ${moment(healthyAt, now)}; ${evidence.silentLooks} times since ${moment(silentSince, now)} there was no answer within a second`,
          ]),
        };
  }
  return healthyAt === undefined ? {} : { askAgainIn: healthyCheckMs };
}

function finding(evidence: PortEvidence, since: number, message: string, lines: readonly string[]): Finding {
  return {
    kind: 'unresponsive',
    confidence: 'proven',
    message: `${evidence.name} ${message}`,
    evidence: lines,
    since: new Date(since).toISOString(),
    actions: evidence.actions,
  };
}
