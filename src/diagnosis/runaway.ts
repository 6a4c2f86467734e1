import { t } from '../base/language/translate.ts';
import type { Finding, FindingAction } from '../model/finding.ts';
import { moment } from './wording.ts';

/** What was observed of a server and the processes below it. Times in epoch ms, durations without the time in which the machine slept. */
export interface RunawayEvidence {
  readonly pid: number;
  readonly name: string;
  readonly now: number;
  /** It used more than 90 % of a core in every reading since. */
  readonly busy?: { readonly since: number; readonly ms: number; readonly processorMs: number };
  /** By its guards: since when none was passed on, `called` where there was one within the last ten minutes. Absent: no guard knows. */
  readonly uncalledSince?: number | 'called';
  /** The processes that run since their tenth minute: their memory then and now. */
  readonly memory?: { readonly at: number; readonly earlier: number; readonly bytes: number };
  readonly actions: readonly FindingAction[];
}

export interface RunawayLimits {
  /** With a guard's word that no call is in flight; without it six times as long. */
  readonly busyMs: number;
  readonly grownBytes: number;
}

/** Of one core, in each reading. */
export const busyShare = 0.9;
const withoutGuard = 6;
/** Memory below this multiple of what it was is no finding. */
const growth = 10;

/** A server that uses a core although no client asks for anything, or whose memory grew tenfold. */
export function judgeRunaway(evidence: RunawayEvidence, limits: RunawayLimits): Finding | undefined {
  const { pid, now, actions } = evidence;
  const parts = [busyPart(evidence, limits), memoryPart(evidence, limits)].filter((part) => part !== undefined);
  const [first] = parts.sort((a, b) => Number(a.minor) - Number(b.minor));
  return (
    first && {
      kind: 'runaway',
      confidence: 'likely',
      message: parts.map(({ message }) => message).join('; '),
      evidence: parts.flatMap((part) => part.lines).map((line) => t('PID {0} and the processes below it: {1}', pid, line)),
      since: new Date(Math.min(first.since, now)).toISOString(),
      ...(first.minor ? { minor: true } : {}),
      actions,
    }
  );
}

interface Part {
  readonly message: string;
  readonly lines: readonly string[];
  readonly since: number;
  readonly minor: boolean;
}

function busyPart({ name, now, busy, uncalledSince }: RunawayEvidence, { busyMs }: RunawayLimits): Part | undefined {
  if (!busy || busy.ms < busyMs) {
    return undefined;
  }
  const uncalled = typeof uncalledSince === 'number' && now - uncalledSince >= busyMs;
  const called = uncalledSince !== undefined && !uncalled;
  const minutes = Math.floor(busy.ms / 60_000);
  const used = t('{0} minutes of processor time since {1}', (busy.processorMs / 60_000).toFixed(1), moment(busy.since, now));
  return {
    message: uncalled
      ? t('{0} has used more than 90 % of a core for {1} minutes without a call', name, minutes)
      : t('{0} has used more than 90 % of a core for {1} minutes', name, minutes),
    lines: [
      t('{0}, which is {1} minutes without sleep of the machine', used, minutes),
      uncalled
        ? t('its guard has passed on no call since {0}', moment(uncalledSince, now))
        : called
          ? t('by its guard it is called: this may be work')
          : t('whether a call is in flight is not known; this counts after {0} minutes', Math.round((busyMs * withoutGuard) / 60_000)),
    ],
    since: busy.since,
    minor: called || (!uncalled && busy.ms < busyMs * withoutGuard),
  };
}

function memoryPart({ name, now, memory }: RunawayEvidence, { grownBytes }: RunawayLimits): Part | undefined {
  if (!memory || memory.earlier <= 0 || memory.bytes < memory.earlier * growth || memory.bytes - memory.earlier < grownBytes) {
    return undefined;
  }
  const [then, bytes] = [megabytes(memory.earlier), megabytes(memory.bytes)];
  return {
    message: t('the memory of {0} grew from {1} to {2}', name, then, bytes),
    lines: [
      t(
        '{0} at {1}, in its tenth minute or later; {2} now. Processes that started since are not counted',
        then,
        moment(memory.at, now),
        bytes,
      ),
    ],
    since: memory.at,
    minor: false,
  };
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MB`;
}
