import { rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { removeControlEndpoint } from './control/controlPath.ts';
import { removeControlSecret } from './control/controlSecret.ts';
import { type InstanceRecord, listInstanceRecords, newInstanceId, protocolVersion, writeInstanceRecord } from './instanceRecord.ts';
import { type KernelLock, type LockAttempt, type LockOptions, lockFile, shortWaitMs } from './kernelLock.ts';
import { livenessOf } from './liveness.ts';
import type { LockDirectory } from './lockDirectory.ts';
import type { ProcessStarts } from './processStarts.ts';
import type { ResourceKey } from './resourceKey.ts';

/** Fields of a record that the instance itself provides. */
export type InstanceFacts = Omit<InstanceRecord, 'ilp' | 'minReader' | 'id' | 'seq' | 'state' | 'host' | 'locks' | 'exclusion'>;

/** An instance that holds its locks and is published. */
export interface HeldInstance {
  readonly record: InstanceRecord;
  readonly locks: readonly KernelLock[];
  /**
   * File descriptors of the resources' locks, which the server of a guard inherits: the locks are held for as long as it runs. The last lock is not among
   * them, because it says that the instance itself lives.
   */
  readonly inheritableFiles: readonly number[];
  /** Publishes the next state. @throws on I/O errors */
  publish(changes: Partial<Omit<InstanceFacts, 'serverId'>> & { readonly state: InstanceRecord['state'] }): void;
  /** Sets the times of its files to now: below `/var/tmp` the system removes old files. Never throws. */
  refreshFileTimes(): void;
  /** Whether every lock path still names the locked file. Otherwise another process can hold the same lock. */
  isIntact(): boolean;
  /** Removes the record, the control socket and the secret, then releases the locks. Safe to call twice. */
  close(): void;
  /** The same for a guard whose server inherited the locks: removes them from remaining descendants too. Call it when the server has ended. */
  unlockAndClose(): Promise<void>;
}

export type HoldResult =
  | { readonly status: 'held-by-us'; readonly instance: HeldInstance }
  /** Another process holds it. `by`: the living records that name it; none when the holder publishes nothing. */
  | { readonly status: 'held'; readonly resource: ResourceKey; readonly by: readonly InstanceRecord[] }
  /** The lock is free, and a server of an earlier holder still runs on the resource (or may: `certain` is false). */
  | { readonly status: 'orphan'; readonly resource: ResourceKey; readonly record: InstanceRecord; readonly certain: boolean }
  /** The same directory under another name is in use. */
  | { readonly status: 'conflict'; readonly resource: ResourceKey; readonly record: InstanceRecord }
  | { readonly status: 'unavailable' | 'refused'; readonly reason: string };

interface HoldRequest {
  readonly directory: LockDirectory;
  readonly starts: ProcessStarts;
  readonly resources: readonly ResourceKey[];
  /** Resources that it uses without a lock, as its user decided. The record names them, with `exclusion` `none`. */
  readonly uses?: readonly ResourceKey[];
  readonly facts: InstanceFacts;
  /** Default: 300 ms, on Windows 2 s. */
  readonly waitMs?: number;
  /** Replaced in tests only. */
  readonly lock?: LockOptions;
}

/**
 * Takes all locks of an instance and publishes its record, or takes none and returns why. The locks are taken in the order of their keys, so that two
 * instances with the same resources cannot wait for each other.
 * @throws when the record cannot be written; nothing is held then
 */
export async function holdResources(request: HoldRequest): Promise<HoldResult> {
  const { directory, resources } = request;
  const id = newInstanceId();
  const options = { waitMs: request.waitMs ?? shortWaitMs, ...request.lock };
  const locks: KernelLock[] = [];
  const own = join(directory.instances, `${id}.lock`);
  let instance: HeldInstance | undefined;
  try {
    for (const resource of [...resources].sort((a, b) => (a.key < b.key ? -1 : 1))) {
      const attempt = await lockFile(join(directory.locks, `${resource.key}.lock`), options);
      if (attempt.status !== 'locked') {
        return await failure(attempt, resource, request);
      }
      locks.push(attempt.lock);
    }
    // Only now: a process that is ended while it waits for a resource leaves no file.
    const liveness = await lockFile(own, options);
    if (liveness.status !== 'locked') {
      return { status: 'unavailable', reason: 'reason' in liveness ? liveness.reason : `${own} is held by another process` };
    }
    locks.push(liveness.lock);
    const survivor = await survivorOf(request);
    if (survivor) {
      return survivor;
    }
    const published = publish(request, id, locks);
    // Publishes first and reads second: when two instances do this at once, at least one sees the other.
    const alias = await aliasOf(request, id);
    if (alias) {
      published.close();
      return alias;
    }
    instance = published;
    return { status: 'held-by-us', instance };
  } finally {
    if (!instance) {
      releaseAll(locks, own);
    }
  }
}

/** The living records that name a key; those that hold its lock come first. @throws when the folder cannot be listed */
export async function publishedHolders(directory: LockDirectory, key: string, starts: ProcessStarts): Promise<InstanceRecord[]> {
  const found: InstanceRecord[] = [];
  for (const reading of listInstanceRecords(directory)) {
    if (reading.status === 'ok' && reading.record.locks.some((lock) => lock.key === key)) {
      if ((await livenessOf(reading.record, starts)).life !== 'dead') {
        found.push(reading.record);
      }
    }
  }
  return found.sort((a, b) => Number(a.exclusion === 'none') - Number(b.exclusion === 'none'));
}

/** A holder may have its lock and not have published its record yet, ms. */
const publishMs = 1_000;

async function failure(
  attempt: Exclude<LockAttempt, { status: 'locked' }>,
  resource: ResourceKey,
  request: HoldRequest,
): Promise<HoldResult> {
  if (attempt.status !== 'held') {
    return attempt;
  }
  const until = performance.now() + publishMs;
  for (;;) {
    const by = await publishedHolders(request.directory, resource.key, request.starts);
    if (by.length > 0 || performance.now() >= until) {
      return { status: 'held', resource, by };
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** With all locks held: an instance that still runs on one of the resources without its lock. */
async function survivorOf({ directory, resources, starts }: HoldRequest): Promise<HoldResult | undefined> {
  for (const resource of resources) {
    for (const record of await publishedHolders(directory, resource.key, starts)) {
      return { status: 'orphan', resource, record, certain: (await livenessOf(record, starts)).life === 'alive' };
    }
  }
  return undefined;
}

async function aliasOf({ directory, resources, starts }: HoldRequest, id: string): Promise<HoldResult | undefined> {
  if (resources.length === 0) {
    return undefined;
  }
  for (const reading of listInstanceRecords(directory)) {
    // When two see each other, the one with the larger id gives up.
    if (reading.status !== 'ok' || reading.id >= id) {
      continue;
    }
    const resource = resources.find((ours) => reading.record.locks.some((theirs) => isAlias(ours, theirs)));
    if (resource && (await livenessOf(reading.record, starts)).life !== 'dead') {
      return { status: 'conflict', resource, record: reading.record };
    }
  }
  return undefined;
}

function isAlias(ours: ResourceKey, theirs: InstanceRecord['locks'][number]): boolean {
  return ours.key !== theirs.key && ours.ino !== undefined && ours.ino === theirs.ino && ours.dev === theirs.dev;
}

function publish({ directory, starts, resources, uses = [], facts }: HoldRequest, id: string, locks: readonly KernelLock[]): HeldInstance {
  let record: InstanceRecord = {
    ...facts,
    ilp: protocolVersion,
    minReader: protocolVersion,
    id,
    seq: 1,
    state: 'starting',
    host: { boot: starts.boot, pidns: starts.pidns },
    locks: [...resources, ...uses].map((resource) => ({ ...resource })),
    exclusion: uses.length > 0 ? 'none' : (locks[0]?.mechanism ?? 'none'),
  };
  writeInstanceRecord(directory, record);
  let closed = false;
  const withdraw = (): void => {
    if (!closed) {
      closed = true;
      rmSync(join(directory.instances, `${id}.json`), { force: true });
      removeControlEndpoint(directory, record.control);
      removeControlSecret(directory, id);
    }
  };
  return {
    get record() {
      return record;
    },
    locks,
    inheritableFiles: locks.slice(0, -1).map(({ fd }) => fd),
    publish(changes) {
      const next = { ...record, ...changes, seq: record.seq + 1 };
      writeInstanceRecord(directory, next);
      record = next;
    },
    refreshFileTimes() {
      const now = new Date();
      for (const path of [...locks.map((lock) => lock.path), join(directory.instances, `${id}.json`)]) {
        try {
          utimesSync(path, now, now);
        } catch {
          // Removed: `isIntact` reports it. Windows refuses to open a locked file, and removes no old files.
        }
      }
    },
    isIntact: () => !closed && locks.every((lock) => lock.isIntact()),
    close() {
      withdraw();
      releaseAll(locks, join(directory.instances, `${id}.lock`));
    },
    async unlockAndClose() {
      // The record first: the next holder must not find this instance in it.
      withdraw();
      await Promise.all(locks.map((lock) => lock.unlock()));
      releaseAll(locks, join(directory.instances, `${id}.lock`));
    },
  };
}

/** Releases before it removes: Windows deletes no file that is open without sharing. A file that stays is empty and has a unique name. */
function releaseAll(locks: readonly KernelLock[], own: string): void {
  for (const lock of locks) {
    lock.release();
  }
  try {
    rmSync(own, { force: true });
  } catch {
    // Another process has it open.
  }
}
