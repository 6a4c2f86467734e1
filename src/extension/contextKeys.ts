import { commands as editor } from 'vscode';
import type { Disposable } from '../base/disposable.ts';
import { contextKeys } from './manifestNames.ts';
import { staleHere } from './window/windowFacts.ts';
import type { WindowState } from './window/windowState.ts';

/** Keeps what `when` clauses of the manifest ask for; each key is set when it changes only. */
export function keepContextKeys(state: WindowState): Disposable {
  const known = new Map<string, boolean>();
  const set = (key: string, value: boolean): void => {
    if (known.get(key) !== value) {
      known.set(key, value);
      void editor.executeCommand('setContext', key, value);
    }
  };
  const update = (): void => {
    const { snapshot, facts, failure } = state;
    set(contextKeys.surveyed, snapshot !== undefined);
    set(contextKeys.failed, failure !== undefined);
    set(contextKeys.staleHere, snapshot !== undefined && staleHere(snapshot, facts).length > 0);
  };
  update();
  return state.onChange(update);
}
