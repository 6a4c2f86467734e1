import { deepEqual, equal, ok } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { runInstaller } from '../../../../src/action/upgrade/runInstaller.ts';

describe('The run of an installer', () => {
  const run = async (program: string): Promise<{ readonly lines: readonly string[]; readonly failure: string | undefined }> => {
    const lines: string[] = [];
    const failure = await runInstaller([process.execPath, '-e', program], { env: process.env, onLine: (line) => lines.push(line) });
    return { lines, failure };
  };

  it('gives each line as it was written, and the last one without an end', async () => {
    const { lines, failure } = await run('process.stdout.write("a\\r\\nb\\n\\nprogress 1\\rprogress 2\\nlast"); process.exitCode = 3');
    deepEqual(lines, ['a', 'b', '', 'progress 1', 'progress 2', 'last']);
    equal(failure, 'exit code 3');
  });

  it('keeps little of a line that does not end', async () => {
    const { lines } = await run('process.stdout.write("x".repeat(3_000_000))');
    equal(lines.join('').length, 3_000_000);
    ok(Math.max(...lines.map(({ length }) => length)) <= 3 * 65_536);
  });
});
