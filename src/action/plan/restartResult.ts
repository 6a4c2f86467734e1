import { t } from '../../base/language/translate.ts';
import type { Instance } from '../../model/snapshot.ts';

/** The change that a restart made. A server that came back in the old version has one too. */
interface RestartResult {
  /** The end of a sentence about the new process: ", runs 1.1.0", ", 1.0.0 -> 1.1.0"; empty when the version is unknown. */
  readonly version: string;
  /** A sentence, when the new process does not run the installed version either. */
  readonly warning?: string;
}

/** @param before the version that ran before; null = unknown @param after the process that runs now */
export function restartResult(before: string | null, after: Instance): RestartResult {
  const runs = after.package?.running ?? null;
  const installed = after.package?.installed ?? null;
  const stale = after.findings.find(({ kind, confidence }) => (kind === 'stale' || kind === 'files-gone') && confidence !== 'unknown');
  const version = runs === null ? '' : before === null || before === runs ? `, ${t('runs {0}', runs)}` : `, ${before} → ${runs}`;
  if (runs !== null && installed !== null && runs !== installed) {
    return {
      version,
      warning:
        before === runs
          ? t('The new process still runs {0}, but {1} is installed: the restart did not fix that.', runs, installed)
          : t('The new process runs {0}, but {1} is installed: the restart did not fix that.', runs, installed),
    };
  }
  return stale ? { version, warning: t('The restart did not fix it: {0}.', stale.message) } : { version };
}

/** Whether the version of a new process is known yet: it is recorded when process and files have stopped changing. */
export function isVersionSettled(before: string | null, after: Instance): boolean {
  return before === null || (after.package?.running ?? null) !== null;
}
