import { settlesWithin } from '../../base/settlesWithin.ts';
import type { ServerProcess } from './serverProcess.ts';

/** What ending a server takes of it. */
export type EndingServer = Pick<ServerProcess, 'exited' | 'ended' | 'closeInput' | 'signal' | 'isGroupAlive'>;

interface EndLimits {
  /** From the end of its input to SIGTERM, ms. */
  readonly politeMs: number;
  /** From SIGTERM to SIGKILL, ms. */
  readonly termMs: number;
}

/** Time between two checks whether a process group is empty, ms. */
const pauseMs = 20;
/** Time that processes left in a server's group get to notice its end, ms. */
const leftoverMs = 1_000;
/** Only a process that hangs in the kernel survives SIGKILL longer, ms. */
const killMs = 5_000;

/**
 * Ends a server and its process group: closes its input, then SIGTERM, then SIGKILL.
 * @returns whether all are gone; false only for a process that hangs in the kernel, or on Windows for processes below the server
 */
export async function endServer(server: EndingServer, { politeMs, termMs }: EndLimits): Promise<boolean> {
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

async function isGone(server: EndingServer, limitMs: number): Promise<boolean> {
  const until = performance.now() + limitMs;
  if (server.ended === undefined && !(await settlesWithin(server.exited, limitMs))) {
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
