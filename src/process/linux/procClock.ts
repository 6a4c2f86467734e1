import { endianness } from 'node:os';
import { orNothing, type ProcFs } from './procFs.ts';

/** Constants of the system and of our namespaces. */
export interface ProcSystem {
  readonly bootId: string;
  readonly pidNamespace: string;
  /** `CLK_TCK`: unit of the start times in `/proc/PID/stat`. */
  readonly ticksPerSecond: number;
  readonly pageSize: number;
  /** Milliseconds that our time namespace adds to the boot clock and to the monotonic clock. */
  readonly boottimeOffset: number;
  readonly monotonicOffset: number;
}

/** Keys of the auxiliary vector (getauxval(3)). */
const pageSizeKey = 6;
const ticksKey = 17;

/** Reads the constants. A value that cannot be read gets the usual one, or `-`. */
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
 * Parses the auxiliary vector, which the kernel gives to every program: pairs of machine words, ended by a zero key. It holds CLK_TCK and the page size, which Node
 * has no other way to read (sysconf(3)).
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
 * Parses `/proc/self/timens_offsets` (time_namespaces(7)): the milliseconds that our namespace adds to the clocks. `/proc/uptime` and the start ticks of *all*
 * processes include them (measured: +100000 s on both), so a start in wall time needs no correction. A start as part of an identity does, because readers
 * inside and outside must agree.
 */
export function parseTimeOffsets(text: string): { readonly boottime: number; readonly monotonic: number } {
  const of = (clock: string): number => {
    const match = new RegExp(`^${clock}\\s+(-?\\d+)\\s+(\\d+)`, 'm').exec(text);
    return match ? Number(match[1]) * 1_000 + Number(match[2]) / 1e6 : 0;
  };
  return { boottime: of('boottime'), monotonic: of('monotonic') };
}

/** The wall time of boot by the present clock. */
export interface BootEpoch {
  /** Epoch milliseconds at tick 0 of the reader's time namespace. */
  readonly at: number;
  /** Largest error of starts that are computed from it, ms. */
  readonly errorMs: number;
}

/** The uptime has steps of 10 ms, so each reading differs; readings within this distance count as equal. */
const holdMs = 10;
/** An uptime that is this far behind the monotonic clock is not the kernel's: lxcfs shows the container's. */
const forgedMs = 1_000;

/**
 * Makes a reader of the wall time of boot: now − `/proc/uptime`. Measured against spawn times, the error is −9 … +6 ms. (`btime` of `/proc/stat` is cut to whole
 * seconds, −517 ms in the measurement, and would make a process seem older than the files that it loaded.) The value changes when the wall clock is set and is
 * constant otherwise, so that starts do not jitter between lists.
 *
 * In lxcfs `/proc/uptime` is the container's while the start ticks are the machine's. The monotonic clock is used then. It is never ahead of the boot clock, but stops
 * during suspend, so the error is given as one second.
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
