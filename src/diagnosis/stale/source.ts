import type { Finding, FindingAction } from '../../model/finding.ts';
import { listText, moment } from '../wording.ts';
import { quietMs } from './baseline.ts';
import { goneMs } from './packages.ts';

/** What became of one file of source that the process loads, since it was first seen. */
export interface SourceChange {
  readonly path: string;
  readonly state: 'edited' | 'removed';
  /** Newest change there, epoch ms; of a removed file, since when it is missing. Undefined when nothing tells. */
  readonly changedAt?: number;
  /** It is the file that the process was started with, so it is certainly loaded. */
  readonly entry: boolean;
}

export interface SourceEvidence {
  /** Epoch ms. */
  readonly now: number;
  readonly pid: number;
  readonly startedAt: number;
  readonly startedBy?: string;
  /** When the files were recorded, epoch ms; undefined as long as they were not. */
  readonly recordedAt: number | undefined;
  readonly changes: readonly SourceChange[];
  /** Nothing of its source is there any more. */
  readonly gone: boolean;
  /**
   * Files that had been written after the start already when they were recorded. `differs`: what they held at the start is known all the same, by git or by
   * Python's compiled file, and it was something else; else it is not known what the process loaded of them.
   */
  readonly late: readonly { readonly path: string; readonly changedAt: number; readonly differs?: 'git' | 'compiled' }[];
  /** Commits of the work tree when the process started and now, where git's log tells. */
  readonly commits?: { readonly atStart: string; readonly now: string };
  /** Files that may not be read now. */
  readonly unreadable: readonly string[];
  readonly cure: readonly FindingAction[];
}

export interface SourceVerdict {
  readonly findings: readonly Finding[];
  readonly unknown?: string;
  readonly askAgainIn?: number;
}

const mostFiles = 8;

/**
 * Says whether the source that a process uses in place was edited under it. Content is compared, of files that it loads: a touch, a checkout back and forth, a
 * build with the same result, tests, documentation and compiled files change nothing.
 */
export function judgeSource(evidence: SourceEvidence): SourceVerdict {
  const { now, late } = evidence;
  // A build removes its output and writes it anew: what is missing gets the time that an installer gets.
  const missing = evidence.changes.filter((change) => change.state === 'removed' && now - (change.changedAt ?? now) < goneMs);
  if (missing.length > 0) {
    const oldest = Math.min(...missing.map((change) => change.changedAt ?? now));
    return { findings: [], unknown: `${listText(missing.map(({ path }) => path))} does not exist`, askAgainIn: goneMs - (now - oldest) };
  }
  const { changes } = evidence;
  const edited = changes.filter((change) => change.state === 'edited');
  const newest = Math.max(0, ...edited.map((change) => change.changedAt ?? 0));
  if (evidence.gone) {
    return { findings: [goneFinding(evidence)] };
  }
  if (changes.length > 0 && newest <= now && now - newest < quietMs) {
    return { findings: [], unknown: 'its source is changing right now', askAgainIn: quietMs - (now - newest) };
  }
  if (changes.length > 0) {
    return { findings: [editedFinding(evidence, newest)] };
  }
  const differing = late.filter(({ differs }) => differs !== undefined);
  if (differing.length > 0) {
    return { findings: [lateEditFinding(evidence, differing)] };
  }
  if (late.length > 0) {
    const { commits } = evidence;
    if (commits && commits.atStart !== commits.now) {
      return { findings: [lateFinding(evidence, commits)] };
    }
    return {
      findings: [],
      unknown: `${listText(late.map(({ path }) => path))} ${late.length === 1 ? 'was' : 'were'} written after it started, before MCP Shepherd first saw it: whether what it runs differs is not known`,
    };
  }
  const [first] = evidence.unreadable;
  return first === undefined ? { findings: [] } : { findings: [], unknown: `its source cannot be compared: ${first} may not be read` };
}

function runs(evidence: SourceEvidence): string {
  const by = evidence.startedBy ? `, started by ${evidence.startedBy}` : '';
  return `runs since ${moment(evidence.startedAt, evidence.now)} (PID ${evidence.pid}${by})`;
}

