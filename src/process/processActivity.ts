import { readProcSystem } from './linux/procClock.ts';
import { kernelProcFs, orNothing, type ProcFs } from './linux/procFs.ts';
import { type ProcStat, parseProcStat } from './linux/procStat.ts';

/** What a whole tree of processes has used so far. */
export interface Usage {
  /** Processor time, ms. It becomes less when one of them ends. */
  readonly cpuMs: number;
  /** Bytes read, from whatever; undefined where one of them may not be asked. */
  readonly readBytes?: number;
}

/** What the kernel counts of one server's processes together. Linux; nothing is opened and nobody is asked. */
export interface ProcessActivity extends Usage {
  /** State of those that have the server's standard input, one letter each (proc_pid_stat(5)). */
  readonly states: string;
  /** Where the server itself waits in the kernel; undefined where the system does not tell. */
  readonly waitsIn?: string;
  /** The bytes read by those alone who have the server's standard input. */
  readonly inputReadBytes?: number;
  /** The link of the server's descriptor 0: `socket:[1]`, `pipe:[2]`, a path; undefined where it may not be read. */
  readonly input?: string;
}

/** Reads the signs of a server and of all below it. @param tree PIDs, the server first @returns undefined when the server is gone, or the system has no `/proc` */
export function readVitalSigns(tree: readonly number[], fs: ProcFs = kernelProcFs, root = '/proc'): ProcessActivity | undefined {
  const [server] = tree;
  const input = orNothing(() => fs.link(`${root}/${server}/fd/0`));
  let states = '';
  let inputReadBytes: number | undefined = 0;
  const usage = addUp(tree, fs, root, readProcSystem(fs, root).ticksPerSecond, (pid, stat, read) => {
    if (pid === server || (input !== undefined && orNothing(() => fs.link(`${root}/${pid}/fd/0`)) === input)) {
      states += stat.state;
      inputReadBytes = sum(inputReadBytes, read);
    }
  });
  const waitsIn = usage && orNothing(() => fs.read(`${root}/${server}/wchan`, 200).text.trim());
  return (
    usage && {
      states,
      ...usage,
      ...(inputReadBytes === undefined ? {} : { inputReadBytes }),
      ...(input === undefined ? {} : { input }),
      ...(waitsIn === undefined || waitsIn === '' || waitsIn === '0' ? {} : { waitsIn }),
    }
  );
}

/** Makes a reader of the counts alone, for whoever asks often: two files for each process. What they are counted in is read once. */
export function usageReader(fs: ProcFs = kernelProcFs, root = '/proc'): (tree: readonly number[]) => Usage | undefined {
  let ticksPerSecond: number | undefined;
  return (tree) => {
    ticksPerSecond ??= readProcSystem(fs, root).ticksPerSecond;
    return addUp(tree, fs, root, ticksPerSecond);
  };
}

/** @param each is told of every process that is there @returns undefined when the first is gone */
function addUp(
  tree: readonly number[],
  fs: ProcFs,
  root: string,
  ticksPerSecond: number,
  each: (pid: number, stat: ProcStat, read: number | undefined) => void = () => undefined,
): Usage | undefined {
  let ticks = 0;
  let readBytes: number | undefined = 0;
  for (const [index, pid] of tree.entries()) {
    const stat = orNothing(() => parseProcStat(fs.read(`${root}/${pid}/stat`, 4_096, 'at once').text));
    if (stat) {
      ticks += stat.cpuTicks;
      const read = bytesRead(orNothing(() => fs.read(`${root}/${pid}/io`, 1_024, 'at once').text) ?? '');
      readBytes = sum(readBytes, read);
      each(pid, stat, read);
    } else if (index === 0) {
      return undefined;
    }
  }
  return { cpuMs: (ticks * 1_000) / ticksPerSecond, ...(readBytes === undefined ? {} : { readBytes }) };
}

function sum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}

/** `rchar` of `/proc/PID/io` (proc_pid_io(5)): bytes that read(2) and its like gave, also from pipes and sockets. */
function bytesRead(text: string): number | undefined {
  const found = /^rchar: (\d+)$/m.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}
