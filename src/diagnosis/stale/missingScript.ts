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
    message: 'the script it was started with is gone: a restart fails, and so may whatever it has not loaded yet',
    evidence: [
      `runs ${sinceText(missing)}`,
      `${path} does not exist`,
      missing.seen
        ? 'how known: its command line names the script, which existed when it was first seen'
        : 'how known: its command line names the script; what it loaded was not recorded while the script existed, so this is likely, not proven',
    ],
    since: new Date(since).toISOString(),
    actions,
  };
  return { finding };
}
