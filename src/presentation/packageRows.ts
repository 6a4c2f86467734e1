import { msg, t, translated } from '../base/language/translate.ts';
import { quotedText } from '../base/singleLine.ts';
import type { PackageChange } from '../model/package.ts';
import type { Instance, InstanceEvidence } from '../model/snapshot.ts';
import { type ExplanationRow, type Pair, rows } from './explanationRows.ts';
import { localTime } from './quantities.ts';

type Text = (value: string) => string;

const trustTexts: Readonly<Record<NonNullable<InstanceEvidence['baseline']>['trust'], string>> = {
  'before-start': msg('all packages were installed before the start, so these are the versions in use'),
  'around-start': msg('installed within 2 s of its start, or the times cannot be compared; assumed to be what is running'),
  'after-start': msg('something was installed between its start and this record; what it runs is older, and not known'),
  concluded: msg('its link was moved between its start and this record; concluded from the older folders beside the one to which it leads'),
};

/** The package of a server, what it was read from, and what changed. */
export function packageRows(instance: Instance, time: Text, path: Text, timeZone: string | undefined): ExplanationRow[] {
  const { package: own, changedDependencies, unknown, evidence } = instance;
  const { source, baseline } = evidence ?? {};
  const running = own?.running ?? t('unknown');
  return rows([
    [
      'name',
      own ? (source?.editable ? t('{0} ({1}, used in place)', own.name, own.ecosystem) : `${own.name} (${own.ecosystem})`) : t('unknown'),
    ],
    ['runs', own ? (own.origin === 'recorded' ? t('{0}, reported by the server or its guard', running) : running) : undefined],
    ['installed', own ? (own.installed ?? t('unknown')) : undefined],
    ['newest', own?.latest === undefined ? undefined : t('{0} in its registry', own.latest)],
    ['from', own ? path(own.root) : undefined],
    ['found', source ? `${source.how}: ${path(source.entry)}` : undefined],
    ['read from', source?.metadata == null ? undefined : withDependencies(path(source.metadata), source.packages - 1)],
    [
      'recorded',
      baseline
        ? [
            baseline.packages === 1
              ? t('1 package on {0}', time(baseline.takenAt))
              : t('{0} packages on {1}', baseline.packages, time(baseline.takenAt)),
            baseline.written === undefined
              ? translated(trustTexts[baseline.trust])
              : t(
                  '{0} was written between its start and this record; whether it runs what the file holds is not known',
                  path(baseline.written),
                ),
          ].join('; ')
        : noBaseline(own),
    ],
    ['record', baseline ? path(baseline.record) : undefined],
    ...(evidence?.compared ?? []).map(({ what, recordedAt }): Pair => ['compared', t('{0}; recorded {1}', what, time(recordedAt))]),
    ...changedDependencies.map((change): Pair => ['changed', changeText(change)]),
    ['not known', unknown],
    [
      'old code',
      instance.findings.some(({ kind }) => kind === 'stale') || instance.record?.staleWrites?.calls
        ? staleWritesText(instance, timeZone)
        : undefined,
    ],
  ]);
}

function withDependencies(path: string, count: number): string {
  if (count <= 0) {
    return path;
  }
  return count === 1 ? t('{0}; with 1 dependency', path) : t('{0}; with {1} dependencies', path, count);
}

/** "1 call", "3 calls". */
export function callsText(calls: number): string {
  return calls === 1 ? t('1 call') : t('{0} calls', calls);
}

/** The writing calls that ran on old code, so that the user can check the data after a restart. Only a guard knows them. */
export function staleWritesText({ record }: Instance, timeZone: string | undefined): string {
  const said = record?.staleWrites;
  if (said?.from === undefined || said.to === undefined) {
    return said
      ? t('the guard passed no writing call to old code')
      : t('unknown whether writing calls ran on old code: no guard compared it');
  }
  const tools = said.tools.map(({ name, calls }) => (calls === 1 ? quotedText(name) : t('{0} ({1} times)', quotedText(name), calls)));
  const unnamed = said.calls - said.tools.reduce((sum, { calls }) => sum + calls, 0);
  const more = unnamed > 0 ? [unnamed === 1 ? t('1 call of other tools') : t('{0} calls of other tools', unnamed)] : [];
  const [from, to, names] = [localTime(said.from, timeZone), localTime(said.to, timeZone), [...tools, ...more].join(', ')];
  return said.calls === 1
    ? t('the guard passed 1 writing call to old code from {0} to {1}: {2}', from, to, names)
    : t('the guard passed {0} writing calls to old code from {1} to {2}: {3}', said.calls, from, to, names);
}

function noBaseline(own: Instance['package']): string | undefined {
  return own ? t('nothing yet, so the packages on disk cannot be compared') : undefined;
}

function changeText(change: PackageChange): string {
  const [before, now] = [change.running ?? t('not there'), change.installed ?? t('gone')];
  switch (change.direction) {
    case 'downgrade':
      return t('{0}: {1} when it started, {2} now (downgrade)', change.name, before, now);
    case 'content':
      return t('{0}: {1} when it started, {2} now (same version, other content)', change.name, before, now);
    default:
      return t('{0}: {1} when it started, {2} now', change.name, before, now);
  }
}
