import type { Finding, FindingAction } from '../model/finding.ts';
import { listText, moment } from './wording.ts';

export interface ConfigEvidence {
  /** Epoch ms. */
  readonly now: number;
  readonly pid: number;
  readonly startedAt: number;
  /** What differs, in words without values. */
  readonly differences: readonly string[];
  /** When the entry was recorded, epoch ms. */
  readonly recordedAt: number;
  readonly file: string;
  readonly line: number;
  /** When the file last changed, epoch ms; undefined when that cannot be told. */
  readonly fileChangedAt?: number;
  readonly cure: readonly FindingAction[];
}

/** The entry was edited since the server was started from it: it runs on with what it was given. Information, never an alarm. */
export function configFinding(evidence: ConfigEvidence): Finding | undefined {
  const { now, differences, fileChangedAt } = evidence;
  if (differences.length === 0) {
    return undefined;
  }
  const since = fileChangedAt !== undefined && fileChangedAt > evidence.startedAt && fileChangedAt <= now ? fileChangedAt : now;
  return {
    kind: 'config-changed',
    confidence: 'proven',
    message: `its entry was edited since it started: ${listText(differences)}`,
    evidence: [
      `runs since ${moment(evidence.startedAt, now)} (PID ${evidence.pid}); the entry is in ${evidence.file}, line ${evidence.line}`,
      ...(differences.length > 3 ? [`changed: ${differences.join(', ')}`] : []),
      `how known: keyed hashes of the entry's words were recorded ${moment(evidence.recordedAt, now)}, while it ran; the words themselves are never stored`,
    ],
    since: new Date(since).toISOString(),
    actions: evidence.cure,
  };
}
