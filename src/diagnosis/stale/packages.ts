import { t } from '../../base/language/translate.ts';
import { listText } from '../../base/singleLine.ts';
import type { StaleSubKind } from '../../model/finding.ts';
import type { ClosureReading, InstalledPackage, PackageChange } from '../../model/package.ts';
import type { Instance } from '../../model/snapshot.ts';
import { type EvidenceLine, type FindingDraft, howKnown, observed, type RunningServer, sinceField, sinceText } from '../evidence.ts';
import { changeText, moment } from '../wording.ts';
import { type Baseline, installedAfterStart, isDoubtful, quietMs, startToleranceMs } from './baseline.ts';

/** Everything that a verdict on versions rests on; plain data. */
export interface VersionEvidence extends RunningServer {
  readonly packageName: string;
  readonly editable: boolean;
  /** It is a release that was unpacked outside of `node_modules`, and its version changed: whether its code, which is compared on its own, changed too. */
  readonly unpacked?: 'other-code' | 'version-alone';
  readonly reading: ClosureReading;
  /** Undefined as long as none could be taken. */
  readonly baseline: Baseline | undefined;
  /** Difference between `baseline.packages` and the reading; empty when one of them is missing. */
  readonly own: PackageChange | undefined;
  readonly dependencies: readonly PackageChange[];
  /** The version of its own package that a path on its command line names. */
  readonly named?: string;
  /** Since when the environment is gone, epoch ms; undefined when that is not known. */
  readonly goneSince?: number;
}

export interface VersionVerdict {
  /** Null = unknown. */
  readonly running: string | null;
  readonly installed: string | null;
  readonly changedDependencies: readonly PackageChange[];
  readonly findings: readonly FindingDraft[];
  /** Why something is unknown, for a person. */
  readonly unknown?: string;
  /** Milliseconds after which the same question may have another answer without any event (quiet time, files-gone time). */
  readonly askAgainIn?: number;
}

/** At most this many changed packages are listed in the evidence. */
const mostLines = 8;

/** Files that are missing for less than this may be in the middle of an upgrade. */
export const goneMs = 10_000;

/**
 * Whether an instance says two known versions that differ, and neither a stale finding nor a reason why there is none: a fault of the verdicts, never a state that is
 * shown as ok.
 */
export function contradictsItself({ package: own, findings, unknown }: Pick<Instance, 'package' | 'findings' | 'unknown'>): boolean {
  return (
    own?.running != null &&
    own.installed !== null &&
    own.running !== own.installed &&
    unknown === undefined &&
    !findings.some(({ kind }) => kind === 'stale')
  );
}

/** Compares what a process was loaded from with what is on disk now. Never guesses: what is not known is null, with the reason in `unknown`. */
export function judgeVersions(evidence: VersionEvidence): VersionVerdict {
  const { reading, baseline } = evidence;
  const running = isOwnKnown(evidence) ? (baseline?.packages[0]?.version ?? null) : null;
  if (reading.status === 'unreadable') {
    return { running, installed: null, changedDependencies: [], findings: [], unknown: reading.reason };
  }
  if (reading.status === 'gone') {
    return judgeGone(evidence, running, reading.reason);
  }
  const installed = reading.packages[0]?.version ?? null;
  const quietFor = evidence.now - reading.changedAt;
  if (quietFor < quietMs) {
    const askAgainIn = quietMs - Math.max(0, quietFor);
    return { running, installed, changedDependencies: [], findings: [], unknown: t('its files are changing right now'), askAgainIn };
  }
  if (!baseline) {
    return { running: null, installed, changedDependencies: [], findings: [], unknown: t('it has just started') };
  }
  const findings: FindingDraft[] = [];
  if (evidence.own || evidence.dependencies.length > 0) {
    findings.push(changedFinding(evidence, reading.packages));
  } else if (baseline.trust === 'after-start') {
    const replaced = replacedPackages(evidence, baseline);
    findings.push(...(replaced.length > 0 ? [replacedBeforeFirstScan(evidence, replaced)] : []));
  }
  return {
    running,
    installed,
    changedDependencies: evidence.dependencies,
    findings,
    ...unknownText(evidence, installed, reading.ownOnly ?? baseline.ownOnly),
  };
}

