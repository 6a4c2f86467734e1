import type { Finding, FindingAction } from '../model/finding.ts';
import { moment } from './wording.ts';

/** What was observed of a server and the processes below it. Times in epoch ms, durations without the time in which the machine slept. */
export interface RunawayEvidence {
  readonly pid: number;
  readonly name: string;
  readonly now: number;
  /** It used more than 90 % of a core in every reading since. */
  readonly busy?: { readonly since: number; readonly ms: number; readonly processorMs: number };
  /** By its guard: since when no call is in flight. Absent: no guard knows. */
  readonly uncalledSince?: number;
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
      evidence: parts.flatMap((part) => part.lines).map((line) => `PID ${pid} and the processes below it: ${line}`),
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
  const uncalled = uncalledSince !== undefined && now - uncalledSince >= busyMs;
  const minutes = Math.floor(busy.ms / 60_000);
  const used = `${(busy.processorMs / 60_000).toFixed(1)} minutes of processor time since ${moment(busy.since, now)}`;
  return {
    message: `${name} has used more than 90 % of a core for ${minutes} minutes${uncalled ? ' without a call' : ''}`,
    lines: [
      `${used}, which is ${minutes} minutes without sleep of the machine`,
      uncalled
        ? `its guard has passed on no call since ${moment(uncalledSince, now)}`
        : `whether a call is in flight is not known; this counts after ${Math.round((busyMs * withoutGuard) / 60_000)} minutes`,
    ],
    since: busy.since,
    minor: !uncalled && busy.ms < busyMs * withoutGuard,
  };
}

function memoryPart({ name, now, memory }: RunawayEvidence, { grownBytes }: RunawayLimits): Part | undefined {
  if (!memory || memory.earlier <= 0 || memory.bytes < memory.earlier * growth || memory.bytes - memory.earlier < grownBytes) {
    return undefined;
  }
  const [then, bytes] = [memory.earlier, memory.bytes].map((value) => `${Math.round(value / 1024 ** 2)} MB`);
  return {
    message: `the memory of ${name} grew from ${then} to ${bytes}`,
    lines: [
      `${then} at ${moment(memory.at, now)}, in its tenth minute or later; ${bytes} now. Processes that started since are not counted`,
    ],
    since: memory.at,
    minor: false,
  };
}
