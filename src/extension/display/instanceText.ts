import { t } from '../../base/language/translate.ts';
import type { PackageChange } from '../../model/package.ts';
import type { Instance } from '../../model/snapshot.ts';
import { roundedAge, roundedMemory } from '../../presentation/quantities.ts';
import { oneLine } from './plainText.ts';

/**
 * "runs 1.0.0, installed 1.1.0"; "runs 1.1.0" when both are the same; with the dependency when that is what differs.
 * @param whole "It runs 1.1.0": a whole sentence, where the running version is known
 */
export function versionsText(instance: Instance, whole = false): string {
  const { package: own, findings } = instance;
  if (findings.some((finding) => finding.kind === 'files-gone')) {
    if (!own?.running) {
      return t('its files are gone');
    }
    const gone = oneLine(own.running, 40);
    return whole ? t('It runs {0}, no longer installed', gone) : t('runs {0}, no longer installed', gone);
  }
  if (!own || (own.running === null && own.installed === null)) {
    return t('version unknown');
  }
  if (own.running === null) {
    return t('version unknown, installed {0}', oneLine(own.installed ?? '', 40));
  }
  const running = oneLine(own.running, 40);
  if (own.installed !== null && own.installed !== own.running) {
    const installed = oneLine(own.installed, 40);
    return whole ? t('It runs {0}, installed {1}', running, installed) : t('runs {0}, installed {1}', running, installed);
  }
  const [first, ...others] = instance.changedDependencies;
  if (!first && own.latest !== undefined && findings.some((one) => one.kind === 'update-available' && one.confidence !== 'unknown')) {
    const latest = oneLine(own.latest, 40);
    return whole ? t('It runs {0}, {1} available', running, latest) : t('runs {0}, {1} available', running, latest);
  }
  if (!first) {
    return whole ? t('It runs {0}', running) : t('runs {0}', running);
  }
  const change = changeWords(first);
  if (others.length > 0) {
    return whole
      ? t('It runs {0} with {1} and {2} more', running, change, others.length)
      : t('runs {0} with {1} and {2} more', running, change, others.length);
  }
  return whole ? t('It runs {0} with {1}', running, change) : t('runs {0} with {1}', running, change);
}

/** "chromadb 0.6.3, installed 1.5.7". */
function changeWords(change: PackageChange): string {
  const name = oneLine(change.name, 60);
  const running = `${name} ${oneLine(change.running ?? '', 40)}`.trimEnd();
  switch (change.direction) {
    case 'removed':
      return t('{0}, no longer installed', running);
    case 'content':
      return change.inPlace ? t('{0}, changed in place', running) : t('{0}, installed again', running);
    default:
      return change.installed === undefined ? t('{0}, changed', running) : t('{0}, installed {1}', running, oneLine(change.installed, 40));
  }
}

/** The text of `versionsText`, as short as a row needs it: "1.0.0 → 1.1.0", "1.1.0", "1.1.0 with zod 3.1.0 → 4.0.0". */
export function versionChange(instance: Instance): string {
  const { package: own, findings, changedDependencies } = instance;
  const arrow = (before: string | null | undefined, after: string | null | undefined): string =>
    `${oneLine(before ?? '?', 40)} → ${oneLine(after ?? '?', 40)}`;
  if (findings.some((finding) => finding.kind === 'files-gone')) {
    return own?.running ? arrow(own.running, t('uninstalled')) : t('uninstalled');
  }
  if (!own || !isVersionKnown(instance)) {
    return t('version unknown');
  }
  if (own.running !== own.installed) {
    return arrow(own.running, own.installed);
  }
  const running = oneLine(own.running ?? '', 40);
  const [first, ...others] = changedDependencies;
  if (first) {
    const versions = first.running !== first.installed ? ` ${arrow(first.running, first.installed ?? t('uninstalled'))}` : '';
    const change = `${oneLine(first.name, 60)}${versions}`;
    return others.length > 0 ? t('{0} with {1} and {2} more', running, change, others.length) : t('{0} with {1}', running, change);
  }
  const newer = findings.some((one) => one.kind === 'update-available' && one.confidence !== 'unknown') ? own.latest : undefined;
  return newer === undefined ? running : arrow(running, newer);
}

/** Version and state of a server: "1.0.0 → 1.1.0 · restart needed". An unknown version is shown only where there is no state, which is worth more in a narrow row. */
export function versionAndState(instance: Instance, state: string | undefined): string {
  return [!state || isVersionKnown(instance) ? versionChange(instance) : '', state].filter(Boolean).join(' · ');
}

/** What tells one of several copies from the others: its version, else its process. */
export function copyLabel(instance: Instance): string {
  return isVersionKnown(instance) ? versionChange(instance) : t('PID {0}', instance.pid);
}

function isVersionKnown({ package: own, findings }: Instance): boolean {
  return findings.some(({ kind }) => kind === 'files-gone') || (own !== null && (own.running !== null || own.installed !== null));
}

/** "PID 4711 · 58 MB · 3 h". @param now epoch ms @param known what stands beside it already */
export function processText(instance: Instance, now: number, known = ''): string {
  const pid = t('PID {0}', instance.pid);
  return [pid === known ? '' : pid, roundedMemory(instance.memoryBytes), roundedAge(instance.startedAt, now)].filter(Boolean).join(' · ');
}

/**
 * The text of `versionsText` about a stale server: "everything still runs 1.0.0, but 1.1.0 is installed".
 * @param subject a name, several names, or "It" @param form `many`: the subject is several servers; `probably`: the finding is not proven
 */
export function changeSummary(instance: Instance, subject: string, form: 'one' | 'many' | 'probably' = 'one'): string {
  const { package: own, changedDependencies } = instance;
  const [first] = changedDependencies;
  if (own?.running && own.installed && own.running !== own.installed) {
    const [running, installed] = [oneLine(own.running, 40), oneLine(own.installed, 40)];
    return {
      one: t('{0} still runs {1}, but {2} is installed', subject, running, installed),
      many: t('{0} still run {1}, but {2} is installed', subject, running, installed),
      probably: t('{0} probably still runs {1}, but {2} is installed', subject, running, installed),
    }[form];
  }
  if (!first) {
    return {
      one: t('{0} still runs its old code: its files were installed again', subject),
      many: t('{0} still run its old code: its files were installed again', subject),
      probably: t('{0} probably still runs its old code: its files were installed again', subject),
    }[form];
  }
  const name = oneLine(first.name, 60);
  if (first.running && first.installed && first.running !== first.installed) {
    const [running, installed] = [oneLine(first.running, 40), oneLine(first.installed, 40)];
    return {
      one: t('{0} still runs with {1} {2}, but {3} is installed', subject, name, running, installed),
      many: t('{0} still run with {1} {2}, but {3} is installed', subject, name, running, installed),
      probably: t('{0} probably still runs with {1} {2}, but {3} is installed', subject, name, running, installed),
    }[form];
  }
  return {
    one: t('{0} still runs the old {1}', subject, name),
    many: t('{0} still run the old {1}', subject, name),
    probably: t('{0} probably still runs the old {1}', subject, name),
  }[form];
}
