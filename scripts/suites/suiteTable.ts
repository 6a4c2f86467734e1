import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../system/projectPaths.ts';

/** One part of `npm test`. */
export type Suite =
  /** A command that passes when it exits with 0: one test. */
  | { readonly name: string; readonly kind: 'command'; readonly command: readonly string[]; readonly limit: number }
  /** Test files that a child runs, which writes what became of each test into a file. */
  | {
      readonly name: string;
      readonly kind: 'tests';
      /** Every `*.test.ts` below it. */
      readonly folder: string;
      /** The child, and its arguments after the result file and before the test files. */
      readonly child: string;
      readonly arguments: readonly string[];
      /** Runs in a PID namespace of its own where the machine allows it, because it looks at all processes. */
      readonly namespace: boolean;
      /** Which editor it needs from the cache, if any. */
      readonly editor?: 'current' | 'floor';
      /** So many children at a time, each with one file in a world of its own: for tests that mostly wait. Default 1: one child with all. */
      readonly lanes?: number;
      /** With lanes: parts of the paths of files that take long, the longest first. */
      readonly slowFirst?: readonly string[];
      readonly limit: number;
    };

const bin = (name: string): string => join(projectRoot, 'node_modules', '.bin', name);
const slowProcessTests = [
  'truth/falseAlarms',
  'package/npmEvents',
  'match/launchers',
  'package/pipEvents',
  'package/duringInstall',
  'ensure/ensure.test',
  'cli/status',
  'server/programs',
  'server/sources',
  'survey/badInput',
  'cli/actions',
  'guard/http/stale',
  'stale/staleGate',
  'ports/httpServers',
  'contention/contention',
];

/** In the order in which they run. */
export function suiteTable(): readonly Suite[] {
  // The full counts take longer. Not read when this file is loaded: `--long` is looked at after that.
  const minutes = process.env.TEST_LONG === '1' ? 600_000 : 60_000;
  const mocha = { kind: 'tests', child: 'mochaChild.ts', arguments: [] } as const;
  const inEditor = (name: string, editor: 'current' | 'floor'): Suite => ({
    name,
    kind: 'tests',
    folder: 'test/vscode/suite',
    child: 'vscodeChild.ts',
    arguments: [editor],
    namespace: true,
    editor,
    limit: 6 * minutes,
  });
  return [
    { name: 'lint', kind: 'command', command: [bin('biome'), 'check', '--error-on-warnings', '.'], limit: 2 * minutes },
    { name: 'imports', kind: 'command', command: [process.execPath, 'scripts/imports.ts'], limit: minutes },
    { name: 'types', kind: 'command', command: [bin('tsc')], limit: 3 * minutes },
    { name: 'build', kind: 'command', command: [process.execPath, 'esbuild.ts'], limit: 2 * minutes },
    { ...mocha, name: 'unit', folder: 'test/unit', namespace: false, limit: 4 * minutes },
    { ...mocha, name: 'process', folder: 'test/process', namespace: true, lanes: 4, slowFirst: slowProcessTests, limit: 6 * minutes },
    inEditor('vscode', 'current'),
    // The same tests inside the oldest VS Code that is supported.
    inEditor('floor', 'floor'),
    {
      ...mocha,
      name: 'screen',
      folder: 'test/screen',
      namespace: true,
      editor: 'current',
      lanes: 2,
      slowFirst: ['manyInstances', 'actions'],
      limit: 6 * minutes,
    },
  ];
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
