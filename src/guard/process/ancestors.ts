import { readFileSync } from 'node:fs';
import { errorCode } from '../../base/errors.ts';
import { runProgram } from '../../base/runProgram.ts';
import type { ProcessStarts } from '../../lock/processStarts.ts';
import type { ProcessRow } from '../../model/process.ts';
import { unidentifiedRow } from '../../process/commandline/parseLaunch.ts';
import { parseCmdline } from '../../process/linux/procCmdline.ts';
import { parseProcStat } from '../../process/linux/procStat.ts';
import { launcherKind } from '../../process/tree/launcherChain.ts';

/** One process above us. */
export interface Ancestor {
  readonly pid: number;
  readonly name: string;
  /** It only starts another program and waits for it: npm, npx, a shell … */
  readonly isLauncher: boolean;
}

/** Longer chains are broken ones. */
const deepest = 30;

/** The processes above this one, parent first, up to the first that is no launcher: that one is the client. Empty when it cannot be read. Never throws. */
export async function launchersAndClient(): Promise<readonly Ancestor[]> {
  const parentOf = process.platform === 'linux' ? readProc : await readPs();
  const found: Ancestor[] = [];
  for (let pid = process.ppid; pid > 1 && found.length < deepest; ) {
    const row = parentOf(pid);
    if (!row) {
      break;
    }
    const isLauncher = launcherKind(row) !== undefined;
    found.push({ pid, name: row.name, isLauncher });
    if (!isLauncher) {
      break;
    }
    pid = row.ppid;
  }
  return found;
}

function readProc(pid: number): ProcessRow | undefined {
  try {
    const stat = parseProcStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    const { argv, argvExact } = parseCmdline(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    return stat && unidentifiedRow({ pid, ppid: stat.ppid, name: stat.name, argv, argvExact });
  } catch {
    return undefined;
  }
}

/** One list of all processes: there is no other way to ask. On Windows it would take half a second, and npm is not known by its parent there. */
async function readPs(): Promise<(pid: number) => ProcessRow | undefined> {
  const text = process.platform === 'win32' ? '' : await runProgram('ps', ['-A', '-o', 'pid=,ppid=,args=']).catch(() => '');
  const rows = new Map<number, ProcessRow>();
  for (const line of text.split('\n')) {
    const [, pid, ppid, command = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    if (pid !== undefined) {
      const argv = command.split(/\s+/);
      rows.set(Number(pid), unidentifiedRow({ pid: Number(pid), ppid: Number(ppid), name: argv[0] ?? '', argv, argvExact: false }));
    }
  }
  return (pid) => rows.get(pid);
}

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
  witness: Pick<ProcessStarts, 'startOf'>,
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
async function isThere(pid: number, start: string, witness: Pick<ProcessStarts, 'startOf'>): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
  if (process.platform !== 'linux') {
    // Asking for more would start a program every second.
    return true;
  }
  const now = await witness.startOf(pid).catch(() => start);
  return now === start;
}
