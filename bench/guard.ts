// Cost of the guard, compared with a Node program that only forwards lines: `node bench/guard.ts [--cycles=3000]`.
// All programs run at once and take turns at random, so that other load on the machine affects all alike; medians and ratios of one run.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildPieces } from '../esbuild.ts';
import { compileFolder } from '../src/base/compileCache.ts';
import { median } from './measure.ts';

const cycles = Number(/^--cycles=(\d+)$/.exec(process.argv[2] ?? '')?.[1] ?? 3_000);
/** Time without calls before memory is measured, ms: more than twice the guard's own interval. */
const restMs = 12_000;
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'guard-bench-'));

/** As plain JavaScript, so that the removal of types is not measured. */
async function compiled(name: string): Promise<string> {
  const outfile = join(folder, `${name}.mjs`);
  await build({ entryPoints: [here(`${name}.ts`)], outfile, format: 'esm', platform: 'node', logLevel: 'error' });
  return outfile;
}

class Peer {
  readonly name: string;
  readonly child: ChildProcess;
  readonly latencies: number[] = [];
  readonly startedAt = performance.now();
  #parts: Buffer[] = [];
  #id = 0;
  readonly #waiting = new Map<number, () => void>();

  constructor(name: string, command: readonly string[]) {
    this.name = name;
    const [program = '', ...args] = command;
    this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      let start = 0;
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
        this.#parts.push(chunk.subarray(start, end));
        this.#take(this.#parts);
        this.#parts = [];
        start = end + 1;
      }
      if (start < chunk.length) {
        this.#parts.push(chunk.subarray(start));
      }
    });
  }

  /** Reads only the head and the tail, so that the client's cost of a large answer is not measured. */
  #take(parts: readonly Buffer[]): void {
    const id = Number(/"id":(\d+)/.exec(parts[0]?.toString('latin1', 0, 100) ?? '')?.[1]);
    this.#waiting.get(id)?.();
    this.#waiting.delete(id);
  }

  request(method: string, params: unknown): Promise<void> {
    this.#id += 1;
    const id = this.#id;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    });
  }

  call(args: unknown): Promise<void> {
    return this.request('tools/call', { name: 'echo', arguments: args });
  }

  async ready(): Promise<number> {
    await this.request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'bench', version: '1' } });
    const took = performance.now() - this.startedAt;
    this.child.stdin?.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
    // As clients do; the guard learns from it that the tool only reads.
    await this.request('tools/list', {});
    return took;
  }

  /** Resident memory, and the private part of it: the rest is program text that all Node processes of a machine share. */
  get memoryMb(): { readonly resident: number; readonly own: number } {
    const rollup = readFileSync(`/proc/${this.child.pid}/smaps_rollup`, 'utf8');
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1]) / 1_024;
    return { resident: field('Rss'), own: field('Private_Dirty') };
  }

  async end(): Promise<void> {
    await new Promise((resolve) => {
      this.child.once('exit', resolve);
      this.child.stdin?.end();
    });
  }
}

const echo = [process.execPath, await compiled('echoServer')];
const forwarder = await compiled('lineForwarder');
const guard = join(folder, 'guard.cjs');
await buildPieces('guard', folder);
// As for the guard that the launcher starts.
mkdirSync(join(folder, compileFolder));
const commands: readonly (readonly [string, readonly string[]])[] = [
  ['direct', echo],
  ['lines', [process.execPath, forwarder, 'lines', ...echo]],
  ['parse', [process.execPath, forwarder, 'parse', ...echo]],
  ['guard', [process.execPath, guard, '--run-dir', join(folder, 'run'), '--', ...echo]],
];

