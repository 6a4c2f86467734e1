import type { ProtectChange } from '../../action/protect/protectChange.ts';
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
      label: `${capitalized(summary)}${name === defaultStaleMode ? ' (recommended)' : ''}`,
      detail: capitalized(detail),
      mode: name,
    }));
}

/** Resident memory of a guard after its start, measured with Node.js 24 on Linux. */
const guardMegabytes = 60;

/** Title and prompt of the quick pick: what changes, what it costs, and how it is undone. @param file of the entry, as shown */
export function guardQuestion(name: string, file: string): { readonly title: string; readonly placeHolder: string } {
  return {
    title: `Launch ${withoutIcons(name, 60)} Through Guard: what should it do after an upgrade?`,
    placeHolder: `One entry of ${withoutIcons(file, 120)} · about ${guardMegabytes} MB · undo: Launch Without Guard`,
  };
}

/** The notice beside the change, while nothing is written yet. */
export function changeNotice({ action, definition }: Pick<ProtectChange, 'action' | 'definition'>): string {
  const name = oneLine(definition.name, 60);
  return action === 'protect'
    ? `Launch ${name} through the guard? Nothing is written yet. Launch Without Guard undoes it.`
    : `Launch ${name} without the guard? Nothing is written yet. Launch Through Guard undoes it.`;
}

/** The message after the change. */
export function guardDone(change: Pick<ProtectChange, 'action' | 'definition'>): string {
  const how = change.action === 'protect' ? 'goes through the guard' : 'does not use the guard';
  return `The next start of ${oneLine(change.definition.name, 60)} ${how}.`;
}

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
