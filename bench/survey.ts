// Cost of a whole scan, compared with the least that any reader of /proc must do: `node bench/survey.ts [PROCESSES…]`.
// 100 definitions, 20 running servers, and the given numbers of other processes (default: 100, 500, 2000, 5000). `full`: the scan of each minute, in which all cached
// facts about processes, packages and servers have expired; `again`: the scan after a change. Ratios of medians within one run; absolute times depend
// on the machine. Linux only; best in a PID namespace of its own: `unshare -pf --mount-proc sh -c "node bench/survey.ts; true"` (the first process of a
// namespace adopts orphans, so it must not be the client).
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, uptime } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../src/base/log.ts';
import type { Clock } from '../src/survey/facts/bootClock.ts';
import { createSurveyor } from '../src/survey/machineSurveyor.ts';
import { makeProject, servers } from '../test/process/package/npmServers.ts';
import { bareWalk } from './bareWalk.ts';
import { median } from './measure.ts';

const counts = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [100, 500, 2_000, 5_000];
const serverCount = 20;
const definitions = 100;
const rounds = 15;
const warmUp = 5;
type Subject = 'bare' | 'full' | 'again' | 'tick' | 'stranger';

// The clock is set by the bench, so that caches expire without a wait.
const monotonic = performance.now.bind(performance);
let ahead = 0;
performance.now = () => monotonic() + ahead;
const clock: Clock = { now: () => Date.now() + ahead, uptime: () => uptime() * 1_000 + ahead, awake: () => monotonic() + ahead };

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
  for (let index = 0; index < serverCount; index += 1) {
    const child = spawn(process.execPath, [entry, `--number=${index}`], { cwd: project, stdio: ['pipe', 'ignore', 'ignore'] });
    children.push(child);
  }
  const running = new Set(children.map(({ pid }) => String(pid)));
  const surveyor = await createSurveyor({
    home,
    platform: process.platform,
    env: { HOME: home },
    runDir: join(root, 'run'),
    folders: [project],
    vscodeUserDirs: [],
    log: silentLog,
    clock,
  });
  let others = 0;
  console.log('processes   bare walk       full  (ratio)      again  (ratio)     tick   after another program started');
  for (const count of counts) {
    // One shell starts many processes, each with a command line of its own.
    const keeper = spawn('sh', ['-c', `i=0; while [ $i -lt ${count - others} ]; do sleep 3600 & i=$((i+1)); done; echo ready; wait`], {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    keepers.push(keeper);
    await new Promise((done) => keeper.stdout?.once('data', done));
    // Processes are read more often in their first ten seconds; those of a real machine are older.
    await new Promise((done) => setTimeout(done, 11_000));
    others = count;
    const times = { bare: [], full: [], again: [], tick: [], stranger: [] } satisfies Record<string, number[]> as Record<Subject, number[]>;
    const timed = async (subject: Subject, act: () => unknown): Promise<void> => {
      const start = monotonic();
      await act();
      times[subject].push(monotonic() - start);
    };
    // In turn, so that other load on the machine affects all alike; the first rounds warm up.
    for (let round = 0; round < rounds + warmUp; round += 1) {
      await timed('bare', () => bareWalk(running));
      ahead += 61_000;
      await timed('full', () => surveyor.survey());
      await timed('again', () => surveyor.survey());
      await timed('tick', () => surveyor.processesChanged());
      const stranger = spawn('sleep', ['3600'], { stdio: 'ignore' });
      await new Promise((done) => stranger.once('spawn', done));
      await timed('stranger', async () => (await surveyor.processesChanged()) && surveyor.survey());
      stranger.kill('SIGKILL');
      await new Promise((done) => stranger.once('exit', done));
    }
    const middle = (subject: Subject): number => median(times[subject].slice(warmUp));
    const bare = middle('bare');
    const withRatio = (time: number): string => `${time.toFixed(2).padStart(8)} ms  (${(time / bare).toFixed(2)})`;
    console.log(
      `${String(count).padStart(9)} ${bare.toFixed(2).padStart(8)} ms ${withRatio(middle('full'))} ${withRatio(middle('again'))}  ${middle('tick').toFixed(2)} ms   ${middle('stranger').toFixed(2)} ms`,
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
      // It has ended.
    }
  }
  rmSync(root, { recursive: true, force: true });
}
