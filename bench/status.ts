// What `mcp-shepherd status` costs beside a bare `node -e 0`: `node bench/status.ts [--rounds=N] [FOLDER…]`. Each FOLDER holds a built `cli.cjs` (default: `dist`); all take turns in one run,
// with 0, 5, 20 and 100 running servers of one npm project. Medians of the wall time, means of the processor time (the kernel's, of the ended children); the first rounds warm up.
// The ratio counts: absolute times belong to the machine. Linux only; best in a PID namespace of its own, where no other program starts:
// `unshare -pf --mount-proc sh -c "node bench/status.ts; true"` (the first process of a namespace adopts orphans, so it must not be the client).
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { makeProject, servers } from '../test/process/package/npmServers.ts';
import { median } from './measure.ts';

const { values, positionals } = parseArgs({ options: { rounds: { type: 'string', default: '15' } }, allowPositionals: true });
const rounds = Number(values.rounds);
const warmUp = 3;
const counts = [0, 5, 20, 100];
/** Clock ticks per second in `stat` (CLK_TCK on every Linux that Node runs on). */
const tickMs = 10;
/** A server counts as newly started for ten seconds, and `status` waits for what is new. */
const settledMs = 35_000;

/** Processor time of all children that have ended, ms: fields 16 and 17 of `/proc/self/stat`. */
function childrenSpent(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * tickMs;
}

interface Times {
  readonly wall: number[];
  spent: number;
}

const root = mkdtempSync(join(tmpdir(), 'bench-status-'));
const children: ChildProcess[] = [];
try {
  const home = join(root, 'home');
  const project = join(root, 'project');
  const empty = join(root, 'empty');
  mkdirSync(home);
  mkdirSync(empty);
  const { memory } = servers;
  await makeProject(project, [`${memory.name}@${memory.versions[1]}`]);
  const entry = join(project, 'node_modules', '.bin', memory.bin);
  const env = { PATH: process.env.PATH, HOME: home, MCP_RUN_DIR: join(root, 'run') };
  const programs = positionals.length > 0 ? positionals : ['dist'];
  const subjects = new Map<string, readonly string[]>([
    ['bare', ['-e', '0']],
    ...programs.map((folder) => [folder, [resolve(folder, 'cli.cjs'), 'status', '--offline']] as const),
  ]);
  console.log(
    `node ${process.version}, ${rounds} rounds, load ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}`,
  );
  console.log('servers   subject                        wall ms  (ratio)   processor ms  (ratio)');
  for (const count of counts) {
    while (children.length < count) {
      const number = `--number=${children.length}`;
      children.push(spawn(process.execPath, [entry, number], { cwd: project, env, stdio: ['pipe', 'ignore', 'ignore'] }));
    }
    const mcpServers = Object.fromEntries(
      children.map((_, index) => [`memory-${index}`, { command: process.execPath, args: [entry, `--number=${index}`] }]),
    );
    writeFileSync(join(home, '.claude.json'), JSON.stringify({ mcpServers }));
    if (count > 0) {
      await new Promise((done) => setTimeout(done, settledMs));
    }
    const times = new Map<string, Times>([...subjects.keys()].map((name) => [name, { wall: [], spent: 0 }]));
    for (let round = 0; round < rounds + warmUp; round += 1) {
      for (const [name, args] of subjects) {
        const before = childrenSpent();
        const start = performance.now();
        const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: empty, env, encoding: 'utf8' });
        const wall = performance.now() - start;
        if (status !== 0 || (name !== 'bare' && count > 0 && !stdout.includes(`memory-${count - 1}`))) {
          throw new Error(`${name} ended with ${status}: ${stderr}${stdout}`);
        }
        const own = times.get(name);
        if (own && round >= warmUp) {
          own.wall.push(wall);
          own.spent += childrenSpent() - before;
        }
      }
    }
    const bare = times.get('bare');
    const bareWall = median(bare?.wall ?? []);
    const bareSpent = (bare?.spent ?? 0) / rounds;
    for (const [name, { wall, spent }] of times) {
      const middle = median(wall);
      const mean = spent / rounds;
      console.log(
        `${String(count).padStart(7)}   ${name.slice(-28).padEnd(28)} ${middle.toFixed(1).padStart(9)}  (${(middle / bareWall).toFixed(1)}) ${mean.toFixed(1).padStart(12)}  (${(mean / bareSpent).toFixed(1)})`,
      );
    }
  }
} finally {
  for (const child of children) {
    child.kill('SIGKILL');
  }
  rmSync(root, { recursive: true, force: true });
}
