import type { Finding, FindingAction } from '../../model/finding.ts';
import { moment } from '../wording.ts';

/** Native code that a process has loaded and whose file is another one now, by the layout of both. */
export interface NativeProof {
  readonly path: string;
  readonly package?: string;
}

export interface NativeContext {
  /** Epoch ms. */
  readonly now: number;
  readonly pid: number;
  readonly startedAt: number;
  readonly cure: readonly FindingAction[];
}

/**
 * Adds what the kernel knows: a process holds native code that was removed, and the file at its place is laid out differently. That proves a replacement
 * whoever was first to look, so a verdict from times alone becomes proven; where nothing else changed, it is a finding of its own.
 */
export function withNativeProof(findings: readonly Finding[], proofs: readonly NativeProof[], context: NativeContext): Finding[] {
  const [first] = proofs;
  if (!first) {
    return [...findings];
  }
  const lines = proofs.map(({ path }) => `PID ${context.pid} holds the deleted ${path}; the file there now is laid out differently`);
  const at = findings.findIndex((finding) => finding.kind === 'stale' && finding.subKind !== 'interpreter' && finding.subKind !== 'binary');
  const told = findings[at];
  if (!told) {
    const name = first.package ?? first.path.split('/').at(-1) ?? first.path;
    const own: Finding = {
      kind: 'stale',
      subKind: 'content',
      confidence: 'proven',
      message: `runs native code of ${name} that was replaced`,
      evidence: [`runs since ${moment(context.startedAt, context.now)} (PID ${context.pid})`, ...lines],
      since: new Date(context.now).toISOString(),
      actions: context.cure,
    };
    return [...findings, own];
  }
  const evidence = told.confidence === 'proven' ? told.evidence : told.evidence.filter((line) => !line.startsWith('how known:'));
  return findings.with(at, { ...told, confidence: 'proven', evidence: [...evidence, ...lines] });
}
