/** The outcome of one test. */
export type TestOutcome = {
  /** The full title, with those of the suites. */
  readonly title: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  /** Milliseconds. */
  readonly duration: number;
  /** Of a failed test: message, difference and stack. */
  readonly error?: string;
  /** Of a failed test: a time was up, of the test itself or of a condition that it waited for. */
  readonly late?: boolean;
  /** Of a skipped test: the line that it printed before it skipped itself. */
  readonly reason?: string;
};

/** All tests of one suite. */
export type SuiteOutcome = {
  readonly name: string;
  readonly tests: readonly TestOutcome[];
  /** Tests that failed in the first run of a file that passed in the second. */
  readonly firstFailures?: readonly TestOutcome[];
  readonly seconds: number;
  /** Processor seconds of all its processes, if counted. */
  readonly processor?: number;
  /** The same for each file that ran in a child of its own. */
  readonly files?: readonly SuiteOutcome[];
};

/** Numbers of tests. */
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

/** Lines with every failure in full, also of a first run, and every skip with its reason. */
export function details(suite: SuiteOutcome): string[] {
  const failure = (word: string, test: TestOutcome): string[] => [
    '',
    `${word} ${suite.name}: ${test.title}`,
    ...(test.error ?? 'no error text').split('\n').map((line) => `    ${line}`),
  ];
  const first = (suite.firstFailures ?? []).flatMap((test) => failure('FAILED IN THE FIRST OF TWO RUNS', test));
  const tests = suite.tests.flatMap((test) => {
    switch (test.state) {
      case 'failed':
        return failure('FAILED', test);
      case 'skipped':
        return [`skipped ${suite.name}: ${test.title}`, `    ${test.reason ?? 'no reason given'}`];
      default:
        return [];
    }
  });
  return [...first, ...tests];
}
