import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '../../../scripts/system/waitFor.ts';

let made: string | undefined;

/** A folder of this process, removed when it exits. */
export function ownFolder(): string {
  if (made === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'mcp-shepherd-test-'));
    made = folder;
    process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  }
  return made;
}

/** Where installs are kept for reuse: `MCP_SHEPHERD_TEST_CACHE`, one folder for all test files of a run, which the run removes at its end; else a folder of our own. */
export function testCache(): string {
  return process.env.MCP_SHEPHERD_TEST_CACHE ?? ownFolder();
}

/** Milliseconds after which a folder that was begun counts as left by a process that ended: its maker gives a sign each second. */
const leftMs = 60_000;

/**
 * Makes a folder in the test cache once, also when several test files want it at the same time: the others wait for the one that began. It is made where it
 * stays, because environments hold their own path. What is in it is only read.
 *
 * @param make fills the folder; when it fails, the next who wants it tries again
 */
export async function keptFolder(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(testCache(), name);
  const whole = `${folder}.whole`;
  const begun = `${folder}.begun`;
  await waitFor(
    `${name} in the test cache`,
    async () => {
      if (existsSync(whole)) {
        return true;
      }
      try {
        mkdirSync(begun);
      } catch {
        if (Date.now() - (statSync(begun, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > leftMs) {
          rmSync(folder, { recursive: true, force: true });
          rmSync(begun, { recursive: true, force: true });
        }
        return false;
      }
      const sign = setInterval(() => utimesSync(begun, new Date(), new Date()), 1_000);
      try {
        mkdirSync(folder);
        await make(folder);
        writeFileSync(whole, '');
        return true;
      } catch (error) {
        rmSync(folder, { recursive: true, force: true });
        rmdirSync(begun);
        throw error;
      } finally {
        clearInterval(sign);
      }
    },
    { limit: 600_000, every: 100 },
  );
  return folder;
}
