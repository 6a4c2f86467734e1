import { t } from '../base/language/translate.ts';
import { sizeText } from '../base/sizeText.ts';
import type { Finding } from '../model/finding.ts';
import type { CopyEvidence } from './duplicates.ts';
import { moment } from './wording.ts';

/** The processor time, as far as it is known, of a server and of everything below it. */
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
  /** Where its client keeps a copy for each directory: that of this copy. */
  readonly directory?: string;
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
/** Servers of several entries that were started within this time are one group: a thread, a session. Two copies of one entry are never of one group. */
const groupMs = 5_000;

interface CopyVerdicts {
  /** By `CopyEvidence.id`: one for each idle copy, or one for a set of which it is not known. */
  readonly findings: ReadonlyMap<string, Finding>;
  /** The copies whose processor time should be remembered. */
  readonly watched: ReadonlySet<string>;
}

/**
 * Finds entries that one client process runs more than three times while the older copies do nothing. The specification of 2026-07-28 says that clients SHOULD NOT
 * use a conversation or thread as the lifetime of a server. The newest copy of each entry, what belongs to its group (`staying`), and copies that worked within the
 * last hour have no finding.
 * @param duplicates copies with this finding are left out @param now epoch ms
 */
export function judgeCopies(
  copies: readonly LivingCopy[],
  duplicates: ReadonlyMap<string, Finding>,
  limits: { readonly copies: number; readonly memoryBytes: number },
  now: number,
): CopyVerdicts {
  const clients = new Map<string, Map<string, LivingCopy[]>>();
  for (const copy of copies) {
    if (copy.client && copy.copySet !== undefined && !duplicates.has(copy.id)) {
      const sets = clients.get(copy.client.identity) ?? new Map<string, LivingCopy[]>();
      clients.set(copy.client.identity, sets);
      const set = sets.get(copy.copySet);
      if (set) {
        set.push(copy);
      } else {
        sets.set(copy.copySet, [copy]);
      }
    }
  }
  const findings = new Map<string, Finding>();
  const watched = new Set<string>();
  for (const sets of clients.values()) {
    const many = [...sets.values()].filter((set) => set.filter((copy) => now - copy.startedAt >= copyAgeMs).length > mostCopies);
    const newest = many.length === 0 ? [] : [...sets.values()].flatMap((set) => [...set].sort(newestFirst)[0] ?? []);
    for (const set of many) {
      for (const copy of set) {
        watched.add(copy.id);
      }
      judgeSet([...set].sort(newestFirst), newest, limits, now, findings);
    }
  }
  return { findings, watched };
}

/** @param set newest first @param newest the newest copy of each entry of the client */
function judgeSet(
  set: readonly LivingCopy[],
  newest: readonly LivingCopy[],
  limits: { readonly copies: number; readonly memoryBytes: number },
  now: number,
  findings: Map<string, Finding>,
): void {
  const stays = staying(set, newest);
  // A copy younger than an hour cannot have been idle for an hour.
  const older = set.filter((copy) => !stays.has(copy) && now - copy.startedAt >= idleMs);
  const idle = older.filter((copy) => copy.work.state === 'idle');
  const unknown = older.filter((copy) => copy.work.state === 'unknown');
  const [first] = idle;
  if (!first) {
    const oldest = unknown.at(-1);
    if (oldest) {
      findings.set(oldest.id, unknownFinding(oldest, set, unknown, now));
    }
    return;
  }
  const memoryBytes = idle.reduce((sum, copy) => sum + copy.memoryBytes, 0);
  const minor = idle.length < older.length || (idle.length < limits.copies && memoryBytes < limits.memoryBytes);
  const quietMs = Math.min(...idle.map((copy) => copy.work.quietMs));
  const [client, quiet, size] = [clientText(first), hours(quietMs), sizeText(memoryBytes)];
  const message =
    idle.length === 1
      ? t('{0} runs {1} {2} times; 1 has done nothing for {3}; {4}', client, first.name, set.length, quiet, size)
      : t('{0} runs {1} {2} times; {3} have done nothing for {4}; {5}', client, first.name, set.length, idle.length, quiet, size);
  const places = new Map(set.map((copy, at) => [copy, set.length - at]));
  const beside = startedBeside(set);
  for (const copy of idle) {
    findings.set(copy.id, {
      kind: 'copies',
      confidence: 'likely',
      message,
      evidence: [
        copyText(copy, now),
        [
          t(
            'by its start it is copy {0} of {1}; a thread, session or directory has one copy of an entry as a rule',
            places.get(copy) ?? 0,
            set.length,
          ),
          ...togetherText(beside.get(copy) ?? 0),
        ].join('; '),
        t(
          'how known: it and the processes below it used less than {0} ms of processor time within an hour. A thread, session or directory may still need it: that cannot be seen from outside',
          idleBoundMs,
        ),
        ...designText(copy),
      ],
      since: new Date(copy.work.quietSince).toISOString(),
      ...(minor ? { minor } : {}),
      actions: [{ kind: 'end' }],
    });
  }
}

