import type { Instance } from '../../model/snapshot.ts';

/** What a restart was for, and what it has brought: said as it is, also when the server came back under the old version. */
export interface RestartResult {
  /** As the rest of a sentence that names the new process: ", runs 1.1.0", ", 1.0.0 -> 1.1.0"; empty when nothing is known. */
  readonly version: string;
  /** A sentence of its own, when what runs now is not what is installed either. */
  readonly warning?: string;
}

/** @param before the version that ran before; null = unknown @param after the process that runs now */
export function restartResult(before: string | null, after: Instance): RestartResult {
  const runs = after.package?.running ?? null;
  const installed = after.package?.installed ?? null;
  const stale = after.findings.find(({ kind, confidence }) => (kind === 'stale' || kind === 'files-gone') && confidence !== 'unknown');
  const version = runs === null ? '' : before === null || before === runs ? `, runs ${runs}` : `, ${before} -> ${runs}`;
  if (runs !== null && installed !== null && runs !== installed) {
    return {
      version,
      warning: `The new process ${before === runs ? 'still ' : ''}runs ${runs}, and ${installed} is installed: the restart did not cure that.`,
    };
  }
  return stale ? { version, warning: `The restart did not cure it: ${stale.message}.` } : { version };
}

/** Whether what a new process runs can be told yet: it is recorded when process and files have come to rest. */
export function isVersionSettled(before: string | null, after: Instance): boolean {
  return before === null || (after.package?.running ?? null) !== null;
}
