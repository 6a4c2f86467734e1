// Runs the suites and sums up: `node scripts/test.ts [SUITE…] [--file=PART_OF_A_PATH…] [--long] [--cpu]`.
// `--long` asks for the full counts, where a suite has reduced ones (TEST_LONG=1 in its environment).
// `--cpu` lists the processor time of each file.
// The last line is "N passed, N failed, N skipped"; the exit code is 1 when anything failed, and 2 for a wrong call.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { editors } from './editor/editorVersion.ts';
import { findBrowser } from './editor/findBrowser.ts';
import { installEditor } from './editor/installEditor.ts';
import { count, countsLine, details, type SuiteOutcome } from './suites/outcome.ts';
import { processNamespace } from './suites/processNamespace.ts';
import { processorLines } from './suites/processorTime.ts';
import { endRunningCommands } from './suites/runCommand.ts';
import { runSuite } from './suites/runSuite.ts';
import { type Suite, stagesOf, suiteTable } from './suites/suiteTable.ts';
import { memoryFolder } from './system/memoryFolder.ts';

const words = process.argv.slice(2);
const filters = words.filter((word) => word.startsWith('--file=')).map((word) => word.slice('--file='.length));
const names = words.filter((word) => !word.startsWith('--'));
const long = words.includes('--long');
const showProcessorTime = words.includes('--cpu');
if (long) {
  process.env.TEST_LONG = '1';
}
const table = suiteTable();
const unknown = [
  ...names.filter((name) => !table.some((suite) => suite.name === name)),
  ...words.filter((word) => word.startsWith('--') && word !== '--long' && word !== '--cpu' && !word.startsWith('--file=')),
];
if (unknown.length > 0) {
  console.error(
    `Unknown: ${unknown.join(', ')}. Suites: ${table.map((suite) => suite.name).join(', ')}. Options: --file=PART_OF_A_PATH, --long, --cpu.`,
  );
  process.exit(2);
}
// The full counts use the disk, as servers do. A TMPDIR that the caller sets is kept.
if (!long && process.env.TMPDIR === undefined) {
  process.env.TMPDIR = memoryFolder() ?? tmpdir();
}
// What several test files install is installed once (test/process/package/testCache.ts).
const installs = mkdtempSync(join(tmpdir(), 'installs-'));
process.env.MCP_SHEPHERD_TEST_CACHE = installs;
process.once('exit', () => rmSync(installs, { recursive: true, force: true, maxRetries: 3 }));
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
const chosen = table.filter((candidate) => names.length === 0 || names.includes(candidate.name));
const editorOf = (suite: Suite): keyof typeof editors | undefined => (suite.kind === 'tests' ? suite.editor : undefined);
/** The editors that the chosen suites need, and a browser, one after the other. A second call waits for the first. */
const fetchEditors = once(async () => {
  for (const editor of new Set(chosen.flatMap((suite) => editorOf(suite) ?? []))) {
    await installEditor(editors[editor]);
    await findBrowser();
  }
});

// The stages before the editors' leave the network nearly idle. A failure is reported where the editors are needed.
fetchEditors().catch(() => undefined);
for (const stage of stagesOf(chosen)) {
  for (const suite of stage) {
    const editor = editorOf(suite);
    console.log(`\n== ${editor ? `${suite.name} (VS Code ${editors[editor].vscode})` : suite.name}`);
  }
  if (stage.some(editorOf)) {
    await fetchEditors();
  }
  // An editor must not load what an earlier build left in dist/.
  const built = !outcomes.some((outcome) => outcome.name === 'build' && count([outcome]).failed > 0);
  outcomes.push(...(await Promise.all(stage.map((suite) => (built || !editorOf(suite) ? runAndReport(suite) : notRun(suite))))));
}
for (const line of outcomes.flatMap(details)) {
  console.log(line);
}
const counts = count(outcomes);
console.log(`\n${((performance.now() - start) / 1000).toFixed(0)} s in all`);
console.log(countsLine(counts));
process.exitCode = counts.failed > 0 ? 1 : 0;

async function runAndReport(suite: Suite): Promise<SuiteOutcome> {
  const outcome = await runSuite(suite, filters, namespace);
  if (showProcessorTime) {
    for (const line of processorLines(outcome.files ?? [])) {
      console.log(line);
    }
  }
  const processor = outcome.processor === undefined ? '' : `, ${outcome.processor.toFixed(0)} s of processor`;
  console.log(`   ${suite.name}: ${countsLine(count([outcome]))} in ${outcome.seconds.toFixed(1)} s${processor}`);
  return outcome;
}

function notRun({ name }: Suite): SuiteOutcome {
  return { name, tests: [{ title: 'not run', state: 'failed', duration: 0, error: 'The build failed.' }], seconds: 0 };
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let begun: Promise<T> | undefined;
  return () => {
    begun ??= work();
    return begun;
  };
}
