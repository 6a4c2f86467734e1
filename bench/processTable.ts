// What one process list costs, beside ps-list and the least that any reader of /proc must do: `node bench/processTable.ts`.
// Ratios of medians within one run; the absolute times belong to the machine. Linux only.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import psList from 'ps-list';
import { ProcTable } from '../src/process/procTable.ts';
import { PsTable } from '../src/process/psTable.ts';

const processes = 500;
const rounds = 25;

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

const proc = new ProcTable();
const ps = new PsTable({ listProcesses: psList });
const subjects: readonly { readonly name: string; readonly act: () => unknown; readonly times: number[] }[] = [
  { name: 'bare synchronous walk (stat, cmdline)', act: bareWalk, times: [] },
  { name: 'ProcTable.list()', act: () => proc.list(), times: [] },
  { name: 'ProcTable.pids()', act: () => proc.pids(), times: [] },
  { name: 'ps-list 9', act: () => psList(), times: [] },
  { name: 'PsTable.list()', act: () => ps.list(), times: [] },
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

  // In turn, so that what else the machine does hits all alike; the first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    for (const subject of subjects) {
      const start = performance.now();
      await subject.act();
      if (round > 0) {
        subject.times.push(performance.now() - start);
      }
    }
  }
  const median = (times: readonly number[]): number => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
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
