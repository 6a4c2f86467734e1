import { t } from '../base/language/translate.ts';
import { listText } from '../base/singleLine.ts';
import type { Confidence, Finding } from '../model/finding.ts';
import { moment } from './wording.ts';

/** The locks that the record of a server names, and the system's facts about the server. */
export interface LockClaim {
  /** The id of the record. */
  readonly id: string;
  /** `identityKey` of the running server that the record belongs to; undefined for a process that is no known MCP server. */
  readonly instance?: string;
  readonly pid: number;
  readonly name: string;
  /** PIDs of that server. */
  readonly tree: readonly number[];
  /** Epoch ms; undefined when unknown. */
  readonly startedAt?: number;
  readonly state: 'starting' | 'running' | 'stopping' | 'compromised';
  readonly exclusion: 'flock' | 'share0' | 'none';
  /** False when it is not known whether it still runs. */
  readonly certain: boolean;
  readonly locks: readonly ClaimedLock[];
}

interface ClaimedLock {
  readonly key: string;
  /** For a person; redacted. */
  readonly resource: string;
  readonly dev?: string | undefined;
  readonly ino?: string | undefined;
}

/** The processes that hold the kernel lock of a key; undefined where the system does not tell. */
type KernelHolders = (key: string) => readonly { readonly pid: number; readonly name: string }[] | undefined;

/**
 * Finds two servers that use a resource meant for one: two records that name one lock (possible where one runs without exclusion, or where the lock file was
 * deleted while it was held), two paths of one directory, and a server without exclusion while a process without a record holds the lock.
 * Servers that are starting or stopping are left out: during a replacement both may have a record.
 * @param now epoch ms @returns by `identityKey` of the server
 */
export function judgeLockConflicts(claims: readonly LockClaim[], holders: KernelHolders, now: number): Map<string, Finding> {
  const settled = claims.filter(({ state }) => state === 'running' || state === 'compromised');
  const findings = new Map<string, Finding>();
  for (const claim of settled) {
    if (claim.instance === undefined || findings.has(claim.instance)) {
      continue;
    }
    const finding = conflictOf(claim, settled, holders, now);
    if (finding) {
      findings.set(claim.instance, finding);
    }
  }
  return findings;
}

function conflictOf(claim: LockClaim, all: readonly LockClaim[], holders: KernelHolders, now: number): Finding | undefined {
  for (const lock of claim.locks) {
    const other = all.find((one) => isOtherServer(claim, one) && one.locks.some((theirs) => isSameResource(lock, theirs)));
    if (other) {
      return pairFinding(claim, other, lock, holders, now);
    }
    const others = claim.exclusion === 'none' ? (holders(lock.key) ?? []).filter(({ pid }) => !claim.tree.includes(pid)) : [];
    if (others.length > 0) {
      return holderFinding(claim, others, lock, now);
    }
  }
  return undefined;
}

function isOtherServer(claim: LockClaim, other: LockClaim): boolean {
  return other.id !== claim.id && other.pid !== claim.pid && !claim.tree.includes(other.pid) && !other.tree.includes(claim.pid);
}

function isSameResource(a: ClaimedLock, b: ClaimedLock): boolean {
  return a.key === b.key || (a.ino !== undefined && a.ino === b.ino && a.dev === b.dev);
}

function pairFinding(claim: LockClaim, other: LockClaim, lock: ClaimedLock, holders: KernelHolders, now: number): Finding {
  const theirs = other.locks.find((one) => isSameResource(lock, one)) ?? lock;
  const alias = theirs.key !== lock.key;
  // The kernel grants a lock to one process: where both records claim it, one of them is wrong.
  const mistaken = !alias && claim.exclusion !== 'none' && other.exclusion !== 'none';
  const confidence: Confidence = !claim.certain || !other.certain ? 'unknown' : mistaken ? 'likely' : 'proven';
  const kernel = holders(lock.key) ?? [];
  return {
    kind: 'lock-conflict',
    confidence,
    message: alias
      ? t(
          'one directory with two paths, {0} and {1}, is used by two servers at the same time: this one (PID {2}) and {3} (PID {4})',
          lock.resource,
          theirs.resource,
          claim.pid,
          other.name,
          other.pid,
        )
      : t(
          '{0} is used by two servers at the same time: this one (PID {1}) and {2} (PID {3})',
          lock.resource,
          claim.pid,
          other.name,
          other.pid,
        ),
    evidence: [
      claimText(claim, lock, now),
      claimText(other, theirs, now),
      ...(kernel.length === 0 ? [] : [kernelText(lock, kernel)]),
      alias
        ? t('how known: both published a record, both run, and the two directories have the same device and inode')
        : t('how known: both published a record that names this lock, and both run'),
    ],
    since: new Date(Math.max(claim.startedAt ?? 0, other.startedAt ?? 0) || now).toISOString(),
    actions: [{ kind: 'manual', step: t('Keep one of the two: stop PID {0} or PID {1} in its own client.', claim.pid, other.pid) }],
  };
}

function holderFinding(
  claim: LockClaim,
  others: readonly { readonly pid: number; readonly name: string }[],
  lock: ClaimedLock,
  now: number,
): Finding {
  const who = listText(others.map(({ pid, name }) => t('PID {0} ({1})', pid, name)));
  return {
    kind: 'lock-conflict',
    confidence: claim.certain ? 'proven' : 'unknown',
    message: t('{0} is used by this server (PID {1}), and its lock is held by another process: {2}', lock.resource, claim.pid, who),
    evidence: [
      claimText(claim, lock, now),
      kernelText(lock, others),
      t('how known: the kernel names every process that holds the lock (/proc/PID/fdinfo)'),
    ],
    since: new Date(claim.startedAt ?? now).toISOString(),
    actions: [{ kind: 'manual', step: t('Keep one of the two: stop this server in its own client, or {0}.', who) }],
  };
}

function claimText({ id, pid, name, exclusion, state, startedAt }: LockClaim, { resource }: ClaimedLock, now: number): string {
  const who = startedAt === undefined ? t('{0} (PID {1})', name, pid) : t('{0} (PID {1}) since {2}', name, pid, moment(startedAt, now));
  const uses = exclusion === 'none' ? t('{0} uses {1} without exclusion', who, resource) : t('{0} uses {1} under the lock', who, resource);
  return state === 'compromised' ? t('{0}, and found its lock file replaced; record {1}', uses, id) : t('{0}; record {1}', uses, id);
}

function kernelText({ key }: ClaimedLock, holders: readonly { readonly pid: number; readonly name: string }[]): string {
  return t("the kernel's lock {0} is held by {1}", key, listText(holders.map(({ pid, name }) => t('PID {0} ({1})', pid, name))));
}
