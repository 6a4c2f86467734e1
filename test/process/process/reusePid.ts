// Run by a test as the first process of a new PID namespace, where it may say which PID comes next. Prints what the table says of two
// processes that had the same PID, one after the other.
import { writeFileSync } from 'node:fs';
import { identityKey } from '../../../src/model/process.ts';
import { ProcTable } from '../../../src/process/linux/procTable.ts';
import { endSleeper, startSleeper } from './sleeper.ts';

const table = new ProcTable();
const first = await startSleeper();
const pid = first.pid ?? 0;
const old = (await table.list()).find((row) => row.pid === pid);
if (!old) {
  throw new Error('The first process is not in the list.');
}
const firstAliveBefore = await table.isAlive(old.identity);
await endSleeper(first);

let second = await startSleeper();
for (let tries = 0; second.pid !== pid && tries < 50; tries += 1) {
  await endSleeper(second);
  // A thread of our own may take the number first; then once more.
  writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1));
  second = await startSleeper();
}
// Before any new list, as an observer that remembers the first process asks.
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
await endSleeper(second);
