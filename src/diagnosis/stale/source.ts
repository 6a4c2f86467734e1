import { msg, t, translated } from '../../base/language/translate.ts';
import { listText } from '../../base/singleLine.ts';
import type { Finding } from '../../model/finding.ts';
import { type RunningServer, sinceField, sinceText } from '../evidence.ts';
import { moment } from '../wording.ts';
import { quietMs } from './baseline.ts';
import { goneMs } from './packages.ts';

/** The change of one source file that the process loads, since it was first seen. */
export interface SourceChange {
  readonly path: string;
  readonly state: 'edited' | 'removed';
  /** Newest change of the file, epoch ms; for a removed file, since when it is missing. Undefined when that cannot be told. */
  readonly changedAt?: number;
  /** It is the file that the process was started with, so it is certainly loaded. */
  readonly entry: boolean;
}

interface Commits {
  readonly atStart: string;
  readonly now: string;
}

export interface SourceEvidence extends RunningServer {
  /** When the files were recorded, epoch ms; undefined as long as they were not. */
  readonly recordedAt: number | undefined;
  readonly changes: readonly SourceChange[];
  /** None of its source files exists. */
  readonly gone: boolean;
  /**
   * Files written after the start and before they were recorded. `differs`: git or Python's compiled file shows what the file held at the start, and that
   * was something else; without it, what the process loaded of the file is not known.
   */
  readonly late: readonly { readonly path: string; readonly changedAt: number; readonly differs?: 'git' | 'compiled' }[];
  /** Commits of the work tree when the process started and now, where git's log shows them. */
  readonly commits?: Commits;
  /** Files that cannot be read now. */
  readonly unreadable: readonly string[];
}

export interface SourceVerdict {
  readonly findings: readonly Finding[];
  readonly unknown?: string;
  /** Milliseconds after which the same question may have another answer without any event. */
  readonly askAgainIn?: number;
}

/** At most this many files are listed in the evidence. */
const mostFiles = 8;

/**
 * Judges whether source that a process uses in place was edited under it. The contents of the files that it loads are compared: a touch, a checkout back and
 * forth, a build with the same result, tests, documentation and compiled files change nothing.
 */
export function judgeSource(evidence: SourceEvidence): SourceVerdict {
  const { now, late, changes } = evidence;
  // A build removes its output and writes it again: a missing file gets as much time as an installer.
  const missing = changes.filter((change) => change.state === 'removed' && now - (change.changedAt ?? now) < goneMs);
  if (missing.length > 0) {
    const oldest = Math.min(...missing.map((change) => change.changedAt ?? now));
    return {
      findings: [],
      unknown: t('{0} does not exist', listText(missing.map(({ path }) => path))),
      askAgainIn: goneMs - (now - oldest),
    };
  }
  const edited = changes.filter((change) => change.state === 'edited');
  const newest = Math.max(0, ...edited.map((change) => change.changedAt ?? 0));
  if (evidence.gone) {
    return { findings: [goneFinding(evidence)] };
  }
  if (changes.length > 0 && newest <= now && now - newest < quietMs) {
    return { findings: [], unknown: t('its source is changing right now'), askAgainIn: quietMs - (now - newest) };
  }
  if (changes.length > 0) {
    return { findings: [editedFinding(evidence, newest)] };
  }
  const differing = late.filter(({ differs }) => differs !== undefined);
  if (differing.length > 0) {
    return { findings: [editedBeforeFirstScan(evidence, differing)] };
  }
  if (late.length > 0) {
    const { commits } = evidence;
    if (commits && commits.atStart !== commits.now) {
      return { findings: [checkedOutBeforeFirstScan(evidence, commits)] };
    }
    return {
      findings: [],
      unknown: lateText(late.map(({ path }) => path)),
    };
  }
  const [first] = evidence.unreadable;
  return first === undefined ? { findings: [] } : { findings: [], unknown: t('its source cannot be compared: {0} cannot be read', first) };
}

