import { t } from '../base/language/translate.ts';
import type { Finding, FindingAction } from '../model/finding.ts';
import { moment } from './wording.ts';

/** The input of every verdict on one running server. */
export interface RunningServer {
  /** Epoch ms. */
  readonly now: number;
  readonly pid: number;
  /** Epoch ms. */
  readonly startedAt: number;
  /** Name of the client that started it; undefined when that is not known. */
  readonly startedBy?: string;
  /** How it is restarted: the actions of every finding about its code. */
  readonly actions: readonly FindingAction[];
}

/** "since 14:02 (PID 10, started by Claude Code)". */
export function sinceText({ startedAt, now, pid, startedBy }: RunningServer): string {
  const since = moment(startedAt, now);
  return startedBy ? t('since {0} (PID {1}, started by {2})', since, pid, startedBy) : t('since {0} (PID {1})', since, pid);
}

/**
 * Since when a finding is true. Where nothing shows it, that is this scan, until the survey puts the first scan that saw it in its place.
 * @param at epoch ms; undefined when it is not known
 */
export function sinceField(at: number | undefined, now: number): Pick<Finding, 'since' | 'sinceAtMost'> {
  return { since: new Date(at ?? now).toISOString(), ...(at === undefined ? { sinceAtMost: true } : {}) };
}

/** One line of evidence. `how-known`: the comparison that the finding rests on; a stronger proof replaces it. */
export interface EvidenceLine {
  readonly text: string;
  readonly source: 'observed' | 'how-known';
}

/** A finding to which a stronger proof may still be added. */
export interface FindingDraft extends Omit<Finding, 'evidence'> {
  readonly evidence: readonly EvidenceLine[];
}

/** A line of evidence that states an observation. */
export function observed(text: string): EvidenceLine {
  return { text, source: 'observed' };
}

/** A line of evidence that states how the versions are known. */
export function howKnown(text: string): EvidenceLine {
  return { text: t('how known: {0}', text), source: 'how-known' };
}

/** The finding as the snapshot holds it. */
export function finalFinding(draft: FindingDraft): Finding {
  return { ...draft, evidence: draft.evidence.map(({ text }) => text) };
}
