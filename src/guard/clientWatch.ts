import type { Witness } from '../lock/witness.ts';
import type { Ancestor } from './ancestors.ts';

const lookMs = 1_000;

/**
 * Calls back once when the client is gone although our input is still open: a launcher between it and us may keep the pipe. Only then: a client that
 * started us itself may hand its pipe on and end, and the end of the input says all there is to say.
 * @param start the client's start as the witness gives it; compared for equality
 * @param options `also: 'parent'`: a client that started us itself is watched too, because nobody here sees the end of the input
 * @returns ends the watch
 */
export function watchClient(
  chain: readonly Ancestor[],
  start: string,
  witness: Pick<Witness, 'startOf'>,
  gone: () => void,
  options: { readonly also?: 'parent'; readonly pauseMs?: number } = {},
): () => void {
  const { also, pauseMs = lookMs } = options;
  const client = chain.at(-1);
  if (!client || client.isLauncher || (chain.length < 2 && also === undefined)) {
    return () => undefined;
  }
  let looking = false;
  const timer = setInterval(async () => {
    if (looking) {
      return;
    }
    looking = true;
    const same = await isThere(client.pid, start, witness);
    looking = false;
    if (!same) {
      clearInterval(timer);
      gone();
    }
  }, pauseMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** What cannot be asked is there. */
async function isThere(pid: number, start: string, witness: Pick<Witness, 'startOf'>): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  if (process.platform !== 'linux') {
    // Asking for more would start a program every second.
    return true;
  }
  const now = await witness.startOf(pid).catch(() => start);
  return now === start;
}
