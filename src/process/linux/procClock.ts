import { endianness } from 'node:os';
import { orNothing, type ProcFs } from './procFs.ts';

/** What does not change while we run: whose `/proc` it is and how it counts. */
export interface ProcSystem {
  readonly bootId: string;
  readonly pidNamespace: string;
  /** `CLK_TCK`: unit of the start times in `/proc/PID/stat`. */
  readonly ticksPerSecond: number;
  readonly pageSize: number;
  /** Milliseconds by which our time namespace moves the boot clock and the monotonic clock. */
  readonly boottimeOffset: number;
  readonly monotonicOffset: number;
}

/** Keys of the auxiliary vector (getauxval(3)). */
const pageSizeKey = 6;
const ticksKey = 17;

/** Reads it once. Whatever cannot be read has a value that is right on nearly every machine, or `-`. */
export function readProcSystem(fs: ProcFs, root: string): ProcSystem {
  const vector = orNothing(() => parseAuxiliaryVector(fs.bytes(`${root}/self/auxv`, 4_096), wordBytes(), endianness())) ?? new Map();
  const offsets = parseTimeOffsets(orNothing(() => fs.read(`${root}/self/timens_offsets`, 1_000).text) ?? '');
  return {
    bootId: orNothing(() => fs.read(`${root}/sys/kernel/random/boot_id`, 100).text.trim()) || '-',
    pidNamespace: /\[(\d+)\]/.exec(orNothing(() => fs.link(`${root}/self/ns/pid`)) ?? '')?.[1] ?? '-',
    ticksPerSecond: vector.get(ticksKey) ?? 100,
    pageSize: vector.get(pageSizeKey) ?? 4_096,
    boottimeOffset: offsets.boottime,
    monotonicOffset: offsets.monotonic,
  };
}

function wordBytes(): 4 | 8 {
  return ['arm', 'ia32', 'mips', 'mipsel', 'ppc', 's390'].includes(process.arch) ? 4 : 8;
}

/**
 * The kernel's gift to every program at its start: pairs of machine words, ended by a zero key. It holds CLK_TCK and the page size,
 * which otherwise only sysconf(3) tells, and Node has none.
 */
export function parseAuxiliaryVector(bytes: Buffer, word: 4 | 8, order: 'LE' | 'BE'): Map<number, number> {
  const read = (at: number): number => {
    if (word === 4) {
      return order === 'LE' ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
    }
    return Number(order === 'LE' ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
  };
  const found = new Map<number, number>();
  for (let at = 0; at + 2 * word <= bytes.length; at += 2 * word) {
    const key = read(at);
    const value = read(at + word);
    if (key === 0) {
      break;
    }
    if (value > 0) {
      found.set(key, value);
    }
  }
  return found;
}

/**
 * `/proc/self/timens_offsets` (time_namespaces(7)): what our namespace adds to the clocks, in milliseconds. `/proc/uptime` and the start
 * ticks of *all* processes are moved by it together (measured: +100000 s on both), so a start in wall time needs no correction, and
 * a start as identity does: readers inside and outside must agree.
 */
export function parseTimeOffsets(text: string): { readonly boottime: number; readonly monotonic: number } {
  const of = (clock: string): number => {
    const match = new RegExp(`^${clock}\\s+(-?\\d+)\\s+(\\d+)`, 'm').exec(text);
    return match ? Number(match[1]) * 1_000 + Number(match[2]) / 1e6 : 0;
  };
  return { boottime: of('boottime'), monotonic: of('monotonic') };
}

/** The wall time of boot, as the reader's clock has it now. */
export interface BootEpoch {
  /** Epoch milliseconds at tick 0 of the reader's time namespace. */
  readonly at: number;
  /** Starts that are counted from it are right to this many milliseconds. */
  readonly errorMs: number;
}

/** Reading the uptime (10 ms steps) gives another answer each time; one within this distance is the same. */
const holdMs = 10;
/** Uptime behind the monotonic clock by more than this is not the kernel's: lxcfs shows a container its own. */
const forgedMs = 1_000;

/**
 * Makes a reader of the boot's wall time: now − `/proc/uptime` (measured against true spawn times: −9 … +6 ms; `btime` of
 * `/proc/stat` is cut to whole seconds, −517 ms here, and would make a process look older than the files it loaded).
 * It follows the wall clock when that is set, and stays still otherwise, so that starts do not jitter from list to list.
 *
 * Inside lxcfs `/proc/uptime` is the container's while the start ticks are the machine's. Then the monotonic clock, which cannot be
 * ahead of the true boot clock, is used; it stops during suspend, so the error is given as one second.
 * @param now epoch milliseconds @param monotonic milliseconds of CLOCK_MONOTONIC
 */
export function bootEpochReader(
  fs: ProcFs,
  root: string,
  system: ProcSystem,
  now: () => number = Date.now,
  monotonic: () => number = () => Number(process.hrtime.bigint() / 1_000n) / 1_000,
): () => BootEpoch {
  let held: BootEpoch | undefined;
  return () => {
    const running = monotonic() - system.monotonicOffset + system.boottimeOffset;
    const seconds = orNothing(() => Number.parseFloat(fs.read(`${root}/uptime`, 100).text));
    const uptime = seconds === undefined || Number.isNaN(seconds) ? Number.NaN : seconds * 1_000;
    const trusted = uptime > running - forgedMs;
    const fresh: BootEpoch = trusted ? { at: now() - uptime, errorMs: 20 } : { at: now() - running, errorMs: 1_000 };
    if (!held || held.errorMs !== fresh.errorMs || Math.abs(fresh.at - held.at) > holdMs) {
      held = fresh;
    }
    return held;
  };
}
