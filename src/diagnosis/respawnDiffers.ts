import type { Finding, FindingAction } from '../model/finding.ts';
import type { Ecosystem } from '../model/package.ts';
import { changeDirection } from '../version/compareVersions.ts';
import type { NextVersion } from '../version/npxRule.ts';
import { moment } from './wording.ts';

export interface RespawnEvidence {
  /** Epoch ms. */
  readonly now: number;
  readonly pid: number;
  readonly startedAt: number;
  readonly ecosystem: Ecosystem;
  readonly name: string;
  /** What runs; undefined when it is not known. */
  readonly running?: string;
  /** What is on disk where it runs from. */
  readonly installed?: string;
  readonly next: NextVersion;
  /** What decides about the next start, in words: "npx prefers what is installed in /p". */
  readonly because: string;
  readonly cure: readonly FindingAction[];
}

/**
 * What runs is whole and what is under it did not change, and still the configured command would start another version now. Information, never called stale.
 * Where what is on disk under the process is that version already, the finding about that says more.
 */
export function respawnFinding(evidence: RespawnEvidence): Finding | undefined {
  const { now, next, running, installed, ecosystem, name, startedAt } = evidence;
  if ('unknown' in next || running === undefined || next.version === running || (installed !== running && next.version === installed)) {
    return undefined;
  }
  if (changeDirection(ecosystem, running, next.version) === undefined) {
    return undefined;
  }
  const sure = next.by !== 'registry';
  return {
    kind: 'respawn-differs',
    confidence: next.by === 'spec' ? 'proven' : 'likely',
    message: `a restart ${sure ? 'would' : 'may'} start ${name} ${next.version} instead of ${running}`,
    evidence: [`runs ${name} ${running} since ${moment(startedAt, now)} (PID ${evidence.pid})`, `${evidence.because}: ${next.version}`],
    since: new Date(now).toISOString(),
    actions: evidence.cure,
  };
}
