import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../system/projectPaths.ts';

/** One part of `npm test`. */
export type Suite = {
  readonly name: string;
  /** Suites of one stage run at the same time, the stages one after the other. */
  readonly stage: 'checks' | 'tests' | 'editors' | 'screen';
  /** Milliseconds for each child process: against one that hangs, on a machine several times as slow as the measured one. */
  readonly limit: number;
} & (
  | {
      /** A command that passes when it exits with 0: one test. */
      readonly kind: 'command';
      readonly command: readonly string[];
    }
  | {
      /** Test files. A child process runs them and writes the outcome of each test into a file. */
      readonly kind: 'tests';
      /** Every `*.test.ts` below it. */
      readonly folder: string;
      /** The child's script in this folder, and its arguments between the result file and the test files. */
      readonly child: string;
      readonly arguments: readonly string[];
      /** Runs in a PID namespace of its own where the machine allows it, because its tests list all processes. */
      readonly namespace: boolean;
      /** The editor that it needs from the cache. */
      readonly editor?: 'current' | 'floor';
      /** Number of children at a time, each with one file and folders of its own: for tests that mostly wait. Default: one child with all files. */
      readonly lanes?: number;
      /**
       * Which failures run once more, alone, at the end, and the output shows both runs: the file, or without lanes all files. `any` is for windows of an editor, which
       * takes the focus and hides messages when it likes. `late` is for tests of our own processes, where what happens once in a hundred runs is a fault: a file is run
       * again when its first failure is a time that was up, because that may tell of the machine alone, and what fails after it may follow from it.
       */
      readonly twice?: 'any' | 'late';
      /** With lanes: parts of the paths of the files that start first, the longest first. */
      readonly slowFirst?: readonly string[];
    }
);

const bin = (name: string): string => join(projectRoot, 'node_modules', '.bin', name);
/** In the order of their measured duration. */
const slowProcessTests = [
  'fuzz/hostileInput',
  'package/npmEvents',
  'truth/falseAlarms',
  'match/launchers',
  'protect/protect',
  'package/pipEvents',
  'cli/actions',
  'cli/status',
  'server/sources',
  'stale/staleGatePip',
  'lock/examples',
  'guard/lock.test',
  'ensure/ensureCommand',
  'cli/usage',
  'passThrough',
  'http/streams',
  'http/sessions',
  'guard/restart',
  'http/served',
  'guard/ending',
  'stale/staleCalls',
  'http/stale',
  'execute/opencode',
  'ensure/ensureExamples',
  'contention/contention',
  'http/recovery',
  'http/hostile',
];

/** In the order in which they run. */
export function suiteTable(): readonly Suite[] {
  // The full counts take longer. TEST_LONG is read here because scripts/test.ts sets it after this file is loaded.
  const minutes = process.env.TEST_LONG === '1' ? 600_000 : 60_000;
  const check = { kind: 'command', stage: 'checks' } as const;
  const mocha = { kind: 'tests', child: 'mochaChild.ts', arguments: [] } as const;
  const inEditor = (name: string, editor: 'current' | 'floor'): Suite => ({
    name,
    stage: 'editors',
    kind: 'tests',
    folder: 'test/vscode/suite',
    child: 'vscodeChild.ts',
    arguments: [editor],
    namespace: true,
    editor,
    twice: 'any',
    limit: 10 * minutes,
  });
  return [
    { ...check, name: 'lint', command: [bin('biome'), 'check', '--error-on-warnings', '.'], limit: 2 * minutes },
    { ...check, name: 'imports', command: [process.execPath, 'scripts/imports.ts'], limit: minutes },
    { ...check, name: 'types', command: [bin('tsc')], limit: 3 * minutes },
    { ...check, name: 'build', command: [process.execPath, 'esbuild.ts'], limit: 2 * minutes },
    // One process that computes: it fills what the process tests leave while they wait.
    { ...mocha, name: 'unit', stage: 'tests', folder: 'test/unit', namespace: false, limit: 20 * minutes },
    {
      ...mocha,
      name: 'process',
      stage: 'tests',
      folder: 'test/process',
      namespace: true,
      lanes: 5,
      slowFirst: slowProcessTests,
      twice: 'late',
      limit: 10 * minutes,
    },
    inEditor('vscode', 'current'),
    // The same tests in the oldest supported VS Code.
    inEditor('floor', 'floor'),
    {
      ...mocha,
      name: 'screen',
      stage: 'screen',
      folder: 'test/screen',
      namespace: true,
      editor: 'current',
      lanes: 2,
      twice: 'any',
      slowFirst: ['manyInstances', 'actions', 'upgradeProof', 'serverView', 'guardLaunch'],
      limit: 10 * minutes,
    },
  ];
}

/** The suites of each stage together, in the order of the table. */
export function stagesOf(suites: readonly Suite[]): Suite[][] {
  return [...new Set(suites.map(({ stage }) => stage))].map((stage) => suites.filter((suite) => suite.stage === stage));
}

/** The test files below a folder of the project, in a fixed order; `filters` keeps those whose path contains one of them. */
export function suiteFiles(folder: string, filters: readonly string[]): string[] {
  const root = join(projectRoot, folder);
  const names = existsSync(root) ? readdirSync(root, { recursive: true, encoding: 'utf8' }) : [];
  return names
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(folder, name))
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort();
}
