// Cost of relay and host, compared with no guard, with a guard for each server, and with a Node program that forwards lines:
// `node bench/host.ts FOLDER`. FOLDER: `npm install @modelcontextprotocol/server-{memory,filesystem,everything,sequential-thinking}` was run there.
// FOLDER is followed by the parts that are wanted: memory, shared, speed, start, idle.
// Memory is the proportional set size of every process that a way needs, the host included. Times are medians of programs that take turns.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildPieces } from '../esbuild.ts';
import { median } from './measure.ts';

const [sessions, configured, idleSessions] = [8, 10, 100];
const modules = resolve(process.argv[2] ?? '.', 'node_modules', '@modelcontextprotocol');
const folder = mkdtempSync(join(tmpdir(), 'host-bench-'));
const run = join(folder, 'run');
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const env = { ...process.env, HOME: folder, MCP_RUN_DIR: run };
const guard = join(folder, 'guard.cjs');
const options = ['--start', 'lazy'];

type Way = (server: readonly string[]) => readonly string[];
const ways: Readonly<Record<string, Way>> = {
  direct: (server) => server,
  guard: (server) => [process.execPath, guard, ...options, '--', ...server],
  perl: (server) => ['/usr/bin/perl', join(folder, 'relay.pl'), process.execPath, guard, '--relay', ...options, '--', ...server],
  python: (server) => [
    '/usr/bin/python3',
    '-I',
    '-S',
    join(folder, 'relay.py'),
    process.execPath,
    guard,
    '--relay',
    ...options,
    '--',
    ...server,
  ],
  node: (server) => [process.execPath, guard, '--relay', ...options, '--', ...server],
};

/** Ten entries of real servers. */
function entry(index: number): readonly string[] {
  const place = join(folder, `files${index}`);
  mkdirSync(place, { recursive: true });
  const script = (name: string, ...args: string[]): readonly string[] => [
    process.execPath,
    join(modules, name, 'dist', 'index.js'),
    ...args,
  ];
  return [script('server-memory'), script('server-filesystem', place), script('server-everything'), script('server-sequential-thinking')][
    index % 4
  ] as readonly string[];
}

class Client {
  readonly child: ChildProcess;
  #text = '';
  #id = 0;
  readonly #waiting = new Map<number, (message: { result?: unknown }) => void>();

  constructor([program = '', ...args]: readonly string[]) {
    this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'], env, cwd: folder });
    this.child.stdout?.setEncoding('latin1').on('data', (chunk: string) => {
      this.#text += chunk;
      if (chunk.includes('\n')) {
        const lines = this.#text.split('\n');
        this.#text = lines.pop() ?? '';
        for (const line of lines) {
          const { id } =
            (/"id":(\d+)/.exec(line.slice(0, 100)) ?? line.length > 1_000_000)
              ? { id: Number(/"id":(\d+)/.exec(line)?.[1]) }
              : JSON.parse(line);
          this.#waiting.get(id)?.({ result: line });
          this.#waiting.delete(id);
        }
      }
    });
  }

  request(method: string, params: object = {}): Promise<{ result?: unknown }> {
    this.#id += 1;
    const id = this.#id;
    this.child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    return new Promise((done) => this.#waiting.set(id, done));
  }

  async handshake(): Promise<this> {
    await this.request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'bench', version: '1' } });
    this.child.stdin?.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
    await this.request('tools/list');
    return this;
  }

  async end(): Promise<void> {
    const gone = new Promise((done) => this.child.once('exit', done));
    this.child.stdin?.end();
    await gone;
  }
}

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

interface Row {
  readonly pid: number;
  readonly ppid: number;
  readonly command: string;
}

function rows(): readonly Row[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
        return [
          {
            pid: Number(name),
            ppid: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]),
            command: readFileSync(`/proc/${name}/cmdline`, 'latin1'),
          },
        ];
      } catch {
        return [];
      }
    });
}

const isHost = ({ command }: Row): boolean => command.includes(`\0host\0${run}`);

/** Of all that this bench started, but not itself; MB. */
function memoryMb(filter: (row: Row) => boolean = () => true): number {
  const all = rows();
  const ours = new Set([process.pid]);
  for (let size = 0; size !== ours.size; ) {
    size = ours.size;
    for (const row of all) {
      if (ours.has(row.ppid) || isHost(row)) {
        ours.add(row.pid);
      }
    }
  }
  return all
    .filter((row) => row.pid !== process.pid && ours.has(row.pid) && filter(row))
    .reduce((sum, { pid }) => {
      try {
        return sum + Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0) / 1_024;
      } catch {
        return sum;
      }
    }, 0);
}

