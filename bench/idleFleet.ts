// Cost of MCP Shepherd on an idle machine: `node bench/idleFleet.ts [MINUTES]` (default 3). 20 idle servers with their entries, three windows that share
// one survey, and a control without the survey. Processor time is the kernel's (`utime` + `stime` of /proc/PID/stat) after a minute of warming up, as share of one
// core. Linux only; best in a PID namespace of its own, where no other program starts: `unshare -pf --mount-proc sh -c "node bench/idleFleet.ts; true"`.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProcTable } from '../src/process/linux/procTable.ts';
import { makeProject, servers } from '../test/process/package/npmServers.ts';

const minutes = Number(process.argv[2] ?? 3);
const serverCount = 20;
const windowCount = 3;
const warmUpMs = 60_000;
/** Clock ticks per second in `stat` (CLK_TCK on every Linux that Node runs on). */
const tickMs = 10;

interface Said {
  readonly servers: number;
  readonly looks: number;
}

/** Processor time of a process so far, ms: fields 14 and 15. */
function spentMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

function wait(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

const root = mkdtempSync(join(tmpdir(), 'bench-fleet-'));
const children: ChildProcess[] = [];
try {
  const home = join(root, 'home');
  const runDir = join(root, 'run');
  const project = join(root, 'project');
  mkdirSync(home);
  const { memory } = servers;
  await makeProject(project, [`${memory.name}@${memory.versions[1]}`]);
  const entry = join(project, 'node_modules', '.bin', memory.bin);
  const words = (index: number): string[] => [entry, `--number=${index}`];
  const entries = Array.from({ length: serverCount }, (_, index) => [`memory-${index}`, { command: process.execPath, args: words(index) }]);
  writeFileSync(join(home, '.claude.json'), JSON.stringify({ mcpServers: Object.fromEntries(entries) }));
  for (let index = 0; index < serverCount; index += 1) {
    children.push(spawn(process.execPath, words(index), { cwd: project, stdio: ['pipe', 'ignore', 'ignore'] }));
  }
  const kinds = [...Array.from({ length: windowCount }, () => 'survey'), 'control'];
  const windows: { readonly kind: string; readonly pid: number; said: Said }[] = [];
  for (const kind of kinds) {
    const child = fork(join(import.meta.dirname, 'idleWindow.ts'), [kind, home, runDir], {
      env: { ...process.env, HOME: home, MCP_RUN_DIR: runDir },
    });
    children.push(child);
    const one = { kind, pid: child.pid ?? 0, said: { servers: 0, looks: 0 } };
    windows.push(one);
    // One after the other: the first one scans for all.
    await new Promise((done) => {
      child.on('message', (said: Said) => {
        one.said = said;
        done(undefined);
      });
    });
  }
  await wait(warmUpMs);
  const before = windows.map(({ pid, said }) => ({ spent: spentMs(pid), looks: said.looks }));
  const start = performance.now();
  await wait(minutes * 60_000);
  const passed = performance.now() - start;
  const processes = (await new ProcTable().list()).length;
  console.log(
    `${processes} processes, ${serverCount} idle servers, ${(passed / 60_000).toFixed(1)} minutes, load ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}, Node ${process.version}`,
  );
  let machine = 0;
  let control = 0;
  for (const [index, { kind, pid, said }] of windows.entries()) {
    const spent = spentMs(pid) - (before[index]?.spent ?? 0);
    machine += kind === 'survey' ? spent : 0;
    control += kind === 'control' ? spent : 0;
    const looks = said.looks - (before[index]?.looks ?? 0);
    const what = kind === 'survey' ? `window ${index + 1}` : 'control';
    console.log(
      `${what.padEnd(12)} ${String(spent).padStart(6)} ms  ${((100 * spent) / passed).toFixed(3)} %  ${looks} snapshots, ${said.servers} servers seen`,
    );
  }
  console.log(
    `all windows  ${String(machine).padStart(6)} ms  ${((100 * machine) / passed).toFixed(3)} % of one core (the control: ${((100 * control) / passed).toFixed(3)} %)`,
  );
} finally {
  for (const child of children) {
    child.kill('SIGKILL');
  }
  rmSync(root, { recursive: true, force: true });
}
