import { t } from '../base/language/translate.ts';
import type { Finding, FindingAction } from '../model/finding.ts';
import { moment } from './wording.ts';

/** The facts of one running server that the verdict on duplicates needs. */
export interface CopyEvidence {
  /** Text of the identity. */
  readonly id: string;
  readonly pid: number;
  readonly startedAt: number;
  readonly name: string;
  /** The client process that started it; undefined = none runs. */
  readonly client: { readonly identity: string; readonly name: string; readonly pid: number } | undefined;
  /** Set when the client starts several copies on purpose: the reason, for a person. */
  readonly copiesByDesign?: string;
  /** Equal texts: started from the same entry with the same arguments in the same directory. */
  readonly sameness: string;
  /** In how many scans it was seen. */
  readonly observations: number;
  /** Epoch ms. */
  readonly firstSeenAt: number;
  readonly memoryBytes: number;
  /** How it is restarted. */
  readonly actions: readonly FindingAction[];
}

/** Clients start short-lived probes and health checks: a copy younger than this, or seen only once, is no duplicate. */
const duplicateAgeMs = 30_000;

/** A copy that was seen once is scanned for again after this long. */
const secondScanMs = 250;

interface DuplicateVerdicts {
  /** By `CopyEvidence.id`; the newest copy of each set has none, it is the one to keep. */
  readonly findings: ReadonlyMap<string, Finding>;
  /** Milliseconds until the copies that exist now may become a finding. */
  readonly askAgainIn?: number;
}

/**
 * Finds servers that one client process started more than once from one entry. Copies of different client processes, and copies that a client starts on
 * purpose, are no duplicates. @param now epoch ms
 */
export function judgeDuplicates(copies: readonly CopyEvidence[], now: number): DuplicateVerdicts {
  const sets = new Map<string, CopyEvidence[]>();
  for (const copy of copies) {
    if (copy.client && copy.copiesByDesign === undefined) {
      const key = `${copy.client.identity}\n${copy.sameness}`;
      sets.set(key, [...(sets.get(key) ?? []), copy]);
    }
  }
  const findings = new Map<string, Finding>();
  let askAgainIn: number | undefined;
  for (const set of sets.values()) {
    if (set.length < 2) {
      continue;
    }
    const young = set.filter((copy) => waitMs(copy, now) > 0);
    if (set.length - young.length < 2) {
      const waits = set.map((copy) => waitMs(copy, now)).sort((a, b) => a - b);
      askAgainIn = Math.min(askAgainIn ?? Number.POSITIVE_INFINITY, waits[1] ?? duplicateAgeMs);
    }
    const old = set.filter((copy) => !young.includes(copy)).sort((a, b) => a.startedAt - b.startedAt || a.pid - b.pid);
    const newest = old.pop();
    for (const copy of old) {
      if (newest) {
        findings.set(copy.id, duplicateFinding(copy, newest, now));
      }
    }
  }
  return { findings, ...(askAgainIn === undefined ? {} : { askAgainIn }) };
}

/** Milliseconds until a copy may count; 0 = now. */
function waitMs(copy: CopyEvidence, now: number): number {
  return Math.max(duplicateAgeMs - (now - copy.startedAt), copy.observations < 2 ? secondScanMs : 0, 0);
}

function duplicateFinding(copy: CopyEvidence, newest: CopyEvidence, now: number): Finding {
  const client = copy.client ? t('{0} (PID {1})', copy.client.name, copy.client.pid) : t('its client');
  return {
    kind: 'duplicate',
    confidence: 'proven',
    message: t('{0} runs {1} more than once: this copy and the newer PID {2}', client, copy.name, newest.pid),
    evidence: [
      t(
        'PID {0} since {1}, PID {2} since {3}, both started by {4}',
        copy.pid,
        moment(copy.startedAt, now),
        newest.pid,
        moment(newest.startedAt, now),
        client,
      ),
      t(
        'how known: same entry, same arguments, same directory, same client process; both seen in at least two scans and older than 30 seconds',
      ),
    ],
    since: new Date(newest.startedAt).toISOString(),
    actions: copy.actions,
  };
}
