import { t } from '../base/language/translate.ts';
import type { Finding, FindingAction } from '../model/finding.ts';
import { moment } from './wording.ts';

/** One run of an entry under one client process. Times in ms since boot, sleep included: the user cannot set that clock. */
export interface Lifetime {
  readonly startedAt: number;
  /** The last scan that saw it. */
  readonly seenAt: number;
  /** The first scan that no longer saw it; absent while it runs. */
  readonly endedAt?: number;
  /** Another server of the same client ended with it, as all servers of a session do. */
  readonly endedWithOthers?: true;
}

/** What is known of the starts of one entry under one client process. */
export interface StormEvidence {
  readonly name: string;
  readonly client: { readonly name: string; readonly pid: number };
  readonly lives: readonly Lifetime[];
  /** Short sessions of this client cannot be told from a server that fails: each has a copy of its own. */
  readonly manySessions: boolean;
  /** It runs behind a guard, which also replaces it on request; `problem`: what the guard says about a server that fails. */
  readonly guard?: {
    readonly problem?: string;
    /** Ends that it did not ask for, at times in ms since boot, and the last lines on standard error of the last one. */
    readonly ends?: readonly { readonly at: number; readonly code?: number; readonly signal?: string }[];
    readonly errors?: readonly string[];
  };
  readonly actions: readonly FindingAction[];
}

/** Starts within this time are counted, ms. */
export const respawnWindowMs = 600_000;
/** A predecessor that ran longer than this did not fail at its start, ms. */
export const shortLifeMs = 60_000;

/**
 * Finds an entry that one client process starts again and again: a start counts when a run of its own before it had ended within a minute of its start. Runs at the
 * same time are parallel sessions, and runs that end together with other servers of the client are sessions that ended; they do not count.
 * @param starts so many of them are a finding @param clock now, in ms since boot and in epoch ms
 */
export function judgeStorm(
  { name, client, lives, manySessions, guard, actions }: StormEvidence,
  starts: number,
  clock: { readonly uptime: number; readonly now: number },
): Finding | undefined {
  const counted = respawns(lives).filter(({ startedAt }) => clock.uptime - startedAt <= respawnWindowMs);
  const [first] = counted;
  if (!first || counted.length < starts) {
    return undefined;
  }
  const wall = (at: number): string => moment(clock.now - (clock.uptime - at), clock.now);
  const ends = (guard?.ends ?? []).filter(({ at }) => clock.uptime - at <= respawnWindowMs + shortLifeMs);
  // A guard ends with its session: the servers whose ends one guard has recorded are of one session.
  const isKnown = ends.length >= counted.length || (!manySessions && (guard === undefined || guard.problem !== undefined));
  return {
    kind: 'respawn-storm',
    confidence: isKnown ? 'likely' : 'unknown',
    message: t(
      '{0} (PID {1}) started {2} {3} times within 10 minutes; each run before ended within a minute',
      client.name,
      client.pid,
      name,
      counted.length,
    ),
    evidence: [
      t(
        'started again at {0}',
        counted
          .slice(-10)
          .map(({ startedAt, before }) => t('{0} (the run before: {1})', wall(startedAt), seconds(before)))
          .join(', '),
      ),
      ...(guard?.problem === undefined ? [] : [t('its guard says: {0}', guard.problem)]),
      ...(ends.length === 0
        ? []
        : [t('its guard did not end it; it ended {0}', ends.map((end) => `${wall(end.at)} (${endText(end)})`).join(', '))]),
      ...(guard?.errors?.length ? [t('its last lines on standard error: {0}', guard.errors.map(quoted).join(', '))] : []),
      ...(guard === undefined ? [t('exit codes are not known: no guard runs before it')] : []),
      ...(manySessions && !isKnown ? [t('{0} starts a copy for each session or window: short sessions look the same', client.name)] : []),
    ],
    since: new Date(clock.now - (clock.uptime - first.startedAt)).toISOString(),
    actions,
  };
}

/** The starts that follow a short run, oldest first, each with a run of its own before it. */
function respawns(lives: readonly Lifetime[]): { readonly startedAt: number; readonly before: number }[] {
  const sorted = [...lives].sort((a, b) => a.startedAt - b.startedAt);
  const short = sorted.filter(
    ({ startedAt, endedAt, endedWithOthers }) => endedAt !== undefined && endedAt - startedAt <= shortLifeMs && !endedWithOthers,
  );
  const open = new Set(short);
  return sorted.flatMap((life) => {
    // What was seen after this start ran beside it.
    const before = [...open].findLast((one) => one !== life && one.startedAt < life.startedAt && one.seenAt <= life.startedAt);
    if (!before) {
      return [];
    }
    open.delete(before);
    return [{ startedAt: life.startedAt, before: (before.endedAt ?? before.seenAt) - before.startedAt }];
  });
}

function endText({ code, signal }: { readonly code?: number; readonly signal?: string }): string {
  return signal ?? t('exit code {0}', code ?? '?');
}

function quoted(line: string): string {
  return `“${line}”`;
}

function seconds(ms: number): string {
  return `${Math.max(1, Math.round(ms / 1_000))} s`;
}
