import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { outRoot } from '../system/projectPaths.ts';
import type { SuiteOutcome, TestOutcome } from './outcome.ts';
import { namespaceMark, type ProcessNamespace } from './processNamespace.ts';
import { runCommand } from './runCommand.ts';
import { suiteEnvironment } from './suiteEnvironment.ts';
import { type Suite, suiteFiles } from './suiteTable.ts';

/**
 * Runs one suite in a world of its own and returns what became of its tests. A child that ends without a result
 * (a crash, a file that does not load, a passed limit) is one failed test with the child's output.
 *
 * @param filters keep only test files whose path contains one of them
 */
export async function runSuite(suite: Suite, filters: readonly string[], namespace: ProcessNamespace): Promise<SuiteOutcome> {
  if (suite.kind === 'command') {
    return inWorld((env) => runAsOne(suite, env));
  }
  const files = suiteFiles(suite.folder, filters);
  if (files.length === 0) {
    // A folder without tests must not look like success, unless the user asked for other files.
    const error = `No *.test.ts below ${suite.folder}.`;
    return { name: suite.name, tests: filters.length > 0 ? [] : [{ title: 'has tests', state: 'failed', duration: 0, error }], seconds: 0 };
  }
  const lanes = Array.from({ length: Math.min(suite.lanes ?? 1, files.length) }, (_, lane) =>
    files.filter((_file, index) => index % (suite.lanes ?? 1) === lane),
  );
  const outcomes = await Promise.all(lanes.map((part, lane) => inWorld((env) => runTests(suite, lane, part, namespace, env))));
  return {
    name: suite.name,
    tests: outcomes.flatMap((outcome) => outcome.tests),
    seconds: Math.max(...outcomes.map((outcome) => outcome.seconds)),
  };
}

async function inWorld<T>(work: (env: NodeJS.ProcessEnv) => Promise<T>): Promise<T> {
  const world = suiteEnvironment();
  try {
    return await work(world.env);
  } finally {
    world.remove();
  }
}

async function runAsOne(suite: Suite & { kind: 'command' }, env: NodeJS.ProcessEnv): Promise<SuiteOutcome> {
  const { code, output, seconds } = await runCommand(suite.command, { env, limit: suite.limit });
  const duration = seconds * 1000;
  const test: TestOutcome =
    code === 0 ? { title: suite.name, state: 'passed', duration } : { title: suite.name, state: 'failed', duration, error: output.trim() };
  return { name: suite.name, tests: [test], seconds };
}

async function runTests(
  suite: Suite & { kind: 'tests' },
  lane: number,
  files: readonly string[],
  namespace: ProcessNamespace,
  env: NodeJS.ProcessEnv,
): Promise<SuiteOutcome> {
  mkdirSync(outRoot, { recursive: true });
  const resultFile = join(outRoot, `${suite.name}-${lane}.json`);
  rmSync(resultFile, { force: true });
  const command = [process.execPath, join(import.meta.dirname, suite.child), resultFile, ...suite.arguments, ...files];
  const { code, output, seconds } = await runCommand(suite.namespace ? namespace.wrap(command) : command, {
    env: suite.namespace ? { ...env, ...namespaceMark(namespace) } : env,
    limit: suite.limit,
    show: true,
  });
  const tests: TestOutcome[] = existsSync(resultFile) ? JSON.parse(readFileSync(resultFile, 'utf8')) : [];
  if (tests.length === 0 || (code !== 0 && !tests.some((test) => test.state === 'failed'))) {
    tests.push({
      title: `ended with ${code}`,
      state: 'failed',
      duration: seconds * 1000,
      error: output.trim().split('\n').slice(-60).join('\n'),
    });
  }
  return { name: suite.name, tests, seconds };
}
