import { t } from '../../base/language/translate.ts';
import type { Finding } from '../../model/finding.ts';
import { type RunningServer, sinceField, sinceText } from '../evidence.ts';
import { moment } from '../wording.ts';
import { goneMs } from './packages.ts';

/** A script of a package.json by which a server was started. */
interface ScriptEvidence extends RunningServer {
  readonly file: string;
  readonly name: string;
  /** Its line when the server started, and when that was recorded, epoch ms; undefined when it was not. */
  readonly before?: { readonly line: string; readonly takenAt: number };
  /** The last change of the file, or of the nearest directory when it is gone; epoch ms. */
  readonly changedAt: number;
}

/** The package script by which a server was started is not there: a restart fails. */
export function judgeMissingPackageScript(evidence: ScriptEvidence): { readonly finding?: Finding; readonly askAgainIn?: number } {
  const { file, name, before, now } = evidence;
  const since = Math.min(now, evidence.changedAt || now);
  const wait = goneMs - (now - since);
  if (wait > 0) {
    return { askAgainIn: wait };
  }
  const finding: Finding = {
    kind: 'files-gone',
    confidence: before ? 'proven' : 'likely',
    message: t('the package script “{0}” that it was started by is gone: a restart fails', name),
    evidence: [
      t('runs {0}', sinceText(evidence)),
      t('{0} has no script {1}, and its project no program of that name', file, name),
      before
        ? t('how known: it was recorded {0}, while this process ran', moment(before.takenAt, now))
        : t('how known: its command names the script'),
    ],
    ...sinceField(since > evidence.startedAt ? since : undefined, now),
    actions: evidence.actions,
  };
  return { finding };
}

/** The package script by which a server was started starts another file of the same source in place. @param entries the file that it runs, and that other one */
export function judgeOtherEntry(
  evidence: ScriptEvidence & { readonly before: NonNullable<ScriptEvidence['before']> },
  entries: readonly [string, string],
): Finding {
  const { file, name, before, changedAt, startedAt, now } = evidence;
  return {
    kind: 'stale',
    subKind: 'source',
    // The other file may only load the one that runs.
    confidence: 'likely',
    message: t('runs {0}; its package script “{1}” starts {2} now', entries[0], name, entries[1]),
    evidence: [
      t('runs {0}', sinceText(evidence)),
      t('the script {0} in {1} was changed', name, file),
      t(
        'how known: the script was recorded {0}, while this process ran, and differs from the one in the file',
        moment(before.takenAt, now),
      ),
    ],
    ...sinceField(changedAt > startedAt ? changedAt : undefined, now),
    actions: evidence.actions,
  };
}
