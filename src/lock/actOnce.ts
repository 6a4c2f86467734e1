import { rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { readWhole, writeWhole } from '../storage/atomicFile.ts';
import { type KernelLock, type LockOptions, lockFile } from './kernelLock.ts';
import type { LockDirectory } from './lockDirectory.ts';

/** Which process acts on a target. It is only shown: the kernel lock beside it decides. */
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
  /** The incarnation that the user saw when asking. */
  readonly expect: string;
  readonly actor: Omit<Actor, 'expect'>;
  /** The present incarnation; undefined when there is none. Called again while waiting, and once more under the lock. */
  readonly current: () => Promise<string | undefined>;
  /** How long to wait for another actor, ms of the monotonic clock. After that the result is `busy`; no actor is overridden. */
  readonly waitMs: number;
  readonly signal?: AbortSignal;
  /** Replaced in tests only. */
  readonly lock?: LockOptions;
}

export type ActOnceResult<T> =
  | { readonly status: 'acted'; readonly result: T }
  /** The expected incarnation is gone: another process acted, or it ended. `now` is the present one. */
  | { readonly status: 'already'; readonly now: string | undefined }
  /** Another actor is not done yet. */
  | { readonly status: 'busy'; readonly actor: Actor | undefined }
  | { readonly status: 'unavailable' | 'refused'; readonly reason: string };

const id = /^[0-9a-f]{32}$/;

/**
 * Makes exactly one process act: `act` runs under the kernel lock of the target, and only when the expected incarnation is still the present one under the lock
 * (with the lock alone each of eight waiting processes would act in turn). When the actor dies, the next one gets the lock and checks again.
 * @param act gets the lock, for a program that must keep it when the actor is killed
 * @throws what `current` and `act` throw, after releasing the lock
 */
export async function actOnce<T>(options: ActOnceOptions, act: (lock: KernelLock) => Promise<T>): Promise<ActOnceResult<T>> {
  const { directory, target, expect, current, waitMs, signal } = options;
  if (!id.test(target)) {
    return { status: 'refused', reason: 'the target is neither a lock key nor an instance id' };
  }
  const until = performance.now() + waitMs;
  for (;;) {
    const now = await current();
    if (now !== expect) {
      return { status: 'already', now };
    }
    const attempt = await lockFile(join(directory.intents, `${target}.lock`), options.lock);
    if (attempt.status === 'locked') {
      try {
        return await actUnderLock(options, () => act(attempt.lock));
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
    removeActor(file);
  }
}

/** A name that cannot be removed, because a folder stands in its place, must not hide the result. */
function removeActor(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // Readers take only a regular file, and check the lock too.
  }
}

/** On a full disk the actor is not named: the lock still excludes others, and the server that fills the disk may be the one to end. */
function writeActor(file: string, actor: Actor): void {
  try {
    writeWhole(file, `${JSON.stringify(actor)}\n`);
  } catch {
    // Others then report an actor without a name, and not an earlier one that was killed.
    removeActor(file);
  }
}

/** The actor that is noted for a target. The note stays when the actor is killed, so check the lock too. Never throws. */
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
