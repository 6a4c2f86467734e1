import { t } from '../../base/language/translate.ts';
import type { Finding } from '../../model/finding.ts';
import { type RunningServer, sinceText } from '../evidence.ts';
import { goneMs } from './packages.ts';

interface MissingScript extends RunningServer {
  /** The script on the command line of the process; there is no such file. */
  readonly path: string;
  /** It is the Python that runs a module instead: its environment was removed. */
  readonly python?: true;
  /** It was removed at this time or earlier, epoch ms. */
  readonly since: number;
  /** The script existed in an earlier scan of this process: its package was found by it. */
  readonly seen: boolean;
}

/** The script is gone. A restart fails, unless a package runner (npx, uvx) brings it again. */
export function judgeMissingScript(missing: MissingScript): { readonly finding?: Finding; readonly askAgainIn?: number } {
  const { now, since, path, actions } = missing;
  const wait = goneMs - Math.max(0, now - since);
  if (wait > 0) {
    return { askAgainIn: wait };
  }
  const finding: Finding = {
    kind: 'files-gone',
    confidence: missing.seen ? 'proven' : 'likely',
    message:
      missing.python === true
        ? t('the Python it was started with is gone: whatever it has not loaded yet may fail, and so may a restart')
        : t('the script it was started with is gone: whatever it has not loaded yet may fail, and so may a restart'),
    evidence: [
      t('runs {0}', sinceText(missing)),
      t('{0} does not exist', path),
      missing.seen
        ? t('how known: its command line names it, and it existed when the process was first seen')
        : t('how known: its command line names it; what was loaded was not recorded while that existed, so this is likely, not proven'),
    ],
    since: new Date(since).toISOString(),
    actions,
  };
  return { finding };
}
