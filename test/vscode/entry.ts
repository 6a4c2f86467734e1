// Runs mocha inside an extension host. Bundled together with the suites (scripts/suites/extensionHostRun.ts), because an
// extension host loads one CommonJS file.
import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';
import { collectOutcomes } from '../../scripts/suites/collectOutcomes.ts';

/**
 * What VS Code calls as `run()`.
 *
 * @param load loads every suite; `describe` and the rest are defined by then
 * @throws Error when a test failed, which makes VS Code exit with 1
 */
export async function runSuites(load: () => Promise<unknown>): Promise<void> {
  const resultFile = process.env.MCP_SHEPHERD_TEST_RESULT;
  if (!resultFile) {
    throw new Error('MCP_SHEPHERD_TEST_RESULT is not set.');
  }
  const mocha = new Mocha({ reporter: Mocha.reporters.Base, timeout: 60_000, forbidOnly: true });
  mocha.suite.emit('pre-require', globalThis, '', mocha);
  await load();
  const failures = await new Promise<number>((done) => {
    const outcomes = collectOutcomes(mocha.run(end), (line) => console.log(`[test]${line}`));
    function end(count: number): void {
      writeFileSync(resultFile ?? '', JSON.stringify(outcomes));
      done(count);
    }
  });
  if (failures > 0) {
    throw new Error(`${failures} failed`);
  }
}
