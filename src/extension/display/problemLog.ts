import type { Disposable } from '../../base/disposable.ts';
import { t } from '../../base/language/translate.ts';
import type { Log } from '../../base/log.ts';
import type { Problem } from '../../model/problem.ts';
import type { WindowState } from '../window/windowState.ts';
import { oneLine } from './plainText.ts';
import { pathText } from './sourceText.ts';

/** "~/.cursor/mcp.json, line 3: …" */
function problemText(problem: Problem, home: string): string {
  const message = oneLine(problem.message, 300);
  if (problem.file === undefined) {
    return message;
  }
  const path = pathText(problem.file, home);
  return problem.line === undefined ? t('{0}: {1}', path, message) : t('{0}, line {1}: {2}', path, problem.line, message);
}

/** The message above the rows when something could not be read; undefined when everything could. */
export function problemsMessage(problems: readonly Problem[], home: string): string | undefined {
  const [first] = problems;
  if (!first) {
    return undefined;
  }
  const rest = problems.length - 1;
  return rest === 0 ? problemText(first, home) : t('{0} (and {1} more: see “MCP Shepherd: Show Log”)', problemText(first, home), rest);
}

/** Logs each problem once, and again only if it comes back after it was gone. */
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
