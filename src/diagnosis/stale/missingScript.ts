import type { Finding, FindingAction } from '../../model/finding.ts';
import { moment } from '../wording.ts';
import { goneMs } from './packages.ts';

export interface MissingEntry {
  /** Epoch ms. */
  readonly now: number;
  readonly pid: number;
  readonly startedAt: number;
  /** The script that the process was started with, and that is not there. */
  readonly path: string;
  /** No later than this it went, epoch ms. */
  readonly since: number;
  readonly cure: readonly FindingAction[];
}

/** Seen for the first time when its script was gone already: nothing was recorded, and still nothing of that name can be loaded again. */
export function judgeMissingEntry(missing: MissingEntry): { readonly findings: readonly Finding[]; readonly askAgainIn?: number } {
  const { now, since, path } = missing;
  const wait = goneMs - Math.max(0, now - since);
  if (wait > 0) {
    return { findings: [], askAgainIn: wait };
  }
  const finding: Finding = {
    kind: 'files-gone',
    confidence: 'likely',
    message: 'the script it was started with is gone: a restart fails, and whatever it has not loaded yet may too',
    evidence: [
      `runs since ${moment(missing.startedAt, now)} (PID ${missing.pid})`,
      `${path} does not exist`,
      'how known: its command line names the script; what it loaded was not recorded while it was there, so this is likely, not proven',
    ],
    since: new Date(since).toISOString(),
    actions: missing.cure,
  };
  return { findings: [finding] };
}
