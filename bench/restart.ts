// How long a client waits while the guard restarts its server, compared with the time that the server needs to start: `node bench/restart.ts [RESTARTS]`.
// Calls are sequential; the longest wait of a restart counts. All take turns, so that other load on the machine affects all alike; medians of one run.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildPieces } from '../esbuild.ts';
import { makeProject, servers as published } from '../test/process/package/npmServers.ts';
import { median } from './measure.ts';

const restarts = Number(process.argv[2] ?? 15);
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'restart-bench-'));

interface Answer {
  readonly id?: number;
  readonly error?: unknown;
  readonly result?: { readonly isError?: boolean };
}

/** A client without an SDK, which keeps one session over all restarts. */
class Client {
  readonly child: ChildProcess;
  answered = 0;
  failed = 0;
  #id = 0;
  readonly #waiting = new Map<number, (answer: Answer) => void>();

  constructor([program = '', ...args]: readonly string[]) {
    this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const answer: Answer = JSON.parse(line);
      this.#waiting.get(answer.id ?? -1)?.(answer);
    });
  }

  #request(method: string, params: unknown): Promise<Answer> {
    this.#id += 1;
    const id = this.#id;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    });
  }

  async begin(): Promise<void> {
    await this.#request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'bench', version: '1' } });
    this.child.stdin?.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
    await this.call();
  }

  /** @returns milliseconds until the answer */
  async call(): Promise<number> {
    const begun = performance.now();
    const answer = await this.#request('tools/call', { name: 'echo', arguments: { text: 'p', message: 'p' } });
    this.answered += 1;
    this.failed += answer.error !== undefined || answer.result?.isError === true ? 1 : 0;
    return performance.now() - begun;
  }

  async end(): Promise<void> {
    const exited = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.stdin?.end();
    await exited;
  }
}

async function coldStart(server: readonly string[]): Promise<number> {
  const begun = performance.now();
  const client = new Client(server);
  await client.begin();
  const took = performance.now() - begun;
  await client.end();
  return took;
}

/** Calls one after the other from the moment of the request until the new server has answered. */
async function gap(client: Client): Promise<number> {
  client.child.kill('SIGUSR2');
  const begun = performance.now();
  let longest = 0;
  // The new server has started long before, so later calls do not wait.
  while (performance.now() - begun < 1_500) {
    longest = Math.max(longest, await client.call());
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return longest;
}

const echo = join(folder, 'echo.mjs');
await build({ entryPoints: [here('echoServer.ts')], outfile: echo, format: 'esm', platform: 'node', logLevel: 'error' });
const guard = join(folder, 'guard.cjs');
await buildPieces('guard', folder);
const { everything } = published;
const project = join(folder, 'project');
await makeProject(project, [`${everything.name}@${everything.versions[1]}`]);
const servers = {
  'a small server without SDK': [process.execPath, echo],
  'server-everything': [process.execPath, join(project, 'node_modules', '.bin', everything.bin)],
};

console.log('| server | its own start ms | stop first ms | more than its start | --overlap ms | calls failed |');
console.log('| --- | --- | --- | --- | --- | --- |');
try {
  for (const [name, server] of Object.entries(servers)) {
    const guarded = (...options: string[]) =>
      new Client([process.execPath, guard, '--run-dir', join(folder, 'run'), ...options, '--', ...server]);
    const [stopFirst, overlap] = [guarded(), guarded('--overlap')];
    await Promise.all([stopFirst.begin(), overlap.begin()]);
    const times = { start: [] as number[], stopFirst: [] as number[], overlap: [] as number[] };
    for (let round = 0; round < restarts; round += 1) {
      times.start.push(await coldStart(server));
      times.stopFirst.push(await gap(stopFirst));
      times.overlap.push(await gap(overlap));
      // After five restarts within a minute the guard pauses.
      await new Promise((resolve) => setTimeout(resolve, round % 4 === 3 ? 61_000 : 0));
    }
    const [start, first, over] = [median(times.start), median(times.stopFirst), median(times.overlap)];
    const failed = `${stopFirst.failed + overlap.failed} of ${stopFirst.answered + overlap.answered}`;
    console.log(
      `| ${name} | ${start.toFixed(0)} | ${first.toFixed(0)} | ${(first - start).toFixed(0)} (wanted: at most 30) | ${over.toFixed(0)} | ${failed} |`,
    );
    await Promise.all([stopFirst.end(), overlap.end()]);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
