import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { outRoot } from '../system/projectPaths.ts';
import type { SuiteOutcome, TestOutcome } from './outcome.ts';
import { namespaceMark, type ProcessNamespace } from './processNamespace.ts';
import { processorSeconds } from './processorTime.ts';
import { runCommand } from './runCommand.ts';
import { suiteEnvironment } from './suiteEnvironment.ts';
import { type Suite, suiteFiles } from './suiteTable.ts';

/**
 * Runs one suite with a home and folders of its own. A child that ends without a result (a crash, a file that does not load, a passed time limit) is one failed
 * test with the child's output.
 *
 * @param filters keep only test files whose path contains one of them
 */
export async function runSuite(suite: Suite, filters: readonly string[], namespace: ProcessNamespace): Promise<SuiteOutcome> {
  if (suite.kind === 'command') {
    return inEnvironment((env) => runAsOne(suite, env));
  }
  const files = suiteFiles(suite.folder, filters);
  if (files.length === 0) {
    // A folder without tests is a failure, unless the user asked for other files.
    const error = `No *.test.ts below ${suite.folder}.`;
    return { name: suite.name, tests: filters.length > 0 ? [] : [{ title: 'has tests', state: 'failed', duration: 0, error }], seconds: 0 };
  }
  const tests = suite;
  const begun = performance.now();
  const outcomes = await inLanes();
  return {
    name: suite.name,
    tests: outcomes.flatMap((outcome) => outcome.tests),
    firstFailures: outcomes.flatMap((outcome) => outcome.firstFailures ?? []),
    seconds: (performance.now() - begun) / 1_000,
    ...(outcomes.every((outcome) => outcome.processor !== undefined)
      ? { processor: outcomes.reduce((sum, outcome) => sum + (outcome.processor ?? 0), 0) }
      : {}),
    files: outcomes,
  };

  /** With several lanes each file has a child and folders of its own. Slow files start first, so that none of them runs alone at the end. */
  async function inLanes(): Promise<SuiteOutcome[]> {
    const { lanes = 1, slowFirst = [], twice } = tests;
    const rank = (file: string): number => {
      const at = slowFirst.findIndex((part) => file.includes(part));
      return at < 0 ? slowFirst.length : at;
    };
    const queue = lanes === 1 ? [files] : [...files].sort((one, other) => rank(one) - rank(other)).map((file) => [file]);
    const run = (some: readonly string[]): Promise<SuiteOutcome> => {
      const name = lanes === 1 ? suite.name : `${suite.name}-${some.join().replace(/\W+/g, '-')}`;
      return inEnvironment((env) => runTests(tests, name, some, namespace, env));
    };
    const mayRunAgain = (failures: readonly TestOutcome[]): boolean =>
      twice === 'any' ? failures.length > 0 : twice === 'late' && failures[0]?.late === true;
    const done: SuiteOutcome[] = [];
    const again: [readonly string[], SuiteOutcome][] = [];
    const lane = async (): Promise<void> => {
      for (let some = queue.shift(); some !== undefined; some = queue.shift()) {
        const outcome = await run(some);
        if (mayRunAgain(failed(outcome))) {
          again.push([some, outcome]);
        } else {
          done.push(outcome);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(lanes, queue.length) }, lane));
    for (const [some, first] of again) {
      const second = await run(some);
      done.push(failed(second).length > 0 ? second : { ...second, firstFailures: failed(first) });
    }
    return done;
  }
}

function failed({ tests }: SuiteOutcome): TestOutcome[] {
  return tests.filter(({ state }) => state === 'failed');
}

async function inEnvironment<T>(work: (env: NodeJS.ProcessEnv) => Promise<T>): Promise<T> {
  const environment = suiteEnvironment();
  try {
    return await work(environment.env);
  } finally {
    environment.remove();
  }
}

async function runAsOne(suite: Suite & { kind: 'command' }, env: NodeJS.ProcessEnv): Promise<SuiteOutcome> {
  const { code, output, seconds } = await runCommand(suite.command, { env, limit: suite.limit });
  const duration = seconds * 1000;
  const test: TestOutcome =
    code === 0 ? { title: suite.name, state: 'passed', duration } : { title: suite.name, state: 'failed', duration, error: output.trim() };
  return { name: suite.name, tests: [test], seconds };
}

type TestSuite = Suite & { kind: 'tests' };

/**
 * Where Node keeps what it compiled, for all children of a run: without it each of them strips and compiles the same modules again, for half of its processor time.
 * The child takes it out of its environment, so that programs under test run as users start them.
 */
function compileCache(): NodeJS.ProcessEnv {
  const folder = process.env.MCP_SHEPHERD_TEST_CACHE;
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: join(folder, 'compiled') };
}

async function runTests(
  suite: TestSuite,
  name: string,
  files: readonly string[],
  namespace: ProcessNamespace,
  env: NodeJS.ProcessEnv,
): Promise<SuiteOutcome> {
  mkdirSync(outRoot, { recursive: true });
  const resultFile = join(outRoot, `${name}.json`);
  const timesFile = join(outRoot, `${name}.times`);
  rmSync(resultFile, { force: true });
  rmSync(timesFile, { force: true });
  const command = [process.execPath, join(import.meta.dirname, suite.child), resultFile, ...suite.arguments, ...files];
  const { code, output, seconds } = await runCommand(suite.namespace ? namespace.wrap(command, timesFile) : command, {
    env: { ...env, ...compileCache(), ...(suite.namespace ? namespaceMark(namespace) : {}) },
    limit: suite.limit,
    show: true,
  });
  const tests: TestOutcome[] = existsSync(resultFile) ? JSON.parse(readFileSync(resultFile, 'utf8')) : [];
  // A file whose tests all need --long has none.
  if ((tests.length === 0 && (files.length > 1 || code !== 0)) || (code !== 0 && !tests.some((test) => test.state === 'failed'))) {
    tests.push({
      title: `ended with ${code}`,
      state: 'failed',
      duration: seconds * 1000,
      error: output.trim().split('\n').slice(-60).join('\n'),
    });
  }
  const processor = processorSeconds(timesFile);
  rmSync(timesFile, { force: true });
  return { name: files.length === 1 ? files.join() : suite.name, tests, seconds, ...(processor === undefined ? {} : { processor }) };
}