async function noHost(): Promise<void> {
  for (const { pid } of rows().filter(isHost)) {
    process.kill(pid, 'SIGTERM');
  }
  while (rows().some(isHost)) {
    await sleep(20);
  }
}

async function startHost(): Promise<void> {
  spawn(process.execPath, [guard, 'host', run], { stdio: 'ignore', env }).unref();
  while (!existsSync(join(run, 'shepherd', 'host', 'socket'))) {
    await sleep(20);
  }
  await sleep(300);
}

const fixed = (value: number, digits = 2): string => value.toFixed(digits).padStart(9);

async function memory(): Promise<void> {
  console.log(`\n${sessions} sessions × ${configured} servers, one in ten called: memory of everything, MB`);
  let direct = 0;
  for (const name of ['direct', 'guard', 'perl', 'python', 'node']) {
    const way = ways[name] as Way;
    if (name !== 'direct' && name !== 'guard') {
      await startHost();
    }
    // Fills the kept answers.
    for (let index = 0; index < configured; index += 1) {
      await (await new Client(way(entry(index))).handshake()).end();
    }
    const clients: Client[] = [];
    for (let session = 0; session < sessions; session += 1) {
      for (let index = 0; index < configured; index += 1) {
        clients.push(await new Client(way(entry(index))).handshake());
      }
    }
    for (const [index, client] of clients.entries()) {
      if (index % configured === 0) {
        await client.request('tools/call', { name: 'read_graph', arguments: {} });
      }
    }
    await sleep(12_000);
    const mb = memoryMb();
    direct ||= mb;
    const relays = memoryMb(({ command }) => command.includes('--relay'));
    const host = memoryMb(isHost);
    console.log(
      `${name.padEnd(8)}${fixed(mb, 0)}  ×${fixed(mb / direct)}   each relay ${fixed(relays / clients.length)}   host ${fixed(host, 1)}`,
    );
    await Promise.all(clients.map((client) => client.end()));
    await noHost();
  }
}

/** Tools of the servers that can be shared; server-everything keeps tasks, which belong to one client. */
const sharedTools: readonly (readonly [index: number, tool: string, args: object])[] = [
  [0, 'read_graph', {}],
  [1, 'list_allowed_directories', {}],
  [3, 'sequentialthinking', { thought: 'x', nextThoughtNeeded: false, thoughtNumber: 1, totalThoughts: 1 }],
];

/** Four clients of one server and of three that each called it, beside four that share them (`--share`). */
async function shared(): Promise<void> {
  console.log('\n4 clients of 1 and of 3 servers, memory of everything, MB');
  for (const servers of [sharedTools.slice(0, 1), sharedTools]) {
    let direct = 0;
    for (const name of ['direct', 'perl', 'python', 'node']) {
      const clients: Client[] = [];
      for (let count = 0; count < 4; count += 1) {
        for (const [index, tool, args] of servers) {
          const words = (ways[name] as Way)(entry(index)).flatMap((word) => (word === '--relay' ? [word, '--share'] : [word]));
          clients.push(await new Client(words).handshake());
          await clients.at(-1)?.request('tools/call', { name: tool, arguments: args });
        }
      }
      await sleep(3_000);
      const mb = memoryMb();
      direct ||= mb;
      const isServer = ({ command }: Row): boolean =>
        servers.some(([index]) => command.includes(`\0${entry(index)[1]}`)) && !command.includes('--relay');
      console.log(
        `${name.padEnd(8)}${fixed(mb, 0)}  ×${fixed(mb / direct)}   servers ${rows().filter(isServer).length}   host ${fixed(memoryMb(isHost), 1)}`,
      );
      await Promise.all(clients.map((client) => client.end()));
      // A shared server ends 10 s after its last client.
      while (rows().some(isServer)) {
        await sleep(200);
      }
      await noHost();
    }
  }
}

