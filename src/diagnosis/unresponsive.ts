import { t } from '../base/language/translate.ts';
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
  const start = moment(since, now);
  return {
    kind: 'unresponsive',
    confidence: 'proven',
    message:
      calls === 1
        ? t('{0} has not answered a call of {1} since {2}', name, oldest, start)
        : t('{0} has not answered a call of {1} and {2} more since {3}', name, oldest, calls - 1, start),
    evidence: [
      t('The guard before PID {0} forwarded the call at {1}; there was no answer by {2}', pid, moment(since, now), moment(now, now)),
    ],
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
          finding: finding(
            evidence,
            closedSince,
            t('{0} no longer accepts connections on port {1}, but still runs', evidence.name, evidence.port),
            [
              t(
                'PID {0} listened on port {1} before; no process does now, seen {2} times since {3}',
                evidence.pid,
                evidence.port,
                evidence.closedLooks,
                moment(closedSince, now),
              ),
            ],
          ),
        };
  }
  if (healthyAt !== undefined && silentSince !== undefined) {
    const wait = silentMs - (now - silentSince);
    return wait > 0 || evidence.silentLooks < 2
      ? { askAgainIn: Math.max(wait, 100) }
      : {
          finding: finding(evidence, silentSince, t('{0} no longer answers: /health on port {1} hangs', evidence.name, evidence.port), [
            t(
              'GET /health was answered with PID {0} at {1}; {2} times since {3} there was no answer within a second',
              evidence.pid,
              moment(healthyAt, now),
              evidence.silentLooks,
              moment(silentSince, now),
            ),
          ]),
        };
  }
  return healthyAt === undefined ? {} : { askAgainIn: healthyCheckMs };
}

function finding(evidence: PortEvidence, since: number, message: string, lines: readonly string[]): Finding {
  return {
    kind: 'unresponsive',
    confidence: 'proven',
    message,
    evidence: lines,
    since: new Date(since).toISOString(),
    actions: evidence.actions,
  };
}
