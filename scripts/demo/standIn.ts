import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { endTree, listProcesses, type ProcessEntry } from '../system/processTree.ts';
import { waitFor } from '../system/waitFor.ts';

/** What a stand-in client starts. */
type StandInServer = { readonly name: string; readonly command: string; readonly args: readonly string[]; readonly copies: number };

/** A running stand-in for Claude Code. */
export type StandIn = {
  readonly pid: number;
  /** The processes of its servers, by name, all of which have answered. */
  readonly servers: ReadonlyMap<string, readonly ProcessEntry[]>;
  /** Kills only the client (SIGKILL), like a crash, and waits until it has ended. */
  readonly crash: () => Promise<void>;
  readonly dispose: () => Promise<void>;
};

/** The environment variables that Claude Code 2.1 sets for its servers. */
const marks = { CLAUDECODE: '1', CLAUDE_CODE_ENTRYPOINT: 'cli' };

/** Copies the stand-in to where the client's own program would be. @returns its path */
export function installStandIn(folder: string): string {
  const root = join(folder, 'node_modules', '@anthropic-ai', 'claude-code');
  mkdirSync(root, { recursive: true });
  writeFileSync(
    join(root, 'package.json'),
    JSON.stringify({ name: '@anthropic-ai/claude-code', version: '2.0.0', type: 'module', private: true }),
  );
  copyFileSync(join(import.meta.dirname, 'standInClient.mjs'), join(root, 'cli.js'));
  return join(root, 'cli.js');
}

/**
 * Starts the stand-in and waits until all its servers have answered.
 *
 * @param program from `installStandIn`
 * @throws Error when they do not within 30 s
 */
export async function startStandIn(
  program: string,
  cwd: string,
  env: NodeJS.ProcessEnv,
  servers: readonly StandInServer[],
): Promise<StandIn> {
  const child = spawn(process.execPath, [program], { cwd, env, stdio: ['pipe', 'pipe', 'inherit'] });
  const ready: { name: string; pid?: number; error?: string }[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    ready.push(JSON.parse(line));
  });
  child.stdin.write(`${JSON.stringify(servers.map((server) => ({ ...server, marks })))}\n`);
  const pid = child.pid ?? 0;
  const wanted = servers.reduce((sum, server) => sum + server.copies, 0);
  try {
    await waitFor('the servers of the stand-in client to answer', () => ready.length === wanted, { limit: 30_000 });
  } catch (error) {
    await endTree(pid);
    throw error;
  }
  const failed = ready.find((entry) => entry.error !== undefined);
  if (failed) {
    await endTree(pid);
    throw new Error(`The demo server ${failed.name} did not start: ${failed.error}`);
  }
  const table = listProcesses();
  const entries = (name: string): ProcessEntry[] =>
    ready.filter((entry) => entry.name === name).flatMap((entry) => table.get(entry.pid ?? 0) ?? []);
  return {
    pid,
    servers: new Map(servers.map(({ name }) => [name, entries(name)])),
    crash: async () => {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    },
    dispose: () => endTree(pid),
  };
}
