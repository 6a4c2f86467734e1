import type { Disposable } from '../types/disposable.ts';
import type { Log } from '../types/log.ts';
import { problemText } from './problemsMessage.ts';
import type { WindowState } from './windowState.ts';

/** Writes each problem into the log once, and again only when it came back after it was gone. */
export function logProblems(state: WindowState, log: Log): Disposable {
  let told: ReadonlySet<string> = new Set();
  return state.onChange(() => {
    const texts = new Set((state.snapshot?.problems ?? []).map((problem) => problemText(problem, state.facts.home)));
    for (const text of texts) {
      if (!told.has(text)) {
        log.warn(text);
      }
    }
    told = texts;
  });
}
