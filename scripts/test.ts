// Runs the suites and sums up: `node scripts/test.ts [SUITE…] [--file=PART_OF_A_PATH…] [--long]`.
// `--long` asks for the full counts, where a suite has reduced ones (TEST_LONG=1 in its environment).
// The last line is "N passed, N failed, N skipped"; the exit code is 1 when anything failed.
import { editors } from './editor/editorVersion.ts';
import { findBrowser } from './editor/findBrowser.ts';
import { installEditor } from './editor/installEditor.ts';
import { count, countsLine, details, type SuiteOutcome } from './suites/outcome.ts';
import { processNamespace } from './suites/processNamespace.ts';
import { endRunningCommands } from './suites/runCommand.ts';
import { runSuite } from './suites/runSuite.ts';
import { suiteTable } from './suites/suiteTable.ts';

const words = process.argv.slice(2);
const filters = words.filter((word) => word.startsWith('--file=')).map((word) => word.slice('--file='.length));
const names = words.filter((word) => !word.startsWith('--'));
const long = words.includes('--long');
if (long) {
  process.env.TEST_LONG = '1';
}
const table = suiteTable();
const unknown = [
  ...names.filter((name) => !table.some((suite) => suite.name === name)),
  ...words.filter((word) => word.startsWith('--') && word !== '--long' && !word.startsWith('--file=')),
];
if (unknown.length > 0) {
  console.error(
    `Unknown: ${unknown.join(', ')}. Suites: ${table.map((suite) => suite.name).join(', ')}. Options: --file=PART_OF_A_PATH, --long.`,
  );
  process.exit(2);
}
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => {
    void endRunningCommands().finally(() => process.exit(130));
  });
}

const start = performance.now();
const namespace = processNamespace();
if (namespace.reason) {
  console.log(namespace.reason);
}
const outcomes: SuiteOutcome[] = [];
for (const suite of table.filter((candidate) => names.length === 0 || names.includes(candidate.name))) {
  const heading = suite.kind === 'tests' && suite.editor ? `${suite.name} (VS Code ${editors[suite.editor].vscode})` : suite.name;
  console.log(`\n== ${heading}`);
  if (suite.kind === 'tests' && suite.editor) {
    if (outcomes.some((outcome) => outcome.name === 'build' && count([outcome]).failed > 0)) {
      // What an earlier build left in dist/ must not be taken for this one.
      outcomes.push({
        name: suite.name,
        tests: [{ title: 'not run', state: 'failed', duration: 0, error: 'The build failed.' }],
        seconds: 0,
      });
      continue;
    }
    await installEditor(editors[suite.editor]);
    await findBrowser();
  }
  const outcome = await runSuite(suite, filters, namespace);
  outcomes.push(outcome);
  console.log(`   ${countsLine(count([outcome]))} in ${outcome.seconds.toFixed(1)} s`);
}
for (const line of outcomes.flatMap(details)) {
  console.log(line);
}
const counts = count(outcomes);
console.log(`\n${((performance.now() - start) / 1000).toFixed(0)} s in all`);
console.log(countsLine(counts));
process.exitCode = counts.failed > 0 ? 1 : 0;
