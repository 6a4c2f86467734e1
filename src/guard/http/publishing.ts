import { basename } from 'node:path';
import { readControlSecret } from '../../lock/control/controlSecret.ts';
import type { HeldInstance, InstanceFacts } from '../../lock/holdResources.ts';
import type { LockDirectory } from '../../lock/lockDirectory.ts';
import type { ProcessStarts } from '../../lock/processStarts.ts';
import { createRedactor, secretsOf } from '../../redaction/redactor.ts';
import type { HttpGuardOptions } from '../options/httpOptions.ts';
import { guardWitness } from '../process/guardProcesses.ts';
import { type Acquisition, acquireLocks, openRunFolder } from '../publish/acquireLocks.ts';
import { recordText } from '../publish/guardRecord.ts';

/** What the proxy holds before anything of it listens. */
export interface PublishedLocks {
  readonly instance: HeldInstance;
  readonly directory: LockDirectory;
  readonly witness: ProcessStarts;
}

export type HoldOutcome =
  /** `held` is missing where nothing can be published; `warning` says why, or what is in use all the same. */
  | { readonly status: 'go-on'; readonly held?: PublishedLocks; readonly warning?: string }
  | { readonly status: 'refuse'; readonly text: string };

/** A probe that a client starts beside its session is gone within this time, ms. */
const probeMs = 2_000;
const maxArgs = 100;

/** Takes the resources of `--lock` and publishes the proxy, before its port is taken. Never throws. */
export async function hold(options: HttpGuardOptions): Promise<HoldOutcome> {
  const opened = openRunFolder(options.runDir === undefined ? {} : { runDir: options.runDir });
  if ('refused' in opened) {
    return without(options, opened.refused);
  }
  const { directory } = opened;
  const witness = await guardWitness();
  const own = await witness.startOf(process.pid).catch(() => undefined);
  const request = { directory, witness, facts: factsOf(options, own), signal: new AbortController().signal };
  const waitMs = options.onConflict.mode === 'wait' ? options.onConflict.limitMs : probeMs;
  const first = await acquireLocks({ ...request, options, waitMs });
  if (first.status === 'held') {
    return { status: 'go-on', held: { instance: first.instance, directory, witness } };
  }
  if (first.status === 'impossible' || options.onConflict.mode !== 'warn') {
    return options.locks.length === 0 ? without(options, first.text) : { status: 'refuse', text: refusalText(first) };
  }
  const second = await acquireLocks({ ...request, options: { locks: [] }, uses: options.locks, waitMs });
  const warning = `${first.text}; the server is served all the same`;
  return second.status === 'held'
    ? { status: 'go-on', held: { instance: second.instance, directory, witness }, warning }
    : { status: 'go-on', warning };
}

/** The token of `POST /shutdown`: the secret in the file beside the record. */
export function shutdownToken({ directory, instance }: PublishedLocks): string | undefined {
  const secret = readControlSecret(directory, instance.record.id);
  return 'refused' in secret ? undefined : secret.secret.toString('hex');
}

function without(options: HttpGuardOptions, reason: string): HoldOutcome {
  return options.locks.length > 0
    ? { status: 'refuse', text: `Whether the resource is free cannot be told, because ${reason}. The server was not started.` }
    : { status: 'go-on', warning: `no record is published, so there is no /shutdown: ${reason}` };
}

function refusalText(result: Exclude<Acquisition, { status: 'held' }>): string {
  return result.status === 'impossible'
    ? `Whether the resource is free cannot be told, because ${result.text}. The server was not started.`
    : `${result.text}. The server was not started and nothing listens. End that one, or start this one with --on-conflict wait.`;
}

function factsOf(options: HttpGuardOptions, own: string | undefined): InstanceFacts {
  const env = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? '']));
  const redactor = createRedactor(secretsOf({ args: options.args, env, headers: [] }));
  const { command, args, upstream } = options;
  return {
    ...(own === undefined ? {} : { guard: { pid: process.pid, start: own } }),
    serverId: recordText(options.name ?? (command === undefined ? (upstream?.host ?? 'http') : redactor.text(basename(command)))),
    ...(command === undefined
      ? {}
      : {
          launch: {
            command: recordText(redactor.text(command)),
            args: redactor.args(args.slice(0, maxArgs)).map(recordText),
            cwd: recordText(process.cwd()),
          },
        }),
    startedAt: new Date().toISOString(),
    x: { guard: 'http', onStale: options.onStale },
  };
}
