import { inspect } from 'node:util';
import { WaitedInVain } from '../system/waitFor.ts';
import type { TestOutcome } from './outcome.ts';

/** Mocha's own events (lib/runner.js, `Runner.constants`). */
type Events = Pick<Mocha.Runner, 'on'>;

/**
 * Collects the outcome of each test of a mocha run. Also works inside an extension host.
 * A failing hook counts as a failed test. The reason of a skipped test is the last line that it, or the hook that
 * skipped it, printed on the console.
 *
 * @param say receives one line when a test ends
 * @returns a list that grows during the run
 */
export function collectOutcomes(runner: Events, say: (line: string) => void): TestOutcome[] {
  const outcomes: TestOutcome[] = [];
  const lastLine = rememberConsole(runner);
  const add = (outcome: TestOutcome): void => {
    outcomes.push(outcome);
    const sign = { passed: '✓', failed: '✗', skipped: '-' }[outcome.state];
    say(`  ${sign} ${outcome.title}${outcome.duration >= 500 ? ` (${(outcome.duration / 1000).toFixed(1)} s)` : ''}`);
  };
  runner.on('pass', (test: Mocha.Test) => {
    add({ title: test.fullTitle(), state: 'passed', duration: test.duration ?? 0 });
  });
  runner.on('fail', (test: Mocha.Runnable, error: unknown) => {
    add({ title: test.fullTitle(), state: 'failed', duration: test.duration ?? 0, error: errorText(error), late: isLate(error) });
  });
  runner.on('pending', (test: Mocha.Test) => {
    const reason = lastLine();
    add({ title: test.fullTitle(), state: 'skipped', duration: 0, ...(reason === undefined ? {} : { reason }) });
  });
  return outcomes;
}

/** https://mochajs.org/api/module-lib_errors (`TIMEOUT`), and our own. */
function isLate(error: unknown): boolean {
  return error instanceof WaitedInVain || (error instanceof Error && 'code' in error && error.code === 'ERR_MOCHA_TIMEOUT');
}

/** Message, stack and the compared values of an assertion. */
function errorText(error: unknown): string {
  return error instanceof Error ? inspect(error, { depth: 6 }) : String(error);
}

/** Keeps the last console line of the present test, and the last one outside of tests (from hooks) in the present suite. */
function rememberConsole(runner: Events): () => string | undefined {
  let inTest = false;
  let ofTest: string | undefined;
  let ofSuite: string | undefined;
  const original = globalThis.console;
  runner.on('start', () => {
    // The whole object is replaced, because an extension host protects the methods of its own.
    const listening: Console = Object.create(original);
    for (const name of ['log', 'info', 'warn', 'error'] as const) {
      const value = (...values: unknown[]): void => {
        const line = values.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' ');
        if (inTest) {
          ofTest = line;
        } else {
          ofSuite = line;
        }
        original[name](...values);
      };
      Object.defineProperty(listening, name, { value, writable: true });
    }
    globalThis.console = listening;
  });
  runner.on('end', () => {
    globalThis.console = original;
  });
  runner.on('suite', () => {
    ofSuite = undefined;
  });
  runner.on('test', () => {
    inTest = true;
    ofTest = undefined;
  });
  runner.on('test end', () => {
    inTest = false;
  });
  return () => (inTest ? ofTest : ofSuite);
}
