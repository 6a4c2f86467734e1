// What a whole look at the machine costs, beside the least that any reader of /proc must do: `node bench/survey.ts [PROCESSES…]`.
// 100 definitions, 20 running servers, and as many other processes as asked (default: 100, 500, 2000, 5000). Ratios of medians within one run; the
// absolute times belong to the machine. Linux only; best in a PID namespace of its own: `unshare -pf --mount-proc sh -c "node bench/survey.ts; true"` (the first process of a
// namespace adopts orphans, so it must not be the client).
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSurveyor } from '../src/survey/surveyor.ts';
import { silentLog } from '../src/types/log.ts';
import { makeProject, servers } from '../test/process/package/npmServers.ts';

const counts = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [100, 500, 2_000, 5_000];
const running = 20;
const definitions = 100;
const rounds = 15;

const buffer = Buffer.allocUnsafe(64 * 1024);
function readBare(path: string): number {
  const fd = openSync(path, 'r');
  const length = readSync(fd, buffer);
  closeSync(fd);
  return length;
}

/** Every PID, its stat and its command line, and nothing made of them. */
function bareWalk(): number {
  let bytes = 0;
  for (const name of readdirSync('/proc')) {
    if (name >= '0' && name <= '9:') {
      try {
        bytes += readBare(`/proc/${name}/stat`) + readBare(`/proc/${name}/cmdline`);
      } catch {
        // It ended meanwhile.
      }
    }
  }
  return bytes;
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

const root = mkdtempSync(join(tmpdir(), 'bench-survey-'));
const children: ChildProcess[] = [];
const keepers: ChildProcess[] = [];
try {
  const home = join(root, 'home');
  mkdirSync(home);
  const project = join(root, 'project');
  const { memory } = servers;
  await makeProject(project, [`${memory.name}@${memory.versions[1]}`]);
  const entry = join(project, 'node_modules', '.bin', memory.bin);
  const mcpServers = Object.fromEntries(
    Array.from({ length: definitions }, (_, index) => [
      `memory-${index}`,
      { command: process.execPath, args: [entry, `--number=${index}`] },
    ]),
  );
  writeFileSync(join(home, '.claude.json'), JSON.stringify({ mcpServers }));
  for (let index = 0; index < running; index += 1) {
    const child = spawn(process.execPath, [entry, `--number=${index}`], { cwd: project, stdio: ['pipe', 'ignore', 'ignore'] });
    children.push(child);
  }
  const surveyor = await createSurveyor({
    home,
    platform: process.platform,
    env: { HOME: home },
    runDir: join(root, 'run'),
    folders: [project],
    vscodeUserDirs: [],
    log: silentLog,
  });
  let others = 0;
  console.log('processes   bare walk    survey   (ratio)   tick   after a stranger started');
  for (const count of counts) {
    // One shell keeps many: each has a command line of its own.
    const keeper = spawn('sh', ['-c', `i=0; while [ $i -lt ${count - others} ]; do sleep 3600 & i=$((i+1)); done; echo ready; wait`], {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    keepers.push(keeper);
    await new Promise((done) => keeper.stdout?.once('data', done));
    // New processes are looked at again for five seconds; those of a real machine are old.
    await new Promise((done) => setTimeout(done, 6_000));
    others = count;
    const times: Record<'bare' | 'survey' | 'tick' | 'stranger', number[]> = { bare: [], survey: [], tick: [], stranger: [] };
    const timed = async (into: number[], act: () => unknown): Promise<void> => {
      const start = performance.now();
      await act();
      into.push(performance.now() - start);
    };
    // In turn, so that what else the machine does hits all alike; the first rounds warm up.
    for (let round = 0; round < rounds + 3; round += 1) {
      const into = round < 3 ? { bare: [], survey: [], tick: [], stranger: [] } : times;
      await timed(into.bare, bareWalk);
      await timed(into.survey, () => surveyor.survey());
      await timed(into.tick, () => surveyor.processesChanged());
      const stranger = spawn('sleep', ['3600'], { stdio: 'ignore' });
      await new Promise((done) => stranger.once('spawn', done));
      await timed(into.stranger, async () => (await surveyor.processesChanged()) && surveyor.survey());
      stranger.kill('SIGKILL');
      await new Promise((done) => stranger.once('exit', done));
    }
    const [bare, survey, tick, stranger] = [times.bare, times.survey, times.tick, times.stranger].map(median) as [
      number,
      number,
      number,
      number,
    ];
    console.log(
      `${String(count).padStart(9)} ${bare.toFixed(2).padStart(8)} ms ${survey.toFixed(2).padStart(7)} ms  (${(survey / bare).toFixed(2)})  ${tick.toFixed(2)} ms   ${stranger.toFixed(2)} ms`,
    );
  }
  const snapshot = await surveyor.survey();
  console.log(`${snapshot.instances.length} servers seen, ${snapshot.definitions.length} definitions`);
  surveyor.dispose();
} finally {
  for (const child of children) {
    child.kill('SIGKILL');
  }
  for (const keeper of keepers) {
    try {
      process.kill(-(keeper.pid ?? 0), 'SIGKILL');
    } catch {
      // It went by itself.
    }
  }
  rmSync(root, { recursive: true, force: true });
}