function editedFinding(evidence: SourceEvidence, newest: number): Finding {
  const { now, changes, startedAt } = evidence;
  const times = changes.map((change) => change.changedAt ?? 0);
  const latest = Math.max(newest, ...times);
  const since = latest > startedAt && latest <= now ? latest : undefined;
  const entry = changes.some((change) => change.entry);
  return {
    kind: 'stale',
    subKind: 'source',
    // A module of the program may be loaded later, when it is needed; the entry file is always loaded.
    confidence: entry ? 'proven' : 'likely',
    message: t('its source was edited since it started: {0}', listText(changes.map(({ path }) => fileName(path)))),
    evidence: [
      t('runs {0}', sinceText(evidence)),
      ...changes
        .slice(0, mostFiles)
        .map(({ path, state, changedAt }) =>
          state === 'removed'
            ? t('{0} is gone', path)
            : changedAt === undefined
              ? t('{0} has other content', path)
              : t('{0} has other content, changed {1}', path, moment(changedAt, now)),
        ),
      ...moreLines(changes.length, evidence),
      t(
        'how known: the contents of the files that it loads were recorded {0}, while it ran, and differ from those on disk',
        moment(evidence.recordedAt ?? now, now),
      ),
    ],
    ...sinceField(since, now),
    actions: evidence.actions,
  };
}

function goneFinding(evidence: SourceEvidence): Finding {
  const times = evidence.changes.flatMap((change) => change.changedAt ?? []);
  const [first] = evidence.changes;
  return {
    kind: 'files-gone',
    confidence: 'proven',
    message: t('the source that it was started from is gone: a restart fails, and so will whatever it has not loaded yet'),
    evidence: [t('runs {0}', sinceText(evidence)), t('{0} does not exist', first?.path ?? t('its entry'))],
    ...sinceField(times.length === 0 ? undefined : Math.min(evidence.now, ...times), evidence.now),
    actions: evidence.actions,
  };
}

function checkedOutBeforeFirstScan(evidence: SourceEvidence, commits: Commits): Finding {
  const { now, late } = evidence;
  const newest = Math.max(...late.map(({ changedAt }) => changedAt));
  return {
    kind: 'stale',
    subKind: 'source',
    confidence: 'likely',
    message: t('runs source from before {0} was checked out ({1})', commits.now.slice(0, 7), moment(newest, now)),
    evidence: [
      t('runs {0}', sinceText(evidence)),
      commitText(commits),
      ...late.slice(0, mostFiles).map(({ path, changedAt }) => t('{0} was written {1}', path, moment(changedAt, now))),
      t(
        'how known: git’s log shows which commit was checked out when the process started; what the process loaded was not recorded then, so this is likely, not proven',
      ),
    ],
    since: new Date(newest).toISOString(),
    actions: evidence.actions,
  };
}

const howDiffers = {
  git: msg('git: the commit that was checked out when it started has other content'),
  compiled: msg('Python’s compiled file, made from what it loaded, names a source of another size'),
} as const;

function editedBeforeFirstScan(evidence: SourceEvidence, differing: SourceEvidence['late']): Finding {
  const { now } = evidence;
  const newest = Math.max(...differing.map(({ changedAt }) => changedAt));
  return {
    kind: 'stale',
    subKind: 'source',
    confidence: 'likely',
    message: t('its source was edited since it started: {0}', listText(differing.map(({ path }) => fileName(path)))),
    evidence: [
      t('runs {0}', sinceText(evidence)),
      ...differing
        .slice(0, mostFiles)
        .map(({ path, changedAt, differs }) =>
          t('{0} was written {1}; {2}', path, moment(changedAt, now), translated(howDiffers[differs ?? 'git'])),
        ),
      ...moreLines(differing.length, evidence),
      t(
        'how known: by what git or Python kept of the files before the start; what the process itself loaded was not recorded then, so this is likely, not proven',
      ),
    ],
    since: new Date(newest).toISOString(),
    actions: evidence.actions,
  };
}

/** How many files the list leaves out, and the commits when they differ. */
function moreLines(files: number, { commits }: SourceEvidence): string[] {
  return [
    ...(files > mostFiles ? [t('and {0} more of its files', files - mostFiles)] : []),
    ...(commits && commits.atStart !== commits.now ? [commitText(commits)] : []),
  ];
}

function commitText({ atStart, now }: Commits): string {
  return t('git: HEAD was {0} when it started and is {1}', atStart.slice(0, 7), now.slice(0, 7));
}

function fileName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}

function lateText(paths: readonly string[]): string {
  return paths.length === 1
    ? t(
        '{0} was written after it started and before MCP Shepherd first saw it: whether it runs something else is not known',
        paths[0] ?? '',
      )
    : t(
        '{0} were written after it started and before MCP Shepherd first saw it: whether it runs something else is not known',
        listText(paths),
      );
}
