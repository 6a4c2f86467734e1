import type { ServerProcess } from './serverProcess.ts';

export interface EndLimits {
  /** From the end of its input to SIGTERM, ms. */
  readonly politeMs: number;
  /** From SIGTERM to SIGKILL, ms. */
  readonly termMs: number;
}

/** Between two looks whether the processes below a server are gone, ms. */
const pauseMs = 20;
/** Processes that a server leaves behind in its group get this long to see that it is gone, ms. */
const leftoverMs = 1_000;
/** Nothing survives SIGKILL longer but what hangs in the kernel. */
const killMs = 5_000;

/**
 * Ends a server and everybody of its process group: end of its input, then SIGTERM, then SIGKILL.
 * @returns whether all are gone; false only for what hangs in the kernel, or on Windows for what is below the server
 */
export async function endServer(server: ServerProcess, { politeMs, termMs }: EndLimits): Promise<boolean> {
  server.closeInput();
  if (await isGone(server, politeMs)) {
    return true;
  }
  server.signal('SIGTERM');
  if (await isGone(server, termMs)) {
    return true;
  }
  server.signal('SIGKILL');
  return isGone(server, killMs);
}

async function isGone(server: ServerProcess, limitMs: number): Promise<boolean> {
  const until = performance.now() + limitMs;
  if (!(await exitsWithin(server, limitMs))) {
    return false;
  }
  const last = Math.min(until, performance.now() + leftoverMs);
  while (server.isGroupAlive()) {
    if (performance.now() >= last) {
      return false;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return true;
}

async function exitsWithin(server: ServerProcess, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  const result = await Promise.race([server.exited.then(() => true as const), late]);
  clearTimeout(timer);
  return result;
}
