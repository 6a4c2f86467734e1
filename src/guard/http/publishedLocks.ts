import { basename } from 'node:path';
import { readControlSecret } from '../../lock/control/controlSecret.ts';
import type { HeldInstance, InstanceFacts } from '../../lock/holdResources.ts';
import type { LockDirectory } from '../../lock/lockDirectory.ts';
import type { ProcessStarts } from '../../lock/processStarts.ts';
import type { HttpGuardOptions } from '../options/httpOptions.ts';
import { guardStarts } from '../process/guardProcesses.ts';
import { type Acquisition, acquireLocks, openRunFolder } from '../publish/acquireLocks.ts';
import { launchFacts, ownRedactor, recordText } from '../publish/guardRecord.ts';

/** The locks and the record that the guard holds before its port is open. */
export interface PublishedLocks {
  readonly instance: HeldInstance;
  readonly directory: LockDirectory;
  readonly starts: ProcessStarts;
}

type PublishedLocksResult =
  /** `held` is missing where nothing can be published; `warning` says why, or which resource another process uses. */
  | { readonly status: 'continue'; readonly held?: PublishedLocks; readonly warning?: string }
  | { readonly status: 'refuse'; readonly text: string };

/** A client may start a second server for a moment, to probe it; it ends within this time, ms. */
const probeMs = 2_000;

/** Takes the locks of `--lock` and publishes the guard's record. Called before the port is opened. Never throws. */
export async function takePublishedLocks(options: HttpGuardOptions): Promise<PublishedLocksResult> {
  const opened = openRunFolder(options.runDir === undefined ? {} : { runDir: options.runDir });
  if ('refused' in opened) {
    return without(options, opened.refused);
  }
  const { directory } = opened;
  const starts = await guardStarts();
  const own = await starts.startOf(process.pid).catch(() => undefined);
  const request = { directory, starts, facts: factsOf(options, own), signal: new AbortController().signal };
  const waitMs = options.onConflict.mode === 'wait' ? options.onConflict.limitMs : probeMs;
  const first = await acquireLocks({ ...request, options, waitMs });
  if (first.status === 'held') {
    return { status: 'continue', held: { instance: first.instance, directory, starts } };
  }
  if (first.status === 'impossible' || options.onConflict.mode !== 'warn') {
    return options.locks.length === 0 ? without(options, first.text) : { status: 'refuse', text: refusalText(first) };
  }
  const second = await acquireLocks({ ...request, options: { locks: [] }, uses: options.locks, waitMs });
  const warning = `${first.text}; this server starts too`;
  return second.status === 'held'
    ? { status: 'continue', held: { instance: second.instance, directory, starts }, warning }
    : { status: 'continue', warning };
}

/** The token of `POST /shutdown`: the control secret, in the file beside the record. */
export function shutdownToken({ directory, instance }: PublishedLocks): string | undefined {
  const secret = readControlSecret(directory, instance.record.id);
  return 'refused' in secret ? undefined : secret.secret.toString('hex');
}

function without(options: HttpGuardOptions, reason: string): PublishedLocksResult {
  return options.locks.length > 0
    ? { status: 'refuse', text: `Cannot tell whether the resource is free, because ${reason}. The server was not started.` }
    : { status: 'continue', warning: `no record is published, so /shutdown is not available: ${reason}` };
}

function refusalText(result: Exclude<Acquisition, { status: 'held' }>): string {
  return result.status === 'impossible'
    ? `Cannot tell whether the resource is free, because ${result.text}. The server was not started.`
    : `${result.text}. The server was not started and the port is not open. Stop the other one, or use --on-conflict wait.`;
}

function factsOf(options: HttpGuardOptions, own: string | undefined): InstanceFacts {
  const { args, upstream } = options;
  const started = options.command === undefined ? undefined : { command: options.command, args };
  const redactor = ownRedactor(started);
  return {
    ...(own === undefined ? {} : { guard: { pid: process.pid, start: own } }),
    serverId: recordText(options.name ?? (started ? redactor.text(basename(started.command)) : (upstream?.host ?? 'http'))),
    ...(started ? { launch: launchFacts(started, redactor) } : {}),
    startedAt: new Date().toISOString(),
    x: { guard: 'http', onStale: options.onStale },
  };
}
