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

/** What an instance says of itself beyond what the protocol fills in. */
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
  /** Gives its files the time of now: where the run folder is below `/var/tmp`, the system clears old files away. Never throws. */
  refreshFileTimes(): void;
  /** Whether every lock file is still the one that is locked, so that nobody can hold it besides us. */
  isIntact(): boolean;
  /** Takes the record, the control socket and the secret away and lets go of the locks, in this order. Safe to call twice. */
  close(): void;
  /** The same for a guard that handed its locks to its server: they are taken away from stray descendants too. Once the server is gone. */
  unlockAndClose(): Promise<void>;
}

export type HoldResult =
  | { readonly status: 'held-by-us'; readonly instance: HeldInstance }
  /** Somebody has it: `by` are the living records that name it; none when the holder publishes nothing. */
  | { readonly status: 'held'; readonly resource: ResourceKey; readonly by: readonly InstanceRecord[] }
  /** The lock is free, and a server of an earlier holder still runs on the resource (or may: `certain` is false). */
  | { readonly status: 'orphan'; readonly resource: ResourceKey; readonly record: InstanceRecord; readonly certain: boolean }
  /** The same directory under another name is in use. */
  | { readonly status: 'conflict'; readonly resource: ResourceKey; readonly record: InstanceRecord }
  | { readonly status: 'unavailable' | 'refused'; readonly reason: string };

export interface HoldRequest {
  readonly directory: LockDirectory;
  readonly witness: ProcessStarts;
  readonly resources: readonly ResourceKey[];
  /** What it uses without holding it, because its user says so: named in the record, which then says that nothing keeps others away. */
  readonly uses?: readonly ResourceKey[];
  readonly facts: InstanceFacts;
  /** Default: 300 ms, on Windows 2 s. */
  readonly waitMs?: number;
  /** Replaced in tests only. */
  readonly lock?: LockOptions;
}

/**
 * Takes the locks of an instance and publishes it, or says why not; all or nothing. The locks are taken in the order of their keys, so that two instances
 * with the same resources cannot wait for each other.
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
    // Only now: whoever is ended while it waits for a resource leaves nothing behind.
    const liveness = await lockFile(own, options);
    if (liveness.status !== 'locked') {
      return { status: 'unavailable', reason: 'reason' in liveness ? liveness.reason : `${own} is held by somebody else` };
    }
    locks.push(liveness.lock);
    const survivor = await survivorOf(request);
    if (survivor) {
      return survivor;
    }
    const made = publish(request, id, locks);
    // Published first, looked second: of two that do this at once, at least one sees the other.
    const alias = await aliasOf(request, id);
    if (alias) {
      made.close();
      return alias;
    }
    instance = made;
    return { status: 'held-by-us', instance };
  } finally {
    if (!instance) {
      letGo(locks, own);
    }
  }
}

/** The living records that name a key; those that hold it before those that use it without. @throws when the folder cannot be listed */
export async function publishedHolders(directory: LockDirectory, key: string, witness: ProcessStarts): Promise<InstanceRecord[]> {
  const found: InstanceRecord[] = [];
  for (const reading of listInstanceRecords(directory)) {
    if (reading.status === 'ok' && reading.record.locks.some((lock) => lock.key === key)) {
      if ((await livenessOf(reading.record, witness)).life !== 'dead') {
        found.push(reading.record);
      }
    }
  }
  return found.sort((a, b) => Number(a.exclusion === 'none') - Number(b.exclusion === 'none'));
}

/** The holder may be between its lock and its record. */
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
    const by = await publishedHolders(request.directory, resource.key, request.witness);
    if (by.length > 0 || performance.now() >= until) {
      return { status: 'held', resource, by };
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** With all locks in our hands: somebody who still runs on one of the resources without holding its lock. */
async function survivorOf({ directory, resources, witness }: HoldRequest): Promise<HoldResult | undefined> {
  for (const resource of resources) {
    for (const record of await publishedHolders(directory, resource.key, witness)) {
      return { status: 'orphan', resource, record, certain: (await livenessOf(record, witness)).life === 'alive' };
    }
  }
  return undefined;
}

async function aliasOf({ directory, resources, witness }: HoldRequest, id: string): Promise<HoldResult | undefined> {
  if (resources.length === 0) {
    return undefined;
  }
  for (const reading of listInstanceRecords(directory)) {
    // Of two that see each other, the larger id yields.
    if (reading.status !== 'ok' || reading.id >= id) {
      continue;
    }
    const resource = resources.find((ours) => reading.record.locks.some((theirs) => isAlias(ours, theirs)));
    if (resource && (await livenessOf(reading.record, witness)).life !== 'dead') {
      return { status: 'conflict', resource, record: reading.record };
    }
  }
  return undefined;
}

function isAlias(ours: ResourceKey, theirs: InstanceRecord['locks'][number]): boolean {
  return ours.key !== theirs.key && ours.ino !== undefined && ours.ino === theirs.ino && ours.dev === theirs.dev;
}

function publish({ directory, witness, resources, uses = [], facts }: HoldRequest, id: string, locks: readonly KernelLock[]): HeldInstance {
  let record: InstanceRecord = {
    ...facts,
    ilp: protocolVersion,
    minReader: protocolVersion,
    id,
    seq: 1,
    state: 'starting',
    host: { boot: witness.boot, pidns: witness.pidns },
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
          // Gone: `isIntact` tells. On Windows nobody opens a locked file; nothing is cleared away there.
        }
      }
    },
    isIntact: () => !closed && locks.every((lock) => lock.isIntact()),
    close() {
      withdraw();
      letGo(locks, join(directory.instances, `${id}.lock`));
    },
    async unlockAndClose() {
      // The record first: whoever gets the lock must not find us in it.
      withdraw();
      await Promise.all(locks.map((lock) => lock.unlock()));
      letGo(locks, join(directory.instances, `${id}.lock`));
    },
  };
}

/** Lets go before it removes: Windows deletes no file that is open without sharing. What cannot be removed is an empty file with a unique name. */
function letGo(locks: readonly KernelLock[], own: string): void {
  for (const lock of locks) {
    lock.release();
  }
  try {
    rmSync(own, { force: true });
  } catch {
    // Somebody looks at it right now.
  }
}
