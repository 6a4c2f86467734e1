import type { ProtectChange } from '../../action/protect/protectChange.ts';
import { defaultStaleMode, type StaleMode, staleModes } from '../../model/staleMode.ts';
import { oneLine, withoutIcons } from './plainText.ts';

/** One answer to the question before an entry is changed, as a line of a quick pick. */
export interface GuardAnswer {
  readonly label: string;
  readonly description: string;
  /** What the guard will do when the server is stale; undefined = no guard. */
  readonly mode?: StaleMode;
}

/** What the person chooses from; the guard's own choice first. One short line each: the question lies over the upper end of the change. */
export function guardAnswers(action: ProtectChange['action']): readonly GuardAnswer[] {
  if (action === 'unprotect') {
    return [{ label: 'Launch Without Guard', description: 'Writes the change that is shown below.' }];
  }
  return staleModes
    .filter(({ offered }) => offered)
    .map(({ name, summary, detail }) => ({
      label: `${summary.charAt(0).toUpperCase()}${summary.slice(1)}${name === defaultStaleMode ? ' (recommended)' : ''}`,
      description: detail,
      mode: name,
    }));
}

/** The question before an entry is changed; the change is shown below it. */
export function guardQuestion({ action, definition }: ProtectChange): { readonly title: string; readonly placeHolder: string } {
  const name = withoutIcons(definition.name, 60);
  return action === 'unprotect'
    ? { title: `Launch ${name} Without Guard`, placeHolder: 'Escape leaves the file as it is' }
    : {
        title: `Launch ${name} Through Guard`,
        placeHolder: 'What when the server runs older code than is installed? Escape leaves the file as it is',
      };
}

/** One sentence when it is done. */
export function guardDone(change: ProtectChange): string {
  const how = change.action === 'protect' ? 'through the guard' : 'without the guard';
  return `${oneLine(change.definition.name, 60)} starts ${how} from its next start on.`;
}