/** Whether the own package as first seen is what runs. A dependency that was installed later says nothing about it. */
function isOwnKnown(evidence: VersionEvidence): boolean {
  const { baseline, startedAt } = evidence;
  if (baseline?.written && baseline.recorded !== true && baseline.written.name === baseline.packages[0]?.name) {
    return false;
  }
  if (baseline?.trust !== 'after-start') {
    return baseline !== undefined;
  }
  if (isNamed(evidence)) {
    return true;
  }
  const installedAt = baseline.packages[0]?.installedAt;
  return baseline.recorded === true || (installedAt !== undefined && installedAt <= startedAt - startToleranceMs);
}

/** Whether its command line names the version that was on disk when it was first seen: the same version was then installed again. */
function isNamed({ named, baseline }: VersionEvidence): boolean {
  return named !== undefined && named === baseline?.packages[0]?.version;
}

/** Packages that were installed between its start and the first scan, and may have had another version before. */
function replacedPackages(evidence: VersionEvidence, baseline: Baseline): InstalledPackage[] {
  const own = isNamed(evidence) ? baseline.packages[0] : undefined;
  return installedAfterStart(baseline.packages, evidence.startedAt).filter((item) => item !== own);
}

function unknownText(evidence: VersionEvidence, installed: string | null, ownOnly: string | undefined): { unknown?: string } {
  const { baseline } = evidence;
  if (baseline?.trust === 'after-start' && replacedPackages(evidence, baseline).length > 0) {
    return {
      unknown: isOwnKnown(evidence)
        ? t('some of its dependencies were installed again after it started: which versions of them it runs is not known')
        : t('its files were installed again after it started and before MCP Shepherd first saw it: which version it runs is not known'),
    };
  }
  const { written } = baseline ?? {};
  if (written && written.name !== evidence.own?.name) {
    return {
      unknown: t(
        '{0} was written or removed after it started, or it was moved there, or only its times or rights were changed ({1}), before MCP Shepherd first saw it: whether it runs what {2} holds now is not known',
        written.path,
        moment(written.at, evidence.now),
        written.name,
      ),
    };
  }
  if (installed === null) {
    return { unknown: t('the version of {0} cannot be read', evidence.packageName) };
  }
  return ownOnly === undefined ? {} : { unknown: t('dependencies not compared: {0}', ownOnly) };
}

/** When the newest of the named packages was installed, epoch ms; undefined when none was installed after the given time. */
function installTime(packages: readonly InstalledPackage[], names: ReadonlySet<string>, after: number): number | undefined {
  const times = packages.filter((item) => names.has(item.name) && item.installedAt !== undefined).map((item) => item.installedAt ?? 0);
  const newest = Math.max(0, ...times);
  return newest > after ? newest : undefined;
}

/** The packages differ from the stored ones: proven by comparison, whatever the clocks say. */
function changedFinding(evidence: VersionEvidence, packages: readonly InstalledPackage[]): FindingDraft {
  const { own, dependencies, now, startedAt } = evidence;
  const changes = own ? [own, ...dependencies] : [...dependencies];
  const subKind = changedSubKind(evidence, changes);
  const since = installTime(packages, new Set(changes.map((change) => change.name)), startedAt);
  const lines = changes.slice(0, mostLines).map((change) => {
    const at = installTime(packages, new Set([change.name]), startedAt);
    return observed(changeEvidence(change, sinceText(evidence), at === undefined ? undefined : moment(at, now)));
  });
  return {
    kind: 'stale',
    subKind,
    confidence: subKind === 'source' || isDoubtful(evidence.baseline) || evidence.unpacked === 'version-alone' ? 'likely' : 'proven',
    message: changedMessage(own, dependencies),
    evidence: [
      ...lines,
      ...(changes.length > mostLines ? [observed(t('and {0} more packages changed', changes.length - mostLines))] : []),
      baselineLine(evidence.baseline, now),
      ...(evidence.unpacked === 'version-alone'
        ? [howKnown(t('the version in its package.json differs; its code is not known to differ, so this is likely, not proven'))]
        : []),
    ],
    ...sinceField(since, now),
    actions: evidence.actions,
  };
}

function baselineLine(baseline: Baseline | undefined, now: number): EvidenceLine {
  return baseline?.recorded
    ? howKnown(t('the server, or its guard, recorded which versions were loaded, and they differ from those on disk'))
    : howKnown(
        t('the versions were recorded {0}, while this process ran, and differ from those on disk', moment(baseline?.takenAt ?? now, now)),
      );
}

function changedSubKind(evidence: VersionEvidence, changes: readonly PackageChange[]): StaleSubKind {
  if (changes.every((change) => change.direction === 'content')) {
    return 'content';
  }
  if (!evidence.own) {
    return 'dependency';
  }
  return evidence.editable && evidence.unpacked === undefined ? 'source' : 'package';
}