function editedFinding(evidence: SourceEvidence, newest: number): Finding {
  const { now, changes, commits, startedAt } = evidence;
  const times = changes.map((change) => change.changedAt ?? 0);
  const latest = Math.max(newest, ...times);
  const since = latest > startedAt && latest <= now ? latest : now;
  const names = listText(changes.map(({ path }) => fileName(path)));
  const entry = changes.some((change) => change.entry);
  return {
    kind: 'stale',
    subKind: 'source',
    // A module of the program may be loaded only when it is needed; its entry always is.
    confidence: entry ? 'proven' : 'likely',
    message: `its source was edited since it started: ${names}`,
    evidence: [
      runs(evidence),
      ...changes
        .slice(0, mostFiles)
        .map(({ path, state, changedAt }) =>
          state === 'removed'
            ? `${path} is gone`
            : `${path} has other content${changedAt === undefined ? '' : `, changed ${moment(changedAt, now)}`}`,
        ),
      ...(changes.length > mostFiles ? [`and ${changes.length - mostFiles} more of its files`] : []),
      ...(commits && commits.atStart !== commits.now ? [commitText(commits)] : []),
      `how known: the contents of the files that it loads were recorded ${moment(evidence.recordedAt ?? now, now)}, while it ran, and differ from those on disk`,
    ],
    since: new Date(since).toISOString(),
    actions: evidence.cure,
  };
}

function goneFinding(evidence: SourceEvidence): Finding {
  const since = Math.min(evidence.now, ...evidence.changes.map((change) => change.changedAt ?? evidence.now));
  const [first] = evidence.changes;
  return {
    kind: 'files-gone',
    confidence: 'proven',
    message: 'the source that it was started from is gone: a restart fails, and whatever it has not loaded yet will too',
    evidence: [runs(evidence), `${first?.path ?? 'its entry'} does not exist`],
    since: new Date(since).toISOString(),
    actions: evidence.cure,
  };
}

function lateFinding(evidence: SourceEvidence, commits: { readonly atStart: string; readonly now: string }): Finding {
  const { now, late } = evidence;
  const newest = Math.max(...late.map(({ changedAt }) => changedAt));
  return {
    kind: 'stale',
    subKind: 'source',
    confidence: 'likely',
    message: `runs source from before ${commits.now.slice(0, 7)} was checked out (${moment(newest, now)})`,
    evidence: [
      runs(evidence),
      commitText(commits),
      ...late.slice(0, mostFiles).map(({ path, changedAt }) => `${path} was written ${moment(changedAt, now)}`),
      'how known: git’s log of HEAD says where it stood when the process started; what the process loaded was not recorded then, so this is likely, not proven',
    ],
    since: new Date(newest).toISOString(),
    actions: evidence.cure,
  };
}

const howDiffers = {
  git: 'git: the commit that was checked out when it started has other content',
  compiled: 'Python’s compiled file, made of what it loaded, is of a source of another size',
} as const;

function lateEditFinding(evidence: SourceEvidence, differing: SourceEvidence['late']): Finding {
  const { now, commits } = evidence;
  const newest = Math.max(...differing.map(({ changedAt }) => changedAt));
  return {
    kind: 'stale',
    subKind: 'source',
    confidence: 'likely',
    message: `its source was edited since it started: ${listText(differing.map(({ path }) => fileName(path)))}`,
    evidence: [
      runs(evidence),
      ...differing
        .slice(0, mostFiles)
        .map(({ path, changedAt, differs }) => `${path} was written ${moment(changedAt, now)}; ${howDiffers[differs ?? 'git']}`),
      ...(differing.length > mostFiles ? [`and ${differing.length - mostFiles} more of its files`] : []),
      ...(commits && commits.atStart !== commits.now ? [commitText(commits)] : []),
      'how known: by what was written down about the files before it started; what the process itself loaded was not recorded then, so this is likely, not proven',
    ],
    since: new Date(newest).toISOString(),
    actions: evidence.cure,
  };
}

function commitText(commits: { readonly atStart: string; readonly now: string }): string {
  return `git: HEAD was ${commits.atStart.slice(0, 7)} when it started and is ${commits.now.slice(0, 7)}`;
}

function fileName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}
