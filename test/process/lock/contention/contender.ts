// One of several that want the same lock: `contender.ts LOCK LOG SEED flock|pidfile|proper`. Writes "E id" when it holds it, "X id" before it releases it,
// "S id" before it ends itself while holding. Runs until it is ended.
import { appendFileSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import { lockFile } from '../../../../src/lock/kernelLock.ts';
import { random } from './random.ts';

const [lockPath = '', log = '', seed = '0', kind = ''] = process.argv.slice(2);
const next = random(Number(seed));

/** An unsafe lock, with time between checking and acting: a file that must not exist, taken over when its owner is dead. */
async function takePidFile(): Promise<(() => void) | undefined> {
  try {
    // Never an empty one: it could not be taken over.
    const own = `${lockPath}.${process.pid}`;
    writeFileSync(own, String(process.pid));
    try {
      linkSync(own, lockPath);
    } finally {
      rmSync(own);
    }
    return () => rmSync(lockPath, { force: true });
  } catch {
    const owner = Number(orEmpty());
    // Random delays, here and below, so that contenders meet at every moment: they are what is tested.
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

interface ProperLockfile {
  lock(file: string, options: object): Promise<() => Promise<void>>;
}

/** proper-lockfile with the shortest stale age that it accepts. It reports when its lock was taken over. */
async function takeProperLock(): Promise<(() => void) | undefined> {
  const library: ProperLockfile = createRequire(`${process.env.CONTENDER_MODULES}/`)('proper-lockfile');
  try {
    const release = await library.lock(lockPath, { stale: 2_000, realpath: false, onCompromised: () => undefined });
    return () => void release().catch(() => undefined);
  } catch {
    return undefined;
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
  const release = await (kind === 'pidfile' ? takePidFile() : kind === 'proper' ? takeProperLock() : takeKernelLock());
  if (release) {
    const id = `${process.pid}.${round}`;
    appendFileSync(log, `E ${id} node\n`);
    await pause(next() * 4);
    // Each such death delays the others by two seconds.
    if (next() < (kind === 'proper' ? 0.03 : 0.12)) {
      appendFileSync(log, `S ${id}\n`);
      process.kill(process.pid, 'SIGKILL');
    }
    appendFileSync(log, `X ${id}\n`);
    release();
  }
  await pause(1 + next() * 6);
}
