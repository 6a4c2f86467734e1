import type { Confidence, Finding } from '../model/finding.ts';
import { listText, moment } from './wording.ts';

/** What a server says that it holds, with what the system says of the server. */
export interface LockClaim {
  /** Of the record. */
  readonly id: string;
  /** Text of the identity of the running server that the record belongs to; undefined = a process that is no MCP server we know. */
  readonly instance?: string;
  readonly pid: number;
  readonly name: string;
  /** The processes of that server: none of them is somebody else. */
  readonly tree: readonly number[];
  /** Epoch ms; undefined when unknown. */
  readonly startedAt?: number;
  readonly state: 'starting' | 'running' | 'stopping' | 'compromised';
  readonly exclusion: 'flock' | 'share0' | 'none';
  /** False when it cannot be told whether it still runs. */
  readonly certain: boolean;
  readonly locks: readonly ClaimedLock[];
}

export interface ClaimedLock {
  readonly key: string;
  /** For a person; redacted. */
  readonly resource: string;
  readonly dev?: string | undefined;
  readonly ino?: string | undefined;
}

/** Who holds the kernel's lock of a key. */
export type KernelHolders = (key: string) => readonly { readonly pid: number; readonly name: string }[] | undefined;

/**
 * Finds two that use what only one may use: two records that name one lock (possible where one runs without exclusion, or where the lock file was deleted
 * under its holder), two names of one directory, and a server without exclusion beside a process that holds the lock and publishes nothing.
 * Who is starting or stopping is left out: in those moments two may pass each other.
 * @returns by the text of the server's identity
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
    const other = all.find((one) => isSomebodyElse(claim, one) && one.locks.some((theirs) => isSameThing(lock, theirs)));
    if (other) {
      return pairFinding(claim, other, lock, holders, now);
    }
    const strangers = claim.exclusion === 'none' ? (holders(lock.key) ?? []).filter(({ pid }) => !claim.tree.includes(pid)) : [];
    if (strangers.length > 0) {
      return strangerFinding(claim, strangers, lock, now);
    }
  }
  return undefined;
}

function isSomebodyElse(claim: LockClaim, other: LockClaim): boolean {
  return other.id !== claim.id && other.pid !== claim.pid && !claim.tree.includes(other.pid) && !other.tree.includes(claim.pid);
}

function isSameThing(a: ClaimedLock, b: ClaimedLock): boolean {
  return a.key === b.key || (a.ino !== undefined && a.ino === b.ino && a.dev === b.dev);
}

function pairFinding(claim: LockClaim, other: LockClaim, lock: ClaimedLock, holders: KernelHolders, now: number): Finding {
  const theirs = other.locks.find((one) => isSameThing(lock, one)) ?? lock;
  const alias = theirs.key !== lock.key;
  // The kernel lets one in: where both say that it keeps theirs, one is mistaken, and may not know it.
  const mistaken = !alias && claim.exclusion !== 'none' && other.exclusion !== 'none';
  const confidence: Confidence = !claim.certain || !other.certain ? 'unknown' : mistaken ? 'likely' : 'proven';
  const kernel = holders(lock.key) ?? [];
  return {
    kind: 'lock-conflict',
    confidence,
    message: `${alias ? `two names of one directory, ${lock.resource} and ${theirs.resource}, are` : `${lock.resource} is`} used by two servers at the same time: this one (PID ${claim.pid}) and ${other.name} (PID ${other.pid})`,
    evidence: [
      claimText(claim, lock, now),
      claimText(other, theirs, now),
      ...(kernel.length === 0 ? [] : [kernelText(lock, kernel)]),
      alias
        ? 'how known: both have published a record, both run, and device and inode of the two directories are the same'
        : 'how known: both have published a record that names this lock, and both run',
    ],
    since: new Date(Math.max(claim.startedAt ?? 0, other.startedAt ?? 0) || now).toISOString(),
    actions: [{ kind: 'manual', step: `Keep one of the two: end PID ${claim.pid} or PID ${other.pid} in its own client.` }],
  };
}

function strangerFinding(
  claim: LockClaim,
  strangers: readonly { readonly pid: number; readonly name: string }[],
  lock: ClaimedLock,
  now: number,
): Finding {
  const who = listText(strangers.map(({ pid, name }) => `PID ${pid} (${name})`));
  return {
    kind: 'lock-conflict',
    confidence: claim.certain ? 'proven' : 'unknown',
    message: `${lock.resource} is used by this server (PID ${claim.pid}), and its lock is held by somebody else: ${who}`,
    evidence: [
      claimText(claim, lock, now),
      kernelText(lock, strangers),
      'how known: the kernel names every process that holds the lock (/proc/PID/fdinfo)',
    ],
    since: new Date(claim.startedAt ?? now).toISOString(),
    actions: [{ kind: 'manual', step: `Keep one of the two: end this server in its own client, or ${who}.` }],
  };
}

function claimText({ id, pid, name, exclusion, state, startedAt }: LockClaim, { resource }: ClaimedLock, now: number): string {
  const how = exclusion === 'none' ? 'without exclusion' : 'under the lock';
  const since = startedAt === undefined ? '' : ` since ${moment(startedAt, now)}`;
  return `${name} (PID ${pid})${since} uses ${resource} ${how}${state === 'compromised' ? ', and found its lock file replaced' : ''}; record ${id}`;
}

function kernelText({ key }: ClaimedLock, holders: readonly { readonly pid: number; readonly name: string }[]): string {
  return `the kernel's lock ${key} is held by ${listText(holders.map(({ pid, name }) => `PID ${pid} (${name})`))}`;
}
