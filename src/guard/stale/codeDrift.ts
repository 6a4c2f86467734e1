import type { ClosureReading, InstalledPackage, PackageChange } from '../../model/package.ts';
import { diffReadings, isProvenRemoved } from '../../package/closureDiff.ts';
import { type LoadedCode, shownPackageName } from './serverCode.ts';

/** One package that is not what runs. `how`: `source` is an editable install, whose files are meant to be edited under the process. */
export interface DriftedPackage {
  readonly name: string;
  readonly serving: string;
  /** `not installed` when it is gone. */
  readonly installed: string;
  readonly how: 'upgrade' | 'downgrade' | 'changed' | 'removed' | 'reinstalled' | 'source';
}

/** What the files on disk say of what runs. `unreadable` names what could not be compared, whatever the state. */
export type CodeState =
  | { readonly state: 'unchanged'; readonly unreadable: readonly string[] }
  /** `replacing`: an installer is at work right now, so this may pass. */
  | {
      readonly state: 'changed';
      readonly packages: readonly DriftedPackage[];
      readonly unreadable: readonly string[];
      readonly replacing: boolean;
    }
  /** Nothing can be said; the call passes, and the reason is reported. It holds no text of a file. */
  | { readonly state: 'unreadable'; readonly reason: string; readonly unreadable: readonly string[] };

export interface DriftQuestion {
  readonly loaded: LoadedCode;
  readonly editable: boolean;
  readonly now: ClosureReading;
  /** Epoch ms. */
  readonly at: number;
  /** Whether a place on disk is proven to be empty; asked for packages that seem to be gone. */
  readonly isGone: (root: string) => boolean;
}

/** Younger changes may be half of an install. */
const quietMs = 500;
const gone = 'not installed';

/**
 * Compares what a child loaded with what is on disk now: by versions and recorded content, never by times. Only packages of the closure count. What cannot be
 * read is no change. A package counts as gone only when its place is empty and everything around it could be read.
 */
export function compareCode(question: DriftQuestion): CodeState {
  const { loaded, now } = question;
  const [own] = loaded.packages;
  if (now.status === 'unreadable') {
    return { state: 'unreadable', reason: 'the files of its packages cannot be read', unreadable: own ? [shownPackageName(own.name)] : [] };
  }
  if (now.status === 'gone') {
    // Not the package's own directory alone: that one would be a reading with other packages.
    if (!own || !question.isGone(own.root)) {
      return {
        state: 'unreadable',
        reason: 'the files it was started from cannot be found',
        unreadable: own ? [shownPackageName(own.name)] : [],
      };
    }
    const packages: DriftedPackage[] = [
      { name: shownPackageName(own.name), serving: own.version ?? 'unknown', installed: gone, how: 'removed' },
    ];
    return { state: 'changed', packages, unreadable: [], replacing: false };
  }
  const unreadable = unreadableNames(loaded.packages, now.packages);
  const difference = diffReadings(loaded, now);
  const changes = [
    ...(difference.own ? [{ ...difference.own, isOwn: true }] : []),
    ...difference.dependencies.map((change) => ({ ...change, isOwn: false })),
  ];
  const packages = changes
    .filter(
      (change) => change.direction !== 'removed' || (unreadable.length === 0 && isProvenRemoved(change, loaded.packages, question.isGone)),
    )
    .map((change) => drifted(change, change.isOwn && question.editable));
  if (packages.length > 0) {
    return { state: 'changed', packages, unreadable, replacing: Math.abs(question.at - now.changedAt) < quietMs };
  }
  const [seen] = now.packages;
  return own?.version !== undefined && seen?.version === undefined
    ? { state: 'unreadable', reason: 'its version cannot be read', unreadable }
    : { state: 'unchanged', unreadable };
}

/** Packages whose version was known and is not any more, although something is there. */
function unreadableNames(before: readonly InstalledPackage[], now: readonly InstalledPackage[]): string[] {
  // A directory's name is all that is known of a package whose metadata cannot be read.
  const plain = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, '-');
  const blank = new Set(now.filter((item) => item.version === undefined).map((item) => plain(item.name)));
  const names = before
    .filter((item) => item.version !== undefined && blank.has(plain(item.name)))
    .map((item) => shownPackageName(item.name));
  return [...new Set(names)];
}

function drifted(change: PackageChange, source: boolean): DriftedPackage {
  const how = source ? 'source' : change.direction === 'content' ? 'reinstalled' : change.direction;
  return {
    name: shownPackageName(change.name),
    serving: change.running ?? 'unknown',
    installed: change.direction === 'removed' ? gone : (change.installed ?? 'unknown'),
    how,
  };
}

/** A text that is the same for the same drift: one line of log for each. */
export function driftKey(packages: readonly DriftedPackage[]): string {
  return packages.map(({ name, serving, installed, how }) => `${name} ${serving} ${installed} ${how}`).join('\n');
}

/** Whether the change may refuse calls. An editable install is edited on purpose while it runs. */
export function refusingPackages(packages: readonly DriftedPackage[]): readonly DriftedPackage[] {
  return packages.filter(({ how }) => how !== 'source');
}
