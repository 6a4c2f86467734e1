// Runs mocha over files and writes the outcome of each test as JSON: `node scripts/suites/mochaChild.ts RESULT FILE…`.
// A child of test.ts, so that a crash or an open handle in a suite does not end the whole run.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Mocha from 'mocha';
import { mochaHooks } from '../../test/everySnapshot.ts';
import { projectRoot } from '../system/projectPaths.ts';
import { collectOutcomes } from './collectOutcomes.ts';
import type { TestOutcome } from './outcome.ts';

// For this process alone (runSuite.ts).
delete process.env.NODE_COMPILE_CACHE;
const [resultFile, ...files] = process.argv.slice(2);
if (!resultFile) {
  throw new Error('Usage: mochaChild.ts RESULT FILE…');
}
const settings: { timeout?: number } = JSON.parse(readFileSync(join(projectRoot, '.mocharc.json'), 'utf8'));

// The base reporter prints nothing; collectOutcomes prints and counts.
const mocha = new Mocha({
  reporter: Mocha.reporters.Base,
  timeout: settings.timeout ?? 20_000,
  forbidOnly: true,
  rootHooks: mochaHooks,
});
for (const file of files) {
  mocha.addFile(resolve(file));
}
await mocha.loadFilesAsync();
let outcomes: readonly TestOutcome[] = [];
const failures = await new Promise<number>((done) => {
  outcomes = collectOutcomes(mocha.run(done), (line) => process.stdout.write(`${line}\n`));
});
writeFileSync(resultFile, JSON.stringify(outcomes));
process.exitCode = failures > 0 ? 1 : 0;

// A suite that leaves a handle open must not hang the run, but it is reported.
setTimeout(() => {
  console.error(`The suite left open: ${process.getActiveResourcesInfo().join(', ')}`);
  process.exit();
}, 3_000).unref();
