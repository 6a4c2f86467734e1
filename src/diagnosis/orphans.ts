import { t } from '../base/language/translate.ts';
import type { Confidence, Finding } from '../model/finding.ts';
import type { ProcessDetail } from '../model/process.ts';
import { moment } from './wording.ts';

/** The facts of one running server that the verdict on orphans needs. */
export interface OwnerEvidence {
  /** Epoch ms. */
  readonly now: number;
  readonly pid: number;
  /** Epoch ms. */
  readonly startedAt: number;
  readonly name: string;
  /** Its client, or another program that started it, still runs. */
  readonly ownerAlive: boolean;
  /** The client that was seen to run it and has exited. */
  readonly lostClient?: { readonly name: string; readonly pid: number };
  /** Since when it is without an owner, epoch ms; undefined when it had none when it was first seen. */
  readonly lostSince?: number;
  readonly stdin: ProcessDetail['stdin'];
  readonly listens: boolean | 'unknown';
  readonly memoryBytes: number;
}

export interface OwnerVerdict {
  /** It runs on its own on purpose. */
  readonly background: boolean;
  readonly finding?: Finding;
  /** Milliseconds until the verdict may change. */
  readonly askAgainIn?: number;
}

/** A server whose client just exited gets this long to notice the end of its input and exit. */
const leaveMs = 5_000;
/** Health checks and probes end before this age. */
const orphanAgeMs = 30_000;

/**
 * An orphan is a stdio server whose client has exited *and* whose standard input has no other end. Listeners, and servers whose input is the null device, a
 * file or a terminal, run on their own on purpose.
 */
export function judgeOwner(evidence: OwnerEvidence): OwnerVerdict {
  if (evidence.ownerAlive) {
    return { background: false };
  }
  if (evidence.listens === true || evidence.stdin === 'null-device' || evidence.stdin === 'file' || evidence.stdin === 'terminal') {
    return { background: true };
  }
  if (evidence.stdin === 'connected') {
    // A process that is not its parent holds the other end (a supervisor, a detached launcher): it is in use.
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
  const whose = lostClient ? t('{0} (PID {1}), which has exited', lostClient.name, lostClient.pid) : t('a client that has exited');
  const input =
    evidence.stdin === 'none'
      ? t('its input pipe is closed, so no client can reach it')
      : t('whether a process still holds the other end of its input pipe could not be read');
  return {
    kind: 'orphan',
    confidence,
    message: lostClient ? t('left running after {0} exited', lostClient.name) : t('left running after its client exited'),
    evidence: [t('PID {0} runs since {1}, started by {2}', evidence.pid, moment(evidence.startedAt, now), whose), input],
    since: new Date(evidence.lostSince ?? evidence.startedAt).toISOString(),
    actions: [{ kind: 'end' }],
  };
}
