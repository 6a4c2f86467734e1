import { t } from '../../base/language/translate.ts';
import type { Finding } from '../../model/finding.ts';
import { type FindingDraft, finalFinding, type RunningServer, sinceField, sinceText } from '../evidence.ts';

/** Native code that a process has loaded and whose file was replaced, shown by the layouts of both. */
interface NativeProof {
  readonly path: string;
  readonly package?: string;
}

/**
 * Adds proof from the kernel: the process holds native code whose file was deleted, and the file at that path now has another layout. This proves a
 * replacement even if it happened before the first scan, so a verdict from times alone becomes proven. Where nothing else changed, it is a finding of its own.
 */
export function withNativeProof(findings: readonly FindingDraft[], proofs: readonly NativeProof[], server: RunningServer): Finding[] {
  const [first] = proofs;
  if (!first) {
    return findings.map(finalFinding);
  }
  const lines = proofs.map(({ path }) => t('PID {0} holds the deleted {1}; the file there now has another layout', server.pid, path));
  const at = findings.findIndex((finding) => finding.kind === 'stale' && finding.subKind !== 'interpreter' && finding.subKind !== 'binary');
  const draft = findings[at];
  if (!draft) {
    const name = first.package ?? first.path.split('/').at(-1) ?? first.path;
    const own: Finding = {
      kind: 'stale',
      subKind: 'content',
      confidence: 'proven',
      message: t('runs native code of {0} that was replaced', name),
      evidence: [t('runs {0}', sinceText(server)), ...lines],
      ...sinceField(undefined, server.now),
      actions: server.actions,
    };
    return [...findings.map(finalFinding), own];
  }
  const kept = draft.confidence === 'proven' ? draft.evidence : draft.evidence.filter(({ source }) => source !== 'how-known');
  const proven: Finding = { ...draft, confidence: 'proven', evidence: [...kept.map(({ text }) => text), ...lines] };
  return findings.map(finalFinding).with(at, proven);
}
