import { t } from '../../base/language/translate.ts';
import type { Finding } from '../../model/finding.ts';
import { type RunningServer, sinceText } from '../evidence.ts';
import { goneMs } from './packages.ts';

interface MissingScript extends RunningServer {
  /** The script on the command line of the process; there is no such file. */
  readonly path: string;
  /** It was removed at this time or earlier, epoch ms. */
  readonly since: number;
  /** The script existed in an earlier scan of this process: its package was found by it. */
  readonly seen: boolean;
}

/** The script is gone: a restart fails, whatever it was. */
export function judgeMissingScript(missing: MissingScript): { readonly finding?: Finding; readonly askAgainIn?: number } {
  const { now, since, path, actions } = missing;
  const wait = goneMs - Math.max(0, now - since);
  if (wait > 0) {
    return { askAgainIn: wait };
  }
  const finding: Finding = {
    kind: 'files-gone',
    confidence: missing.seen ? 'proven' : 'likely',
    message: t('the script it was started with is gone: a restart fails, and so may whatever it has not loaded yet'),
    evidence: [
      t('runs {0}', sinceText(missing)),
      t('{0} does not exist', path),
      missing.seen
        ? t('how known: its command line names the script, which existed when it was first seen')
        : t(
            'how known: its command line names the script; what it loaded was not recorded while the script existed, so this is likely, not proven',
          ),
    ],
    since: new Date(since).toISOString(),
    actions,
  };
  return { finding };
}
