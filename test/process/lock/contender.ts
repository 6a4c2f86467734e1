// One of several that want the same lock: `contender.ts LOCK LOG SEED flock|pidfile`. Writes "E id" when it holds it, "X id" before it lets go,
// "S id" before it ends itself while holding. Runs until it is ended.
import { appendFileSync, closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { lockFile } from '../../../src/lock/kernelLock.ts';
import { random } from './random.ts';

const [lockPath = '', log = '', seed = '0', kind = ''] = process.argv.slice(2);
const next = random(Number(seed));

/** The recipe that is not safe, with time between looking and acting: a file that must not exist, taken over when its owner is dead. */
async function takePidFile(): Promise<(() => void) | undefined> {
  try {
    const fd = openSync(lockPath, 'wx');
    writeSync(fd, String(process.pid));
    closeSync(fd);
    return () => rmSync(lockPath, { force: true });
  } catch {
    const owner = Number(orEmpty());
    await pause(next() * 5);
    if (owner > 0 && !isAlive(owner)) {
      await pause(next() * 5);
      rmSync(lockPath, { force: true });
    }
    return undefined;
  }
}

function orEmpty(): string {
  try {
    return readFileSync(lockPath, 'utf8');
  } catch {
    return '';
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function takeKernelLock(): Promise<(() => void) | undefined> {
  const attempt = await lockFile(lockPath);
  if (attempt.status === 'locked') {
    return () => attempt.lock.release();
  }
  if (attempt.status !== 'held') {
    throw new Error(attempt.reason);
  }
  return undefined;
}

for (let round = 1; ; round += 1) {
  const release = await (kind === 'pidfile' ? takePidFile() : takeKernelLock());
  if (release) {
    const id = `${process.pid}.${round}`;
    appendFileSync(log, `E ${id} node\n`);
    await pause(next() * 4);
    if (next() < 0.12) {
      appendFileSync(log, `S ${id}\n`);
      process.kill(process.pid, 'SIGKILL');
    }
    appendFileSync(log, `X ${id}\n`);
    release();
  }
  await pause(1 + next() * 6);
}
