/** What became of one test. */
export type TestOutcome = {
  /** Its full title, suites included. */
  readonly title: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  /** Milliseconds. */
  readonly duration: number;
  /** For a failed one: message, difference and stack. */
  readonly error?: string;
  /** For a skipped one: the line that it printed before it skipped itself. */
  readonly reason?: string;
};

/** All tests of one suite. */
export type SuiteOutcome = {
  readonly name: string;
  readonly tests: readonly TestOutcome[];
  readonly seconds: number;
  /** Processor seconds of all that ran for it, where they were counted. */
  readonly processor?: number;
  /** The same for each file that had a child of its own. */
  readonly files?: readonly SuiteOutcome[];
};

/** How many tests passed, failed and were skipped. */
export type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number };

/** Sums over suites. */
export function count(suites: readonly SuiteOutcome[]): Counts {
  const tests = suites.flatMap((suite) => suite.tests);
  const of = (state: TestOutcome['state']): number => tests.filter((test) => test.state === state).length;
  return { passed: of('passed'), failed: of('failed'), skipped: of('skipped') };
}

/** The last line of a test run; other programs read it. */
export function countsLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** Every failure in full and every skip with its reason, as lines. */
export function details(suite: SuiteOutcome): string[] {
  return suite.tests.flatMap((test) => {
    switch (test.state) {
      case 'failed':
        return ['', `FAILED ${suite.name}: ${test.title}`, ...(test.error ?? 'no error text').split('\n').map((line) => `    ${line}`)];
      case 'skipped':
        return [`skipped ${suite.name}: ${test.title}`, `    ${test.reason ?? 'no reason given'}`];
      default:
        return [];
    }
  });
}
