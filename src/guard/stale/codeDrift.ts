import type { ClosureReading, InstalledPackage, PackageChange } from '../../model/package.ts';
import { diffReadings, isOtherVersion, isProvenRemoved } from '../../package/closureDiff.ts';
import { normalizePythonName } from '../../version/pythonSpec.ts';
import { type LoadedCode, shownPackageName } from './serverCode.ts';

/** One package that differs from what runs. `how`: `source` is source used in place, to which no restart happens by itself. */
export interface DriftedPackage {
  readonly name: string;
  readonly serving: string;
  /** `not installed` when it was removed. */
  readonly installed: string;
  readonly how: 'upgrade' | 'downgrade' | 'changed' | 'removed' | 'reinstalled' | 'edited' | 'source';
}

interface ChangedCode {
  readonly state: 'changed';
  readonly packages: readonly DriftedPackage[];
  readonly unreadable: readonly string[];
  /** An installer is at work, so the state may not last. */
  readonly replacing: boolean;
}

/** How the code that runs compares with the files on disk. `unreadable` names packages that could not be compared, in every state. */
export type CodeState =
  | { readonly state: 'unchanged'; readonly unreadable: readonly string[] }
  | ChangedCode
  /** No statement is possible; calls pass and the reason is reported. The reason holds no text of a file. */
  | { readonly state: 'unreadable'; readonly reason: string; readonly unreadable: readonly string[] };

interface DriftQuestion {
  readonly loaded: LoadedCode;
  readonly editable: boolean;
  readonly now: ClosureReading;
  /** Epoch ms. */
  readonly at: number;
  /** Whether a folder is proven not to exist; called for packages that seem to be removed. */
  readonly isGone: (root: string) => boolean;
}

/** A change younger than this may be a half-finished installation, ms. */
const quietMs = 500;
const gone = 'not installed';

/**
 * Compares the code that a server loaded with what is on disk now: by versions and recorded content, never by times. Only packages of the closure count. An
 * unreadable package is not a change. A package counts as removed only when its folder does not exist and everything around it could be read.
 */
export function compareCode(question: DriftQuestion): CodeState {
  const { loaded, now } = question;
  const [own] = loaded.packages;
  if (now.status === 'unreadable') {
    return { state: 'unreadable', reason: 'the files of its packages cannot be read', unreadable: own ? [shownPackageName(own.name)] : [] };
  }
  if (now.status === 'gone') {
    // `gone`: not only the package's own folder is missing, but also what it was found through.
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

/**
 * Compares the code that a server loaded with another installation of its package, which a restart would load. Equal versions are no change, whatever their content:
 * the same version was built or copied again.
 * @param changedAt of the way there, epoch ms
 * @returns undefined when no version differs, and for another package
 */
export function compareBeside(loaded: LoadedCode, beside: LoadedCode, at: number, changedAt: number): ChangedCode | undefined {
  const { own, dependencies } = diffReadings(loaded, beside);
  const ecosystem = loaded.packages[0]?.ecosystem ?? 'npm';
  const packages = [...(own ? [own] : []), ...dependencies]
    .filter((change) => isOtherVersion(ecosystem, change))
    .map((change) => drifted(change, false));
  const replacing = Math.abs(at - Math.max(beside.changedAt, changedAt)) < quietMs;
  return packages.length === 0 ? undefined : { state: 'changed', packages, unreadable: [], replacing };
}

/** Packages that exist and whose version was known, but can no longer be read. */
function unreadableNames(before: readonly InstalledPackage[], now: readonly InstalledPackage[]): string[] {
  // A package without readable metadata is known by the name of its folder.
  const blank = new Set(now.filter((item) => item.version === undefined).map((item) => normalizePythonName(item.name)));
  const names = before
    .filter((item) => item.version !== undefined && blank.has(normalizePythonName(item.name)))
    .map((item) => shownPackageName(item.name));
  return [...new Set(names)];
}

function drifted(change: PackageChange, source: boolean): DriftedPackage {
  const content = change.inPlace ? 'edited' : 'reinstalled';
  const how = source ? 'source' : change.direction === 'content' ? content : change.direction;
  return {
    name: shownPackageName(change.name),
    serving: change.running ?? 'unknown',
    installed: change.direction === 'removed' ? gone : (change.installed ?? 'unknown'),
    how,
  };
}

/** A text that is equal for equal changes, so that each is logged once. */
export function driftKey(packages: readonly DriftedPackage[]): string {
  return packages.map(({ name, serving, installed, how }) => `${name} ${serving} ${installed} ${how}`).join('\n');
}
