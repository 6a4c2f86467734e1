// Run by a test as the first process of a new PID namespace, where it may say which PID comes next. Prints what the table says of two
// processes that had the same PID, one after the other.
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { ProcTable } from '../../../src/process/procTable.ts';
import { identityKey } from '../../../src/types/process.ts';

async function start(): Promise<ChildProcess> {
  const child = spawn('sleep', ['100'], { stdio: 'ignore' });
  await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

const table = new ProcTable();
const first = await start();
const pid = first.pid ?? 0;
const old = (await table.list()).find((row) => row.pid === pid);
if (!old) {
  throw new Error('The first process is not in the list.');
}
const firstAliveBefore = await table.isAlive(old.identity);
await end(first);

let second = await start();
for (let tries = 0; second.pid !== pid && tries < 50; tries += 1) {
  await end(second);
  // A thread of our own may take the number first; then once more.
  writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1));
  second = await start();
}
// Before any new list, as somebody asks who remembers the first one.
const firstAliveAfter = await table.isAlive(old.identity);
const detail = await table.detail(old);
const now = (await table.list()).find((row) => row.pid === pid);
console.log(
  JSON.stringify({
    samePid: second.pid === pid,
    sameIdentity: now !== undefined && identityKey(now.identity) === identityKey(old.identity),
    firstAliveBefore,
    firstAliveAfter,
    detailOfFirst: detail.missing,
    secondAlive: now !== undefined && (await table.isAlive(now.identity)),
    secondName: now?.name,
  }),
);
await end(second);
