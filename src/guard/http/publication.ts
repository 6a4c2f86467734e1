import { readControlSecret } from '../../lock/controlSecret.ts';
import { type ControlHandlers, type ControlServer, openControlServer } from '../../lock/controlServer.ts';
import { type HeldInstance, type HoldResult, holdResources } from '../../lock/heldInstance.ts';
import { openLockDirectory, protocolBase } from '../../lock/lockDirectory.ts';
import { type ResourceKey, resourceKey } from '../../lock/resourceKey.ts';
import { createWitness, type Witness } from '../../lock/witness.ts';
import type { HttpGuardOptions } from './httpOptions.ts';
import type { RunFolder } from './runFolder.ts';

/** The proxy's own record, its locks and its control endpoint. */
export interface Publication {
  /** What `POST /shutdown` must bring; undefined when there is no secret. */
  readonly shutdownToken: string | undefined;
  readonly id: string;
  /** Tells which server process runs now. */
  serve(pid: number, extra: Readonly<Record<string, unknown>>): Promise<void>;
  stopping(): void;
  /** Opens the control endpoint. @returns why it could not be opened */
  control(handlers: ControlHandlers): Promise<string | undefined>;
  close(): Promise<void>;
}

export type PublicationResult =
  | { readonly status: 'published'; readonly publication: Publication; readonly warning?: string }
  /** Somebody else has a resource: nothing may be started. */
  | { readonly status: 'held'; readonly message: string }
  /** Nothing could be published; fatal only with `--lock`. */
  | { readonly status: 'unavailable'; readonly message: string };

/** Takes the locks of `--lock`, and publishes the proxy. Before anything listens. @throws never on purpose; I/O errors of the record */
export async function publish(
  options: HttpGuardOptions,
  run: RunFolder,
  launch: { readonly command: string; readonly args: readonly string[] },
): Promise<PublicationResult> {
  const opened = openLockDirectory(protocolBase(run.path, run.explicit));
  if ('refused' in opened) {
    return { status: 'unavailable', message: opened.refused };
  }
  const { directory } = opened;
  const witness = await createWitness();
  const wanted = options.locks.map((lock) => resourceKey(lock.kind, lock.resource));
  const start = await witness.startOf(process.pid);
  const request = {
    directory,
    witness,
    facts: {
      serverId: options.name ?? (options.upstream ? options.upstream.host : (options.command ?? 'http')),
      ...(start === undefined ? {} : { guard: { pid: process.pid, start } }),
      launch: { command: launch.command, args: [...launch.args] },
      startedAt: new Date().toISOString(),
    },
    waitMs: options.onConflict.mode === 'wait' ? options.onConflict.limitMs : 2_000,
  };
  let held = await holdResources({ ...request, resources: wanted });
  let warning: string | undefined;
  if (held.status !== 'held-by-us' && wanted.length > 0) {
    const message = conflictText(held);
    if (options.onConflict.mode !== 'warn') {
      return { status: held.status === 'unavailable' || held.status === 'refused' ? 'unavailable' : 'held', message };
    }
    warning = `${message}; it is started all the same (--on-conflict warn)`;
    held = await holdResources({ ...request, resources: [] });
  }
  if (held.status !== 'held-by-us') {
    return { status: 'unavailable', message: conflictText(held) };
  }
  return {
    status: 'published',
    publication: new Published(held.instance, directory, witness),
    ...(warning === undefined ? {} : { warning }),
  };
}

class Published implements Publication {
  readonly #instance: HeldInstance;
  readonly #directory: Parameters<typeof readControlSecret>[0];
  readonly #witness: Witness;
  #control: ControlServer | undefined;
  #server: { readonly pid: number; readonly start: string } | undefined;
  shutdownToken: string | undefined;

  constructor(instance: HeldInstance, directory: Parameters<typeof readControlSecret>[0], witness: Witness) {
    this.#instance = instance;
    this.#directory = directory;
    this.#witness = witness;
  }

  get id(): string {
    return this.#instance.record.id;
  }

  async serve(pid: number, extra: Readonly<Record<string, unknown>>): Promise<void> {
    const start = pid > 1 ? await this.#witness.startOf(pid) : undefined;
    this.#server = start === undefined ? undefined : { pid, start };
    this.#instance.publish({
      state: 'running',
      ...(this.#server ? { server: { ...this.#server, pgid: pid } } : {}),
      ...(this.#control ? { control: this.#control.endpoint } : {}),
      x: { ...extra },
    });
  }

  stopping(): void {
    this.#instance.publish({ state: 'stopping' });
  }

  async control(handlers: ControlHandlers): Promise<string | undefined> {
    try {
      this.#control = await openControlServer({ directory: this.#directory, instance: this.id, handlers, server: () => this.#server });
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    const secret = readControlSecret(this.#directory, this.id);
    if ('refused' in secret) {
      return secret.refused;
    }
    this.shutdownToken = secret.secret.toString('hex');
    return undefined;
  }

  async close(): Promise<void> {
    await this.#control?.close();
    this.#instance.close();
  }
}

function conflictText(result: Exclude<HoldResult, { status: 'held-by-us' }>): string {
  switch (result.status) {
    case 'held': {
      const [by] = result.by;
      return `${nameOf(result.resource)} is held by ${by ? holderText(by) : 'a process that publishes nothing'}`;
    }
    case 'orphan':
      return `${nameOf(result.resource)} is still used by ${holderText(result.record)}, whose guard is gone: end that process first`;
    case 'conflict':
      return `${nameOf(result.resource)} is in use under another name by ${holderText(result.record)}`;
    default:
      return result.reason;
  }
}

function nameOf(resource: ResourceKey): string {
  return `${resource.kind}:${resource.resource}`;
}

function holderText(record: Extract<HoldResult, { status: 'conflict' }>['record']): string {
  const pid = record.server?.pid ?? record.guard?.pid;
  return `PID ${pid ?? 'unknown'} (${record.serverId}${record.client ? `, client ${record.client.name}` : ''}${record.startedAt === undefined ? '' : `, since ${record.startedAt}`})`;
}
