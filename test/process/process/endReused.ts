// Run by a test as the first process of a new PID namespace, where it may say which PID comes next: a server ends, and a stranger gets its PID at a moment
// of one's choice. Prints what `terminateTree` did about it.
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { identityKey, type ProcessRow, type ProcessTable } from '../../../src/model/process.ts';
import { ProcTable } from '../../../src/process/linux/procTable.ts';
import { systemTerminator, terminateTree } from '../../../src/process/terminateTree.ts';
import { endSleeper, startSleeper } from './sleeper.ts';

const real = new ProcTable();

async function rowOf(pid: number | undefined): Promise<ProcessRow> {
  const row = (await real.list()).find((one) => one.pid === pid);
  if (!row) {
    throw new Error(`PID ${pid} is not in the list.`);
  }
  return row;
}

/** Ends a process and has another one get its PID, with another start: the kernel counts starts in hundredths of a second. */
async function swap(child: ChildProcess, old: ProcessRow): Promise<ChildProcess> {
  await endSleeper(child);
  for (let tries = 0; tries < 500; tries += 1) {
    writeFileSync('/proc/sys/kernel/ns_last_pid', String((child.pid ?? 0) - 1));
    const next = await startSleeper();
    if (next.pid === child.pid && identityKey((await rowOf(next.pid)).identity) !== identityKey(old.identity)) {
      return next;
    }
    // A thread of our own took the number, or it is still the same moment.
    await endSleeper(next);
  }
  throw new Error('The PID was not given out again.');
}

const answers: object[] = [];
for (const swapped of ['never', 'before the list', 'between list and signal'] as const) {
  const server = await startSleeper();
  const row = await rowOf(server.pid);
  let stranger: ChildProcess | undefined;
  if (swapped === 'before the list') {
    stranger = await swap(server, row);
  }
  let lists = 0;
  const table: ProcessTable = {
    source: real.source,
    pids: () => real.pids(),
    detail: (one) => real.detail(one),
    isAlive: (identity) => real.isAlive(identity),
    async list() {
      const rows = await real.list();
      lists += 1;
      // The first list finds the tree; the second is the one that the first signal goes by.
      if (swapped === 'between list and signal' && lists === 2) {
        stranger = await swap(server, row);
      }
      return rows;
    },
  };
  const system = systemTerminator(table);
  const sent: string[] = [];
  const { status } = await terminateTree(
    { server: row.identity, launchers: [], objection: () => undefined },
    {
      ...system,
      signal(pid, name) {
        sent.push(name);
        system.signal(pid, name);
      },
    },
  );
  const strangerLives = stranger === undefined ? null : (await real.list()).some(({ pid }) => pid === stranger?.pid);
  answers.push({ swapped, sent, status, strangerLives });
  await (stranger ? endSleeper(stranger) : undefined);
}
console.log(JSON.stringify(answers));
