import { rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { readWhole, writeWhole } from '../storage/atomicFile.ts';
import { type LockOptions, lockFile } from './kernelLock.ts';
import type { LockDirectory } from './lockDirectory.ts';

/** Who is acting on a target, and on what. For showing: the kernel's lock beside it decides. */
const actorSchema = v.object({
  by: v.pipe(v.string(), v.maxLength(200), v.regex(/^\P{Cc}*$/u)),
  pid: v.pipe(v.number(), v.integer(), v.minValue(2)),
  start: v.pipe(v.string(), v.maxLength(40)),
  verb: v.picklist(['restart', 'stop', 'reap']),
  expect: v.pipe(v.string(), v.maxLength(200)),
  since: v.pipe(v.string(), v.maxLength(40)),
});

export type Actor = Readonly<v.InferOutput<typeof actorSchema>>;

export interface ActOnceOptions {
  readonly directory: LockDirectory;
  /** 32 hex digits: a lock key or an instance id. */
  readonly target: string;
  /** The incarnation that the user saw when he asked. */
  readonly expect: string;
  readonly actor: Omit<Actor, 'expect'>;
  /** Which incarnation is there now; undefined = none. Asked again while waiting, and once more under the lock. */
  readonly current: () => Promise<string | undefined>;
  /** How long to wait for another actor, ms of the monotonic clock. After it the caller is told who acts; nobody is overridden. */
  readonly waitMs: number;
  readonly signal?: AbortSignal;
  /** Replaced in tests only. */
  readonly lock?: LockOptions;
}

export type ActOnceResult<T> =
  | { readonly status: 'acted'; readonly result: T }
  /** The incarnation that was meant is no longer there: somebody else did it, or it ended. `now` is what is there. */
  | { readonly status: 'already'; readonly now: string | undefined }
  /** Another actor is still at it. */
  | { readonly status: 'busy'; readonly actor: Actor | undefined }
  | { readonly status: 'unavailable' | 'refused'; readonly reason: string };

const id = /^[0-9a-f]{32}$/;

/**
 * Exactly one acts: `act` runs under the kernel lock of the target, and only if the incarnation that the user saw is still the one that is there when the
 * lock is held (a lock alone lets each of eight waiters act in turn). When the actor dies, the kernel lets the next one in, which looks for itself.
 * @throws what `current` and `act` throw, after letting go
 */
export async function actOnce<T>(intention: ActOnceOptions, act: () => Promise<T>): Promise<ActOnceResult<T>> {
  const { directory, target, expect, current, waitMs, signal } = intention;
  if (!id.test(target)) {
    return { status: 'refused', reason: 'the target is neither a key nor an instance id' };
  }
  const until = performance.now() + waitMs;
  for (;;) {
    const now = await current();
    if (now !== expect) {
      return { status: 'already', now };
    }
    const attempt = await lockFile(join(directory.intents, `${target}.lock`), intention.lock);
    if (attempt.status === 'locked') {
      try {
        return await actUnderLock(intention, act);
      } finally {
        attempt.lock.release();
      }
    }
    if (attempt.status !== 'held') {
      return attempt;
    }
    if (performance.now() >= until || signal?.aborted) {
      return { status: 'busy', actor: readActor(directory, target) };
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(100 + Math.random() * 150, Math.max(until - performance.now(), 0))));
  }
}

async function actUnderLock<T>(
  { directory, target, expect, current, actor }: ActOnceOptions,
  act: () => Promise<T>,
): Promise<ActOnceResult<T>> {
  const now = await current();
  if (now !== expect) {
    return { status: 'already', now };
  }
  const file = join(directory.intents, `${target}.json`);
  try {
    writeActor(file, { ...actor, expect });
    return { status: 'acted', result: await act() };
  } finally {
    rmSync(file, { force: true });
  }
}

/** On a full disk it stays unsaid who acts: the kernel keeps the others away all the same, and what fills the disk may be what has to be ended. */
function writeActor(file: string, actor: Actor): void {
  try {
    writeWhole(file, `${JSON.stringify(actor)}\n`);
  } catch {
    // Others are told that somebody acts who does not say who he is; the one before, who was killed, it is not.
    rmSync(file, { force: true });
  }
}

/** Who says that he is acting on a target; left over when he was killed, so the lock has to be asked whether it is true. Never throws. */
export function readActor(directory: LockDirectory, target: string): Actor | undefined {
  const whole = readWhole(join(directory.intents, `${target}.json`), 4_096, directory.uid);
  if ('problem' in whole) {
    return undefined;
  }
  try {
    const result = v.safeParse(actorSchema, JSON.parse(whole.text));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}
