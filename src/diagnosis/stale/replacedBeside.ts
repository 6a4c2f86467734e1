import { msg, t, translated } from '../../base/language/translate.ts';
import { listText } from '../../base/singleLine.ts';
import type { Finding } from '../../model/finding.ts';
import type { Ecosystem, PackageChange } from '../../model/package.ts';
import { changeDirection, isSameVersion } from '../../version/compareVersions.ts';
import { type RunningServer, sinceField, sinceText } from '../evidence.ts';
import { changeText } from '../wording.ts';

/** One version of a package, and where it is. */
interface PlacedVersion {
  readonly version: string;
  /** Directory of the package, or file of its metadata. */
  readonly place: string;
}

export interface BesideEvidence extends RunningServer {
  readonly ecosystem: Ecosystem;
  readonly name: string;
  readonly running: PlacedVersion & {
    /**
     * `recorded`: when it was first seen, or by the server or its guard; `path`: its command line names the versioned directory; `concluded`: otherwise.
     */
    readonly by: 'recorded' | 'path' | 'concluded';
  };
  /** The place that the command leads to now. */
  readonly leads: PlacedVersion;
  /** Dependencies whose version differs between the two places. */
  readonly dependencies: readonly PackageChange[];
  /**
   * The thing that was followed: a command; or what the client starts after it is loaded again: the installed version of its `extension` or `plugin`, or the entry's command
   * with the PATH of a new `session`.
   */
  readonly followed: 'entry' | 'command line' | 'extension' | 'plugin' | 'session';
  /** Newest change on the way, epoch ms; undefined when nothing is on the way. */
  readonly changedAt?: number;
}

const commands = {
  entry: msg('the command of its entry'),
  'command line': msg('its own command line'),
  extension: msg('the list of installed extensions'),
  plugin: msg('the list of installed plugins'),
  session: msg('the command of its entry in a new session'),
} as const;

/**
 * The verdict when the command of a server leads to another version on this disk than the one that runs, which is still there or was removed. Equal versions are no finding,
 * wherever they are, unless a dependency differs. Undefined when nothing differs, or when the versions cannot be compared.
 */
export function judgeReplacedBeside(evidence: BesideEvidence): Finding | undefined {
  const { ecosystem, name, running, leads, dependencies, followed, startedAt, changedAt = 0 } = evidence;
  const equal = isSameVersion(ecosystem, running.version, leads.version);
  const direction = equal ? undefined : changeDirection(ecosystem, running.version, leads.version);
  if (direction === undefined && dependencies.length === 0) {
    return undefined;
  }
  const command = translated(commands[followed]);
  const now = direction === 'downgrade' ? t('{0} (downgrade)', leads.version ?? '') : (leads.version ?? '');
  return {
    kind: 'stale',
    subKind: 'replaced-beside',
    // The user may have chosen the version of this session without the default.
    confidence: running.by === 'concluded' || followed === 'session' ? 'likely' : 'proven',
    message:
      direction === undefined
        ? t(
            'runs {0} with other dependencies than the installation that {1} leads to: {2}',
            name,
            command,
            listText(dependencies.map(changeText)),
          )
        : t('runs {0} {1}, installed beside it is {2}, to which {3} leads now', name, running.version, now, command),
    evidence: [
      t('runs {0} {1} {2}, from {3}', name, running.version, sinceText(evidence), running.place),
      t('{0} leads to {1} {2} in {3}', command, name, leads.version, leads.place),
      t('how known: {0}; the other version was read from the files to which the command leads', translated(howKnown[running.by])),
    ],
    ...sinceField(changedAt > startedAt ? changedAt : undefined, evidence.now),
    actions: evidence.actions,
  };
}

interface RemovedEvidence extends RunningServer, Pick<BesideEvidence, 'name' | 'leads' | 'followed' | 'changedAt'> {
  /** The script on its command line, which does not exist. */
  readonly script: string;
}

/** Its script was removed before the first scan, and the command of its entry leads to another installation: an upgrade, as far as can be known. */
export function judgeRemovedBeside(evidence: RemovedEvidence): Finding {
  const { name, leads, followed, script, startedAt, changedAt = 0 } = evidence;
  const command = translated(commands[followed]);
  return {
    kind: 'stale',
    subKind: 'replaced-beside',
    confidence: 'likely',
    message: t('runs code that was removed; {0} leads to {1} {2} now', command, name, leads.version),
    evidence: [
      t('runs {0}', sinceText(evidence)),
      t('{0}, by which it was started, does not exist', script),
      t('{0} leads to {1} {2} in {3}', command, name, leads.version, leads.place),
      t('how known: its command line names the script; which version that was is not known, so this is likely, not proven'),
    ],
    ...sinceField(changedAt > startedAt ? changedAt : undefined, evidence.now),
    actions: evidence.actions,
  };
}

const howKnown = {
  recorded: msg('the version that runs was recorded while this process ran'),
  path: msg('the command line of the process names the directory of the version that runs'),
  concluded: msg('the version that runs is concluded from the files that were there when it was first seen'),
} as const;
