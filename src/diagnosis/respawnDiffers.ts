import { t } from '../base/language/translate.ts';
import type { Finding } from '../model/finding.ts';
import type { Ecosystem } from '../model/package.ts';
import { changeDirection } from '../version/compareVersions.ts';
import type { NextVersion } from '../version/nextVersion.ts';
import { type RunningServer, sinceField, sinceText } from './evidence.ts';

interface RespawnEvidence extends RunningServer {
  readonly ecosystem: Ecosystem;
  readonly name: string;
  /** Version that runs; undefined when it is not known. */
  readonly running?: string;
  /** Version on disk where it runs from. */
  readonly installed?: string;
  readonly next: NextVersion;
  /** The rule that decides the next version: "npx prefers what is installed in /p". */
  readonly because: string;
}

/**
 * Nothing under the server changed, but its configured command would start another version now. Information, never stale. Undefined where the version on disk
 * is already that one: then another finding says more.
 */
export function judgeRespawn(evidence: RespawnEvidence): Finding | undefined {
  const { now, next, running, installed, ecosystem, name } = evidence;
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
    message: sure
      ? t('a restart would start {0} {1} instead of {2}', name, next.version, running)
      : t('a restart may start {0} {1} instead of {2}', name, next.version, running),
    evidence: [t('runs {0} {1} {2}', name, running, sinceText(evidence)), `${evidence.because}: ${next.version}`],
    ...sinceField(undefined, now),
    actions: evidence.actions,
  };
}
