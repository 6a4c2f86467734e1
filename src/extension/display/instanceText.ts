import type { PackageChange } from '../../model/package.ts';
import type { Instance } from '../../model/snapshot.ts';
import { roundedAge, roundedMemory } from '../../presentation/quantities.ts';
import { oneLine } from './plainText.ts';

/** "runs 1.0.0, installed 1.1.0"; "runs 1.1.0" when both are the same; with the dependency when that is what differs. */
export function versionsText(instance: Instance): string {
  const { package: own, findings } = instance;
  if (findings.some((finding) => finding.kind === 'files-gone')) {
    return own?.running ? `runs ${oneLine(own.running, 40)}, no longer installed` : 'its files are gone';
  }
  if (!own || (own.running === null && own.installed === null)) {
    return 'version unknown';
  }
  if (own.running === null) {
    return `version unknown, installed ${oneLine(own.installed ?? '', 40)}`;
  }
  const running = oneLine(own.running, 40);
  if (own.installed !== null && own.installed !== own.running) {
    return `runs ${running}, installed ${oneLine(own.installed, 40)}`;
  }
  const [first, ...others] = instance.changedDependencies;
  if (!first && own.latest !== undefined && findings.some((one) => one.kind === 'update-available' && one.confidence !== 'unknown')) {
    return `runs ${running}, ${oneLine(own.latest, 40)} available`;
  }
  return first ? `runs ${running} with ${changeWords(first)}${others.length > 0 ? ` and ${others.length} more` : ''}` : `runs ${running}`;
}

/** "chromadb 0.6.3, installed 1.5.7". */
function changeWords(change: PackageChange): string {
  const name = oneLine(change.name, 60);
  const running = `${name} ${oneLine(change.running ?? '', 40)}`.trimEnd();
  switch (change.direction) {
    case 'removed':
      return `${running}, no longer installed`;
    case 'content':
      return `${running}, ${change.inPlace ? 'changed in place' : 'installed again'}`;
    default:
      return change.installed === undefined ? `${running}, changed` : `${running}, installed ${oneLine(change.installed, 40)}`;
  }
}

/** The text of `versionsText`, as short as a row needs it: "1.0.0 → 1.1.0", "1.1.0", "1.1.0 with zod 3.1.0 → 4.0.0". */
export function versionChange(instance: Instance): string {
  const { package: own, findings, changedDependencies } = instance;
  const arrow = (before: string | null | undefined, after: string | null | undefined): string =>
    `${oneLine(before ?? '?', 40)} → ${oneLine(after ?? '?', 40)}`;
  if (findings.some((finding) => finding.kind === 'files-gone')) {
    return own?.running ? arrow(own.running, 'uninstalled') : 'uninstalled';
  }
  if (!own || !isVersionKnown(instance)) {
    return 'version unknown';
  }
  if (own.running !== own.installed) {
    return arrow(own.running, own.installed);
  }
  const running = oneLine(own.running ?? '', 40);
  const [first, ...others] = changedDependencies;
  if (first) {
    const versions = first.running !== first.installed ? ` ${arrow(first.running, first.installed ?? 'uninstalled')}` : '';
    return `${running} with ${oneLine(first.name, 60)}${versions}${others.length > 0 ? ` and ${others.length} more` : ''}`;
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
  return isVersionKnown(instance) ? versionChange(instance) : `PID ${instance.pid}`;
}

function isVersionKnown({ package: own, findings }: Instance): boolean {
  return findings.some(({ kind }) => kind === 'files-gone') || (own !== null && (own.running !== null || own.installed !== null));
}

/** "PID 4711 · 58 MB · 3 h". @param now epoch ms @param known what stands beside it already */
export function processText(instance: Instance, now: number, known = ''): string {
  const pid = `PID ${instance.pid}`;
  return [pid === known ? '' : pid, roundedMemory(instance.memoryBytes), roundedAge(instance.startedAt, now)].filter(Boolean).join(' · ');
}

/** The text of `versionsText`, as the rest of a sentence about the server: "still runs 1.0.0, but 1.1.0 is installed". */
export function changeSummary(instance: Instance): string {
  const { package: own, changedDependencies } = instance;
  const [first] = changedDependencies;
  if (own?.running && own.installed && own.running !== own.installed) {
    return `still runs ${oneLine(own.running, 40)}, but ${oneLine(own.installed, 40)} is installed`;
  }
  if (first) {
    const versions =
      first.running && first.installed && first.running !== first.installed ? ` ${first.running}, but ${first.installed} is installed` : '';
    return versions === ''
      ? `still runs the old ${oneLine(first.name, 60)}`
      : `still runs with ${oneLine(`${first.name}${versions}`, 140)}`;
  }
  return 'still runs its old code: its files were installed again';
}