async function speed(): Promise<void> {
  const outfile = join(folder, 'forwarder.mjs');
  await build({ entryPoints: [here('lineForwarder.ts')], outfile, format: 'esm', platform: 'node', logLevel: 'error' });
  const echo = join(folder, 'echo.mjs');
  await build({ entryPoints: [here('echoServer.ts')], outfile: echo, format: 'esm', platform: 'node', logLevel: 'error' });
  await startHost();
  const server = [process.execPath, echo];
  const all: Record<string, Client> = {
    direct: new Client(server),
    forwarder: new Client([process.execPath, outfile, 'lines', ...server]),
  };
  for (const name of ['guard', 'perl', 'python', 'node']) {
    all[name] = new Client((ways[name] as Way)(server).filter((word) => !options.includes(word)));
  }
  const times: Record<string, { small: number[]; large: number[]; rate: number[] }> = {};
  for (const [name, client] of Object.entries(all)) {
    await client.handshake();
    times[name] = { small: [], large: [], rate: [] };
  }
  const call = (client: Client, text: string): Promise<unknown> => client.request('tools/call', { name: 'echo', arguments: { text } });
  const timed = async (act: () => Promise<unknown>): Promise<number> => {
    const start = performance.now();
    await act();
    return performance.now() - start;
  };
  const large = 'x'.repeat(10_000_000);
  for (let turn = 0; turn < 3_000; turn += 1) {
    for (const [name, client] of Object.entries(all).sort(() => Math.random() - 0.5)) {
      times[name]?.small.push(await timed(() => call(client, 'x')));
      if (turn % 300 === 0) {
        times[name]?.large.push(await timed(() => call(client, large)));
        const ms = await timed(() =>
          Promise.all(
            Array.from({ length: 64 }, async () => {
              for (let n = 0; n < 30; n += 1) {
                await call(client, 'x');
              }
            }),
          ),
        );
        times[name]?.rate.push((64 * 30 * 1_000) / ms);
      }
    }
  }
  const of = (name: string, kind: 'small' | 'large' | 'rate'): number => median(times[name]?.[kind] ?? []);
  const added = (name: string): number => of(name, 'small') - of('direct', 'small');
  console.log('\nadded latency of a call, ms; 10 MB there and back, ms; calls/s with 64 in flight; each × the forwarder');
  for (const name of Object.keys(all)) {
    const ratio = [
      added(name) / added('forwarder'),
      of(name, 'large') / of('forwarder', 'large'),
      of(name, 'rate') / of('forwarder', 'rate'),
    ];
    const values = [added(name), of(name, 'large'), of(name, 'rate')];
    console.log(
      name.padEnd(10) + values.map((value, index) => `${fixed(value, index === 0 ? 3 : 0)} ×${fixed(ratio[index] ?? 0)}`).join('   '),
    );
  }
  await Promise.all(Object.values(all).map((client) => client.end()));
}

async function start(): Promise<void> {
  console.log('\ninitialize to tools/list answered, ms, × the server’s own start');
  await startHost().catch(() => undefined);
  const names = ['direct', 'guard', 'perl', 'python', 'node'];
  const times: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (let turn = 0; turn < 21; turn += 1) {
    for (const name of names) {
      const begun = performance.now();
      const client = await new Client((ways[name] as Way)(entry(2))).handshake();
      times[name]?.push(performance.now() - begun);
      await client.end();
    }
  }
  for (const name of names) {
    console.log(
      `${name.padEnd(10)}${fixed(median(times[name] ?? []), 0)} ×${fixed(median(times[name] ?? []) / median(times.direct ?? []))}`,
    );
  }
}

async function idle(): Promise<void> {
  const clients: Client[] = [];
  for (let index = 0; index < idleSessions; index += 1) {
    clients.push(await new Client((ways.perl as Way)(entry(index % configured))).handshake());
  }
  await sleep(15_000);
  const [host] = rows().filter(isHost);
  const ticks = (): number => {
    const stat = readFileSync(`/proc/${host?.pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  const before = ticks();
  await sleep(30_000);
  const rss = Number(/^Rss:\s+(\d+)/m.exec(readFileSync(`/proc/${host?.pid}/smaps_rollup`, 'latin1'))?.[1]) / 1_024;
  console.log(
    `\nhost with ${idleSessions} idle sessions: PSS${fixed(memoryMb(isHost), 0)} MB, RSS${fixed(rss, 0)} MB,${fixed((ticks() - before) / 30)} % of a core`,
  );
  await Promise.all(clients.map((client) => client.end()));
}

try {
  for (const name of ['guard', 'host', 'relay'] as const) {
    await buildPieces(name, folder);
  }
  const parts: Readonly<Record<string, () => Promise<void>>> = { memory, shared, speed, start, idle };
  for (const part of process.argv.slice(3).length > 0 ? process.argv.slice(3) : Object.keys(parts)) {
    await parts[part]?.();
  }
} finally {
  await noHost();
  rmSync(folder, { recursive: true, force: true });
}
