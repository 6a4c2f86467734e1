import { errorCode } from '../../base/errors.ts';
import { runProgram } from '../../base/runProgram.ts';
import type { ProcessStarts } from '../../lock/processStarts.ts';
import type { ProcessRow } from '../../model/process.ts';
import { unidentifiedRow } from '../../process/commandline/parseLaunch.ts';
import { parseCmdline } from '../../process/linux/procCmdline.ts';
import { kernelProcFs } from '../../process/linux/procFs.ts';
import { parseProcStat } from '../../process/linux/procStat.ts';
import { launcherKind } from '../../process/tree/launcherChain.ts';

/** One process above the guard. */
export interface Ancestor {
  readonly pid: number;
  readonly name: string;
  /** It only starts another program and waits for it: npm, npx, a shell … */
  readonly isLauncher: boolean;
}

/** A longer chain is taken for a broken one. */
const deepest = 30;
/** More than the kernel writes into `stat`, and more of a command line than tells a launcher. */
const [statBytes, commandBytes] = [4_096, 65_536];

/** The processes above one, parent first, up to the client, the first that is not a launcher. Empty when they cannot be read. Never throws. @param parent PID of the first */
export async function launchersAndClient(parent: number = process.ppid): Promise<readonly Ancestor[]> {
  const parentOf = process.platform === 'linux' ? readProc : await readPs();
  const found: Ancestor[] = [];
  for (let pid = parent; pid > 1 && found.length < deepest; ) {
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
    const stat = parseProcStat(kernelProcFs.read(`/proc/${pid}/stat`, statBytes, 'at once').text);
    const { text, cut } = kernelProcFs.read(`/proc/${pid}/cmdline`, commandBytes, 'at once');
    const { argv, argvExact } = parseCmdline(text, cut);
    return stat && unidentifiedRow({ pid, ppid: stat.ppid, name: stat.name, argv, argvExact });
  } catch {
    return undefined;
  }
}

/** Reads all processes with one `ps`. Windows has no answer: a list takes half a second there, and npm is not recognised by its parent. */
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

/** Default time between two checks whether the client lives, ms. */
const checkPauseMs = 1_000;

/**
 * Calls back once when the client is gone although the guard's input is still open, because a launcher between them keeps the pipe. A client that started
 * the guard itself is not watched: the end of the input reports its end, and it may hand its pipe on before it ends.
 * @param start the client's start as `starts` gives it; compared for equality
 * @param pauseMs time between two checks
 * @returns ends the watch
 */
export function watchClient(
  chain: readonly Ancestor[],
  start: string,
  starts: Pick<ProcessStarts, 'startOf'>,
  gone: () => void,
  pauseMs: number = checkPauseMs,
): () => void {
  const client = chain.at(-1);
  if (!client || client.isLauncher || chain.length < 2) {
    return () => undefined;
  }
  let checking = false;
  const timer = setInterval(async () => {
    if (checking) {
      return;
    }
    checking = true;
    const same = await isRunning(client.pid, start, starts);
    checking = false;
    if (!same) {
      clearInterval(timer);
      gone();
    }
  }, pauseMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Whether the client runs. One that cannot be checked counts as running. */
async function isRunning(pid: number, start: string, starts: Pick<ProcessStarts, 'startOf'>): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
  if (process.platform !== 'linux') {
    // The start time would take one program a second.
    return true;
  }
  const now = await starts.startOf(pid).catch(() => start);
  return now === start;
}
