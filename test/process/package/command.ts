import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs a command to its end. Rejects with the last of what it printed when it fails or takes longer than two minutes. */
export function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 });
    let out = '';
    let all = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      all += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      all += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) {
        resolve(out);
      } else {
        reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${all.slice(-3000)}`));
      }
    });
  });
}

let cacheFolder: string | undefined;

/**
 * Where installs are kept for reuse: `MCP_SHEPHERD_TEST_CACHE` when the test run sets it (and removes it at its end), else a folder of this process that is
 * removed when it exits.
 */
export function testCache(): string {
  const shared = process.env.MCP_SHEPHERD_TEST_CACHE;
  if (shared) {
    return shared;
  }
  if (cacheFolder === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'mcp-shepherd-test-cache-'));
    cacheFolder = folder;
    process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  }
  return cacheFolder;
}
