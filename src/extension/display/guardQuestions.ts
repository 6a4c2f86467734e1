import type { ProtectChange } from '../../action/protect/protectChange.ts';
import { t, translated } from '../../base/language/translate.ts';
import { defaultStaleMode, type StaleMode, staleModes } from '../../model/staleMode.ts';
import { oneLine, withoutIcons } from './plainText.ts';

/** One line of the quick pick that is shown before the change. */
interface GuardPick {
  readonly label: string;
  readonly detail: string;
  readonly mode: StaleMode;
}

/** The modes that a user chooses from, the guard's default first. */
export function guardPicks(): readonly GuardPick[] {
  return staleModes
    .filter(({ offered }) => offered)
    .map(({ name, summary, detail }) => ({
      label: name === defaultStaleMode ? t('{0} (recommended)', capitalized(translated(summary))) : capitalized(translated(summary)),
      detail: capitalized(translated(detail)),
      mode: name,
    }));
}

/** Resident memory of a guard after its start, measured with Node.js 24 on Linux. */
const guardMegabytes = 60;

/** Title and prompt of the quick pick: what changes, what it costs, and how it is undone. @param file of the entry, as shown */
export function guardQuestion(name: string, file: string): { readonly title: string; readonly placeHolder: string } {
  return {
    title: t('Launch {0} Through Guard: what should it do after an upgrade?', withoutIcons(name, 60)),
    placeHolder: t('One entry of {0} · about {1} MB · undo: Launch Without Guard', withoutIcons(file, 120), guardMegabytes),
  };
}

/** The notice beside the change, while nothing is written yet. */
export function changeNotice({ action, definition }: Pick<ProtectChange, 'action' | 'definition'>): string {
  const name = oneLine(definition.name, 60);
  return action === 'protect'
    ? t('Launch {0} through the guard? Nothing is written yet. Launch Without Guard undoes it.', name)
    : t('Launch {0} without the guard? Nothing is written yet. Launch Through Guard undoes it.', name);
}

/** The message after the change. */
export function guardDone(change: Pick<ProtectChange, 'action' | 'definition'>): string {
  const name = oneLine(change.definition.name, 60);
  return change.action === 'protect'
    ? t('The next start of {0} goes through the guard.', name)
    : t('The next start of {0} does not use the guard.', name);
}

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** Whether a line that changes is longer than the editor shows (`editor.stopRenderingLineAfter`, 10,000 characters): the user would agree to what is out of sight. */
export function isCutByEditor(before: string, after: string): boolean {
  const [old, changed] = [before, after].map((text) => new Set(text.split('\n')));
  const differs = (lines: Iterable<string> = [], others: ReadonlySet<string> = new Set()): boolean =>
    [...lines].some((line) => line.length > 10_000 && !others.has(line));
  return differs(old, changed) || differs(changed, old);
}
