import { type ChildProcess, spawn } from 'node:child_process';

/** A process that does nothing for longer than a test lasts. */
export async function startSleeper(): Promise<ChildProcess> {
  const child = spawn('sleep', ['100'], { stdio: 'ignore' });
  await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  return child;
}

/** Ends it at once, and waits until its number is free. */
export async function endSleeper(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}
