import type { Confidence, Finding } from '../model/finding.ts';
import type { ProcessDetail } from '../model/process.ts';
import { moment } from './wording.ts';

/** What the verdict on an orphan needs of one running server. */
export interface OwnerEvidence {
  readonly now: number;
  readonly pid: number;
  readonly startedAt: number;
  readonly name: string;
  /** A client, or any other living program that started it, is above it. */
  readonly ownerAlive: boolean;
  /** The client that was seen above it earlier and is gone now. */
  readonly lostClient?: { readonly name: string; readonly pid: number };
  /** Since when this observer has seen it without owner, epoch ms; undefined when it was so at first sight. */
  readonly lostSince?: number;
  readonly stdin: ProcessDetail['stdin'];
  readonly listens: boolean | 'unknown';
  readonly memoryBytes: number;
}

export interface OwnerVerdict {
  /** Runs on its own by design. */
  readonly background: boolean;
  readonly finding?: Finding;
  readonly askAgainIn?: number;
}

/** A server that was just cut off gets this long to notice the end of its input and leave. */
export const leaveMs = 5_000;
/** Health checks and probes are younger. */
export const orphanAgeMs = 30_000;

/**
 * An orphan is a stdio server whose client is gone *and* whose standard input has no other end. Listeners, and servers whose input
 * is the null device, a file or a terminal, run on their own by design.
 */
export function judgeOwner(evidence: OwnerEvidence): OwnerVerdict {
  if (evidence.ownerAlive) {
    return { background: false };
  }
  if (evidence.listens === true || evidence.stdin === 'null-device' || evidence.stdin === 'file' || evidence.stdin === 'terminal') {
    return { background: true };
  }
  if (evidence.stdin === 'connected') {
    // Somebody we do not see as a parent holds the other end (a supervisor, a detached launcher): it is served.
    return { background: true };
  }
  const wait = Math.max(
    orphanAgeMs - (evidence.now - evidence.startedAt),
    evidence.lostSince === undefined ? 0 : leaveMs - (evidence.now - evidence.lostSince),
  );
  if (wait > 0) {
    return { background: false, askAgainIn: wait };
  }
  return { background: false, finding: orphanFinding(evidence) };
}

function orphanFinding(evidence: OwnerEvidence): Finding {
  const { now, lostClient } = evidence;
  const confidence: Confidence = evidence.stdin === 'none' ? 'proven' : lostClient ? 'likely' : 'unknown';
  const whose = lostClient ? `${lostClient.name} (PID ${lostClient.pid}), which has ended` : 'a client that has ended';
  const input =
    evidence.stdin === 'none'
      ? 'nobody can send it anything any more: the other end of its standard input is closed'
      : 'whether anybody still holds the other end of its standard input could not be read';
  return {
    kind: 'orphan',
    confidence,
    message: `left behind by ${lostClient ? lostClient.name : 'its client'}: it runs, and nobody can use it`,
    evidence: [`PID ${evidence.pid} runs since ${moment(evidence.startedAt, now)}, started by ${whose}`, input],
    since: new Date(evidence.lostSince ?? evidence.startedAt).toISOString(),
    actions: [{ kind: 'end' }],
  };
}