/**
 * What a set keeps: its newest copy, and for the newest copy of each other entry the copy that was started nearest to it, within five seconds. So the thread that was
 * started last keeps all its servers, also where the client started one entry again for another thread, or many threads at the same time.
 */
function staying(set: readonly LivingCopy[], newest: readonly LivingCopy[]): ReadonlySet<LivingCopy> {
  return new Set(
    newest.flatMap((one) => {
      const distance = (copy: LivingCopy): number => Math.abs(copy.startedAt - one.startedAt);
      const [first, ...others] = set;
      const nearest = first && others.reduce((best, copy) => (distance(copy) < distance(best) ? copy : best), first);
      return nearest && distance(nearest) <= groupMs ? [nearest] : [];
    }),
  );
}

/** How many other copies of the entry were started within five seconds of each. @param set newest first */
function startedBeside(set: readonly LivingCopy[]): ReadonlyMap<LivingCopy, number> {
  let [first, end] = [0, 0];
  return new Map(
    set.map((copy) => {
      while ((set[first]?.startedAt ?? 0) - copy.startedAt > groupMs) {
        first += 1;
      }
      while (copy.startedAt - (set[end]?.startedAt ?? Number.NEGATIVE_INFINITY) <= groupMs) {
        end += 1;
      }
      return [copy, end - first - 1];
    }),
  );
}

function togetherText(others: number): string[] {
  if (others === 0) {
    return [];
  }
  return [
    others === 1
      ? t('1 other of them was started within 5 seconds of it, as by a client that restores its threads')
      : t('{0} others of them were started within 5 seconds of it, as by a client that restores its threads', others),
  ];
}

function unknownFinding(copy: LivingCopy, set: readonly LivingCopy[], unknown: readonly LivingCopy[], now: number): Finding {
  return {
    kind: 'copies',
    confidence: 'unknown',
    message: t(
      '{0} runs {1} {2} times; whether {3} of them do anything is known after an hour of watching',
      clientText(copy),
      copy.name,
      set.length,
      unknown.length,
    ),
    evidence: [copyText(copy, now), t('this is the oldest of them'), ...designText(copy)],
    since: new Date(copy.work.quietSince).toISOString(),
    actions: [],
  };
}

/** By the start; where that is equal, the higher PID first. */
function newestFirst(a: LivingCopy, b: LivingCopy): number {
  return b.startedAt - a.startedAt || b.pid - a.pid;
}

function copyText({ pid, startedAt, work, memoryBytes }: LivingCopy, now: number): string {
  const used =
    work.processorMs === undefined ? t('processor time unknown') : t('{0} s of processor time', (work.processorMs / 1_000).toFixed(2));
  const since = moment(work.quietSince, now);
  const known =
    work.processorMs === undefined
      ? used
      : work.state === 'unknown'
        ? t('{0}, watched since {1}', used, since)
        : t('{0}, none since {1}', used, since);
  return t('PID {0}, started {1}: {2}; {3}', pid, moment(startedAt, now), known, sizeText(memoryBytes));
}

function designText({ copiesByDesign, directory }: LivingCopy): string[] {
  // What the specification says of threads does not fit a directory.
  const rule = directory ?? t('the MCP specification says that clients should not keep a server for each conversation or thread');
  return [copiesByDesign === undefined ? rule : `${copiesByDesign.replace(/\.$/, '')}; ${rule}`];
}

function clientText({ client }: LivingCopy): string {
  return client ? t('{0} (PID {1})', client.name, client.pid) : t('its client');
}

/** "3 h", "2 days": whole units, rounded down. */
function hours(ms: number): string {
  const count = Math.floor(ms / 3_600_000);
  return count < 48 ? `${count} h` : t('{0} days', Math.floor(count / 24));
}
