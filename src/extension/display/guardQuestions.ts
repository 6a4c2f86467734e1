import type { ProtectChange } from '../../action/protect/protectChange.ts';
import { defaultStaleMode, type StaleMode, staleModes } from '../../model/staleMode.ts';
import { oneLine, withoutIcons } from './plainText.ts';

/** One line of the quick pick that is shown before an entry is changed. */
interface GuardAnswer {
  readonly label: string;
  readonly description: string;
  /** Undefined = no guard. */
  readonly mode?: StaleMode;
}

/** The answers, the guard's default first. One short line each, because the quick pick covers the top of the change. */
export function guardAnswers(action: ProtectChange['action']): readonly GuardAnswer[] {
  if (action === 'unprotect') {
    return [{ label: 'Launch Without Guard', description: 'Writes the change shown below' }];
  }
  return staleModes
    .filter(({ offered }) => offered)
    .map(({ name, summary, detail }) => ({
      label: `${summary.charAt(0).toUpperCase()}${summary.slice(1)}${name === defaultStaleMode ? ' (recommended)' : ''}`,
      description: detail,
      mode: name,
    }));
}

/** Title and prompt of the quick pick that stands above the change. */
export function guardQuestion({ action, definition }: ProtectChange): { readonly title: string; readonly placeHolder: string } {
  const name = withoutIcons(definition.name, 60);
  return action === 'unprotect'
    ? { title: `Launch ${name} Without Guard`, placeHolder: 'Esc cancels; nothing is written yet' }
    : {
        title: `Launch ${name} Through Guard`,
        placeHolder: 'After an upgrade, what should the guard do? (Esc cancels; nothing is written yet)',
      };
}

/** The message after the change. */
export function guardDone(change: ProtectChange): string {
  const how = change.action === 'protect' ? 'goes through the guard' : 'does not use the guard';
  return `The next start of ${oneLine(change.definition.name, 60)} ${how}.`;
}
