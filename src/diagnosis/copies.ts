import type { Finding } from '../model/finding.ts';
import type { CopyEvidence } from './duplicates.ts';
import { moment } from './wording.ts';

/** What is known of the processor time of a server and of everything below it. */
export interface ServerWork {
  /** `idle`: it used less than `idleBoundMs` within the last hour. `unknown`: it was not watched for an hour, or the system does not tell. */
  readonly state: 'idle' | 'worked' | 'unknown';
  /** For how long it was seen to use no more than that, ms. Time in which the machine slept does not count. */
  readonly quietMs: number;
  /** When that time began, epoch ms. */
  readonly quietSince: number;
  /** Used since its start, ms; absent when it is not known. */
  readonly processorMs?: number;
}

/** One of several copies under a client that runs. */
export interface LivingCopy extends CopyEvidence {
  /** Equal texts: copies of one entry by the rule of their client. Absent: the rule cannot be checked. */
  readonly copySet?: string;
  readonly work: ServerWork;
}

/** A server that used no processor time worth counting for this long is idle. */
export const idleMs = 3_600_000;
/**
 * Ms: one step of the counter of Linux. A server that waits for input uses none, and a light call less than one ms (measured with servers of the official
 * SDK), so that more than this would hide calls.
 */
export const idleBoundMs = 10;

/** Clients may run so many copies of one entry without a finding. */
const mostCopies = 3;
/** A copy younger than this may be part of a start that is still going on. */
const copyAgeMs = 600_000;
/** Copies that were started within this time are one group: a thread, a session. */
const groupMs = 5_000;

export interface CopyVerdicts {
  /** By `CopyEvidence.id`: one for each idle copy, or one for a set of which it is not known. */
  readonly findings: ReadonlyMap<string, Finding>;
  /** The copies whose processor time should be remembered. */
  readonly watched: ReadonlySet<string>;
}

/**
 * Finds entries that one client process runs more than three times while the older copies do nothing. The specification of 2026-07-28 says that clients SHOULD NOT
 * use a conversation or thread as the lifetime of a server. The newest group of copies, and copies that worked within the last hour, have no finding.
 * @param duplicates copies with this finding are left out @param now epoch ms
 */
export function judgeCopies(
  copies: readonly LivingCopy[],
  duplicates: ReadonlyMap<string, Finding>,
  limits: { readonly copies: number; readonly memoryBytes: number },
  now: number,
): CopyVerdicts {
  const sets = new Map<string, LivingCopy[]>();
  for (const copy of copies) {
    if (copy.client && copy.copySet !== undefined && !duplicates.has(copy.id)) {
      const key = `${copy.client.identity}\n${copy.copySet}`;
      const set = sets.get(key);
      if (set) {
        set.push(copy);
      } else {
        sets.set(key, [copy]);
      }
    }
  }
  const findings = new Map<string, Finding>();
  const watched = new Set<string>();
  for (const set of sets.values()) {
    if (set.filter((copy) => now - copy.startedAt >= copyAgeMs).length <= mostCopies) {
      continue;
    }
    for (const copy of set) {
      watched.add(copy.id);
    }
    judgeSet(set, limits, now, findings);
  }
  return { findings, watched };
}

function judgeSet(
  set: readonly LivingCopy[],
  limits: { readonly copies: number; readonly memoryBytes: number },
  now: number,
  findings: Map<string, Finding>,
): void {
  const groups = groupsOf(set);
  // A copy younger than an hour cannot have been idle for an hour.
  const older = groups.slice(1).flatMap((group) => group.filter((copy) => now - copy.startedAt >= idleMs));
  const idle = older.filter((copy) => copy.work.state === 'idle');
  const unknown = older.filter((copy) => copy.work.state === 'unknown');
  const [first] = idle;
  if (!first) {
    const [oldest] = unknown.sort((a, b) => a.startedAt - b.startedAt || a.pid - b.pid);
    if (oldest) {
      findings.set(oldest.id, unknownFinding(oldest, set, unknown, now));
    }
    return;
  }
  const memoryBytes = idle.reduce((sum, copy) => sum + copy.memoryBytes, 0);
  const minor = idle.length < older.length || (idle.length < limits.copies && memoryBytes < limits.memoryBytes);
  const quietMs = Math.min(...idle.map((copy) => copy.work.quietMs));
  const message = `${clientText(first)} runs ${first.name} ${set.length} times; ${idle.length} ${idle.length === 1 ? 'has' : 'have'} done nothing for ${hours(quietMs)}; ${size(memoryBytes)}`;
  for (const copy of idle) {
    const group = groups.findIndex((one) => one.includes(copy));
    findings.set(copy.id, {
      kind: 'copies',
      confidence: 'likely',
      message,
      evidence: [
        copyText(copy, now),
        `it is of group ${groups.length - group} of ${groups.length}; copies that were started within 5 seconds of each other are one group, which is a thread or a session as a rule`,
        `how known: it and the processes below it used less than ${idleBoundMs} ms of processor time within an hour. A thread or session may still need it: that cannot be seen from outside`,
        ...designText(copy),
      ],
      since: new Date(copy.work.quietSince).toISOString(),
      ...(minor ? { minor } : {}),
      actions: [{ kind: 'end' }],
    });
  }
}

function unknownFinding(copy: LivingCopy, set: readonly LivingCopy[], unknown: readonly LivingCopy[], now: number): Finding {
  return {
    kind: 'copies',
    confidence: 'unknown',
    message: `${clientText(copy)} runs ${copy.name} ${set.length} times; whether ${unknown.length} of them do anything is known after an hour of watching`,
    evidence: [copyText(copy, now), 'this is the oldest of them', ...designText(copy)],
    since: new Date(copy.work.quietSince).toISOString(),
    actions: [],
  };
}

/** The newest group first; the members of a group lie within `groupMs`. */
function groupsOf(set: readonly LivingCopy[]): LivingCopy[][] {
  const groups: LivingCopy[][] = [];
  for (const copy of [...set].sort((a, b) => b.startedAt - a.startedAt || b.pid - a.pid)) {
    const group = groups.at(-1);
    if (group?.[0] && group[0].startedAt - copy.startedAt <= groupMs) {
      group.push(copy);
    } else {
      groups.push([copy]);
    }
  }
  return groups;
}

function copyText({ pid, startedAt, work, memoryBytes }: LivingCopy, now: number): string {
  const used = work.processorMs === undefined ? 'processor time unknown' : `${(work.processorMs / 1_000).toFixed(2)} s of processor time`;
  const since =
    work.processorMs === undefined ? '' : `, ${work.state === 'unknown' ? 'watched' : 'none'} since ${moment(work.quietSince, now)}`;
  return `PID ${pid}, started ${moment(startedAt, now)}: ${used}${since}; ${size(memoryBytes)}`;
}

function designText({ copiesByDesign }: LivingCopy): string[] {
  const rule = 'the MCP specification says that clients should not keep a server for each conversation or thread';
  return [copiesByDesign === undefined ? rule : `${copiesByDesign.replace(/\.$/, '')}; ${rule}`];
}

function clientText({ client }: LivingCopy): string {
  return client ? `${client.name} (PID ${client.pid})` : 'its client';
}

/** "3 h", "2 days": whole units, rounded down. */
function hours(ms: number): string {
  const count = Math.floor(ms / 3_600_000);
  return count < 48 ? `${count} h` : `${Math.floor(count / 24)} days`;
}

function size(bytes: number): string {
  const megabytes = bytes / 1024 ** 2;
  return megabytes >= 1_000 ? `${(megabytes / 1024).toFixed(1)} GB` : `${Math.round(megabytes)} MB`;
}
