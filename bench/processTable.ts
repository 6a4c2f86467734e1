// Cost of one process list, compared with ps-list, systeminformation and the least that any reader of /proc must do: `node bench/processTable.ts`.
// Ratios of medians within one run; absolute times depend on the machine. Linux only.

import { type ChildProcess, spawn } from 'node:child_process';
import psList from 'ps-list';
import systeminformation from 'systeminformation';
import { ProcTable } from '../src/process/linux/procTable.ts';
import { PsTable } from '../src/process/otherSystems/psTable.ts';
import { bareWalk } from './bareWalk.ts';
import { median } from './measure.ts';

const processes = 500;
const rounds = 25;

const proc = new ProcTable();
const ps = new PsTable({ listProcesses: psList });
const subjects: readonly {
  readonly name: string;
  readonly before?: () => Promise<unknown>;
  readonly act: () => unknown;
  readonly times: number[];
}[] = [
  { name: 'bare synchronous walk (stat, cmdline)', act: () => bareWalk(), times: [] },
  { name: 'ProcTable.list()', act: () => proc.list(), times: [] },
  { name: 'ProcTable.pids()', act: () => proc.pids(), times: [] },
  { name: 'ps-list 9', act: () => psList(), times: [] },
  { name: 'PsTable.list()', act: () => ps.list(), times: [] },
  {
    name: 'systeminformation 5 processes()',
    // It repeats its last answer for half a second.
    before: () => new Promise((done) => setTimeout(done, 600)),
    act: () => systeminformation.processes(),
    times: [],
  },
  {
    name: 'ProcTable.list() and a detail with a pipe (all open files)',
    act: async () => {
      const row = (await proc.list()).find((one) => one.pid === withPipe);
      return row && proc.detail(row);
    },
    times: [],
  },
];

const children: ChildProcess[] = [];
let withPipe = 0;
try {
  for (let index = 0; index < processes; index += 1) {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' });
    children.push(child);
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  }
  const piped = spawn('bash', ['-c', 'coproc { exec sleep 600; }; echo $COPROC_PID; read line'], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(piped);
  withPipe = Number(String(await new Promise((resolve) => piped.stdout.once('data', resolve))).trim());

  // In turn, so that other load on the machine affects all alike; the first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    for (const subject of subjects) {
      await subject.before?.();
      const start = performance.now();
      await subject.act();
      if (round > 0) {
        subject.times.push(performance.now() - start);
      }
    }
  }
  const unit = median(subjects[1]?.times ?? []);
  console.log(`${(await proc.list()).length} processes, ${rounds} rounds, Node ${process.version}`);
  console.log(`${'what'.padEnd(60)}${'median ms'.padStart(10)}${'best ms'.padStart(10)}${'ratio'.padStart(8)}`);
  for (const { name, times } of subjects) {
    const middle = median(times);
    console.log(
      `${name.padEnd(60)}${middle.toFixed(2).padStart(10)}${Math.min(...times)
        .toFixed(2)
        .padStart(10)}${(middle / unit).toFixed(2).padStart(8)}`,
    );
  }
} finally {
  for (const child of children) {
    child.kill('SIGKILL');
  }
  if (withPipe > 1) {
    process.kill(withPipe, 'SIGKILL');
  }
}
