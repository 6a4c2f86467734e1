import { t } from '../base/language/translate.ts';
import { listText } from '../base/singleLine.ts';
import type { Finding } from '../model/finding.ts';
import { type RunningServer, sinceField, sinceText } from './evidence.ts';
import { moment } from './wording.ts';

interface ConfigEvidence extends RunningServer {
  /** The differences, without values. */
  readonly differences: readonly string[];
  /** When the entry was recorded, epoch ms. */
  readonly recordedAt: number;
  readonly file: string;
  readonly line: number;
  /** When the file last changed, epoch ms; undefined when that cannot be told. */
  readonly fileChangedAt?: number;
}

/** The entry was edited since the server was started from it: the server still runs with the old settings. Information, never an alarm. */
export function judgeConfig(evidence: ConfigEvidence): Finding | undefined {
  const { now, differences, fileChangedAt } = evidence;
  if (differences.length === 0) {
    return undefined;
  }
  const since = fileChangedAt !== undefined && fileChangedAt > evidence.startedAt && fileChangedAt <= now ? fileChangedAt : undefined;
  return {
    kind: 'config-changed',
    confidence: 'proven',
    message: t('its entry was edited since it started: {0}', listText(differences)),
    evidence: [
      t('runs {0}; the entry is in {1}, line {2}', sinceText(evidence), evidence.file, evidence.line),
      ...(differences.length > 3 ? [t('changed: {0}', differences.join(', '))] : []),
      t(
        "how known: keyed hashes of the entry's arguments and variables were recorded {0}, while it ran; their values are never stored",
        moment(evidence.recordedAt, now),
      ),
    ],
    ...sinceField(since, now),
    actions: evidence.actions,
  };
}
