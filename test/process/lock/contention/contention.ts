import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { build } from 'esbuild';
import { random } from './random.ts';

export type ContenderKind = 'node' | 'python' | 'sh' | 'pidfile' | 'proper';

export interface ContentionOptions {
  readonly contenders: readonly ContenderKind[];
  /** How many times the lock is to be taken in all. */
  readonly rounds: number;
  /** End (SIGKILL) or stop (SIGSTOP, up to 40 ms) a random contender about every so many ms. */
  readonly killEveryMs?: number;
  readonly stopEveryMs?: number;
  readonly seed: number;
  /** Ends the run at the first double holder. */
  readonly untilDouble?: boolean;
  /** Folder in whose `node_modules` proper-lockfile is, for contenders that use it. */
  readonly modules?: string;
}

export interface ContentionResult {
  readonly rounds: number;
  /** Pairs that held it at the same time, proven by the order of the lines in the log. */
  readonly doubles: readonly string[];
  /** No contender got it for 30 seconds. */
  readonly stuck: boolean;
  readonly killed: number;
  readonly stopped: number;
  readonly byKind: Readonly<Record<string, number>>;
  /** What contenders complained about. */
  readonly complaints: string;
}

const stuckMs = 30_000;
const folder = import.meta.dirname;

/** Lets contenders fight for one lock while they are ended and stopped, and counts from their log. Ends all it started. */
export async function contend(options: ContentionOptions): Promise<ContentionResult> {
  const home = mkdtempSync(join(tmpdir(), 'lock-contention-'));
  const lock = join(home, 'one.lock');
  const log = join(home, 'log');
  writeFileSync(log, '');
  // In one file of plain JavaScript, as it ships: hundreds are started, and each starts sooner.
  const contender = join(home, 'contender.mjs');
  await build({ entryPoints: [join(folder, 'contender.ts')], outfile: contender, bundle: true, platform: 'node', format: 'esm' });
  const next = random(options.seed);
  let complaints = '';
  let seed = options.seed;
  let over = false;
  const slots: ChildProcess[] = [];
  const start = (slot: number, kind: ContenderKind): void => {
    seed += 1;
    const [program, ...args] = commandOf(kind, contender);
    const child = spawn(program, [...args, lock, log, String(seed), ...(kind === 'pidfile' || kind === 'proper' ? [kind] : [])], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, CONTENDER_MODULES: options.modules ?? '' },
    });
    child.stderr?.on('data', (chunk) => {
      complaints = `${complaints}${chunk}`.slice(0, 2_000);
    });
    child.once('exit', () => {
      if (!over) {
        start(slot, kind);
      }
    });
    slots[slot] = child;
  };
  options.contenders.forEach((kind, slot) => {
    start(slot, kind);
  });

  let killed = 0;
  let stopped = 0;
  const victim = (): ChildProcess | undefined => slots[Math.floor(next() * slots.length)];
  const result = (): { rounds: number; doubles: string[]; byKind: Record<string, number> } => countLog(readFileSync(log, 'utf8'));
  const entries = new EntryCount(log);
  const started = performance.now();
  let nextKill = started + (options.killEveryMs ?? Number.POSITIVE_INFINITY);
  let nextStop = started + (options.stopEveryMs ?? Number.POSITIVE_INFINITY);
  let seen = 0;
  let seenAt = started;
  let seenByKill = 0;
  let stuck = false;
  const asleep = new Map<ChildProcess, number>();
  try {
    for (;;) {
      await pause(10);
      const now = performance.now();
      for (const [child, until] of asleep) {
        if (now >= until) {
          asleep.delete(child);
          child.kill('SIGCONT');
        }
      }
      // Not more often than contenders get the lock: one that is ended while it starts proves nothing.
      if (now >= nextKill && seen > seenByKill && victim()?.kill('SIGKILL')) {
        killed += 1;
        seenByKill = seen;
        nextKill = now + (options.killEveryMs ?? 0) * (0.5 + next());
      }
      const sleeper = now >= nextStop ? victim() : undefined;
      if (sleeper && !asleep.has(sleeper) && sleeper.kill('SIGSTOP')) {
        stopped += 1;
        asleep.set(sleeper, now + next() * 40);
        nextStop = now + (options.stopEveryMs ?? 0) * (0.5 + next());
      }
      const rounds = entries.read();
      const more = rounds > seen;
      if (more) {
        seen = rounds;
        seenAt = now;
      }
      stuck = now - seenAt > stuckMs;
      if (stuck || rounds >= options.rounds || (more && options.untilDouble === true && result().doubles.length > 0)) {
        break;
      }
    }
  } finally {
    over = true;
    await Promise.all(slots.map(end));
    entries.close();
  }
  const counted = result();
  rmSync(home, { recursive: true, force: true });
  return { ...counted, stuck, killed, stopped, complaints };
}

/** Counts the lines of a growing log that say that a contender got it, without reading all of it again each time. */
class EntryCount {
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(65_536);
  #entries = 0;

  constructor(log: string) {
    this.#fd = openSync(log, 'r');
  }

  read(): number {
    for (let size = 1; size > 0; ) {
      size = readSync(this.#fd, this.#buffer, 0, this.#buffer.length, null);
      // No other word of the log has this letter.
      this.#entries += this.#buffer.subarray(0, size).filter((byte) => byte === 0x45).length;
    }
    return this.#entries;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function commandOf(kind: ContenderKind, contender: string): [string, ...string[]] {
  switch (kind) {
    case 'python':
      return ['/usr/bin/python3', '-I', '-S', join(folder, 'contender.py')];
    case 'sh':
      return ['sh', join(folder, 'contender.sh')];
    default:
      return [process.execPath, contender];
  }
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve();
    } else {
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    }
  });
}

/**
 * The kernel puts appended lines in one order. A holder writes E after it got the lock, and X (or S) before it releases it (or ends itself): an E of another one
 * between the two means two holders. A holder that was ended from outside has no second line and proves nothing.
 */
export function countLog(text: string): { rounds: number; doubles: string[]; byKind: Record<string, number> } {
  const lines = text.split('\n').map((line) => line.split(' '));
  const ended = new Set(lines.flatMap(([word, id]) => ((word === 'X' || word === 'S') && id !== undefined ? [id] : [])));
  const inside = new Set<string>();
  const doubles: string[] = [];
  const byKind: Record<string, number> = {};
  let rounds = 0;
  for (const [word, id = '', kind = ''] of lines) {
    if (word === 'E') {
      rounds += 1;
      byKind[kind] = (byKind[kind] ?? 0) + 1;
      doubles.push(...[...inside].map((other) => `${other} and ${id}`));
      if (ended.has(id)) {
        inside.add(id);
      }
    } else {
      inside.delete(id);
    }
  }
  return { rounds, doubles, byKind };
}