const starts = new Map<string, number[]>(commands.map(([name]) => [name, []]));
for (let round = 0; round < 7; round += 1) {
  for (const [name, command] of commands) {
    const peer = new Peer(name, command);
    starts.get(name)?.push(await peer.ready());
    await peer.end();
  }
}
const peers = commands.map(([name, command]) => new Peer(name, command));
for (const peer of peers) {
  await peer.ready();
}
const text = 'p'.repeat(100);
for (let cycle = -200; cycle < cycles; cycle += 1) {
  for (const peer of [...peers].sort(() => Math.random() - 0.5)) {
    const begun = performance.now();
    await peer.call({ text });
    if (cycle >= 0) {
      peer.latencies.push(performance.now() - begun);
    }
  }
}
// Idle: no calls for a while.
await new Promise((resolve) => setTimeout(resolve, restMs));
const idle = new Map(peers.map((peer) => [peer.name, peer.memoryMb]));
const rates = new Map<string, number[]>(peers.map(({ name }) => [name, []]));
const large = new Map<string, number[]>(peers.map(({ name }) => [name, []]));
for (let round = 0; round < 7; round += 1) {
  for (const peer of peers) {
    const begun = performance.now();
    let left = 10_000;
    await Promise.all(
      Array.from({ length: 64 }, async () => {
        while (left-- > 0) {
          await peer.call({ text });
        }
      }),
    );
    rates.get(peer.name)?.push(10_000 / ((performance.now() - begun) / 1_000));
  }
}
for (let round = 0; round < 15; round += 1) {
  for (const peer of [...peers].sort(() => Math.random() - 0.5)) {
    const asked = performance.now();
    await peer.call({ bytes: 10_000_000 });
    large.get(peer.name)?.push(performance.now() - asked);
  }
}
const direct = peers[0]?.latencies ?? [];
console.log('| | p50 ms | added ms (median of pairs) | calls/s, 64 in flight | 10 MB ms | MB idle (its own part) | start ms |');
console.log('| --- | --- | --- | --- | --- | --- | --- |');
const rows = peers.map((peer) => ({
  name: peer.name,
  p50: median(peer.latencies),
  added: median(peer.latencies.map((value, index) => value - (direct[index] ?? 0))),
  rate: median(rates.get(peer.name) ?? []),
  large: median(large.get(peer.name) ?? []),
  idle: idle.get(peer.name) ?? { resident: Number.NaN, own: Number.NaN },
  start: median(starts.get(peer.name) ?? []),
}));
for (const { name, p50, added, rate, large: ms, idle: mb, start } of rows) {
  console.log(
    `| ${name} | ${p50.toFixed(3)} | ${added.toFixed(3)} | ${Math.round(rate)} | ${ms.toFixed(1)} | ${mb.resident.toFixed(1)} (${mb.own.toFixed(1)}) | ${start.toFixed(0)} |`,
  );
}
/** The same ratio in five parts of the run, which shows the noise. */
const parts = 5;
const addedRatios = Array.from({ length: parts }, (_, part) => {
  const added = (name: string): number => {
    const latencies = peers.find((peer) => peer.name === name)?.latencies ?? [];
    const [from, to] = [(part * cycles) / parts, ((part + 1) * cycles) / parts];
    return median(latencies.map((value, index) => value - (direct[index] ?? 0)).slice(from, to));
  };
  return added('guard') / added('lines');
}).sort((a, b) => a - b);
const row = (name: string) => rows.find((one) => one.name === name);
const [lines, parse, ours, bare] = [row('lines'), row('parse'), row('guard'), row('direct')];
if (lines && parse && ours && bare) {
  console.log(
    `\nguard / lines: added latency ${(ours.added / lines.added).toFixed(2)} (wanted: 1.25; its parts ${addedRatios[0]?.toFixed(2)}–${addedRatios.at(-1)?.toFixed(2)}), 10 MB ${(ours.large / lines.large).toFixed(2)} (1.5)`,
  );
  console.log(`guard / parse: calls per second ${(ours.rate / parse.rate).toFixed(2)} (0.9)`);
  console.log(
    `guard − lines: ${(ours.idle.resident - lines.idle.resident).toFixed(1)} MB idle, ${(ours.idle.own - lines.idle.own).toFixed(1)} of them its own (5); guard − direct: ${(ours.start - bare.start).toFixed(0)} ms to start (90)`,
  );
}
await Promise.all(peers.map((peer) => peer.end()));
rmSync(folder, { recursive: true, force: true });