function changeEvidence(change: PackageChange, start: string, at: string | undefined): string {
  const runs = t('runs {0} {1} {2}', change.name, change.running ?? t('(version unknown)'), start);
  const installed = change.direction === 'content' ? (change.installed ?? '') : (change.installed ?? t('(version unknown)'));
  switch (change.direction) {
    case 'removed':
      return t('{0}; {1} is no longer installed', runs, change.name);
    case 'content':
      if (change.inPlace) {
        return at === undefined
          ? t('{0}; {1} {2} has files that were changed or removed in place', runs, change.name, installed)
          : t('{0}; {1} {2} has files that were changed or removed in place {3}', runs, change.name, installed, at);
      }
      return at === undefined
        ? t('{0}; {1} {2} was installed again with other content', runs, change.name, installed)
        : t('{0}; {1} {2} was installed again with other content {3}', runs, change.name, installed, at);
    case 'downgrade':
      return at === undefined
        ? t('{0}; the older {1} {2} was installed', runs, change.name, installed)
        : t('{0}; the older {1} {2} was installed {3}', runs, change.name, installed, at);
    default:
      return at === undefined
        ? t('{0}; {1} {2} was installed', runs, change.name, installed)
        : t('{0}; {1} {2} was installed {3}', runs, change.name, installed, at);
  }
}

function changedMessage(own: PackageChange | undefined, dependencies: readonly PackageChange[]): string {
  if (own && own.direction !== 'removed' && own.direction !== 'content') {
    const installed = own.installed ?? t('(unknown)');
    const change = t(
      'runs {0} {1}, installed is {2}',
      own.name,
      own.running ?? t('(unknown)'),
      own.direction === 'downgrade' ? t('{0} (downgrade)', installed) : installed,
    );
    if (dependencies.length === 0) {
      return change;
    }
    return dependencies.length === 1
      ? t('{0}, and a dependency changed', change)
      : t('{0}, and {1} dependencies changed', change, dependencies.length);
  }
  if (own) {
    return changeText(own);
  }
  return t('runs with other dependencies than installed: {0}', listText(dependencies.map(changeText)));
}

/** The files were replaced before the first scan. A reinstall of the same version looks the same, so this is never more than likely. */
function replacedBeforeFirstScan(evidence: VersionEvidence, replaced: readonly InstalledPackage[]): FindingDraft {
  const { now } = evidence;
  const own = replaced.find((item) => item === evidence.baseline?.packages[0]);
  const newest = Math.max(...replaced.map((item) => item.installedAt ?? 0));
  const nameOf = ({ name, version }: InstalledPackage): string => `${name} ${version ?? ''}`.trim();
  return {
    kind: 'stale',
    subKind: own ? 'package' : 'dependency',
    confidence: 'likely',
    message:
      replaced.length === 1
        ? t('runs code from before {0} was installed ({1})', listText(replaced.map(nameOf)), moment(newest, now))
        : t('runs code from before {0} were installed ({1})', listText(replaced.map(nameOf)), moment(newest, now)),
    evidence: [
      observed(t('runs {0}', sinceText(evidence))),
      ...replaced
        .slice(0, mostLines)
        .map((item) => observed(t('{0} was installed {1} ({2})', nameOf(item), moment(item.installedAt ?? 0, now), item.root))),
      ...(replaced.length > mostLines ? [observed(t('and {0} more of its packages', replaced.length - mostLines))] : []),
      howKnown(
        t(
          'the package was installed after the process started; a reinstall of the same version cannot be excluded, so this is likely, not proven',
        ),
      ),
    ],
    since: new Date(newest).toISOString(),
    actions: evidence.actions,
  };
}

function judgeGone(evidence: VersionEvidence, running: string | null, reason: string): VersionVerdict {
  const goneFor = evidence.now - (evidence.goneSince ?? evidence.now);
  if (goneFor < goneMs) {
    return { running, installed: null, changedDependencies: [], findings: [], unknown: reason, askAgainIn: goneMs - Math.max(0, goneFor) };
  }
  const name = running === null ? evidence.packageName : `${evidence.packageName} ${running}`;
  const finding: FindingDraft = {
    kind: 'files-gone',
    confidence: 'proven',
    message: t('the files it was started from are gone: whatever {0} has not loaded yet will fail', name),
    evidence: [observed(t('runs {0} {1}', name, sinceText(evidence))), observed(reason)],
    ...sinceField(evidence.goneSince, evidence.now),
    actions: evidence.actions,
  };
  return { running, installed: null, changedDependencies: [], findings: [finding] };
}
