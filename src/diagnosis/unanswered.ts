import type { Finding, FindingAction } from '../types/finding.ts';
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
