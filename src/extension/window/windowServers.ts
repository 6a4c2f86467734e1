import { isVersionSettled } from '../../action/plan/restartResult.ts';
import { reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Definition } from '../../model/definition.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { editorCommands } from '../manifestNames.ts';
import { editorServerIds } from './serverIds.ts';

/** Runs tasks that share a key one after the other, and others side by side. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Runs the task when every earlier task with one of these keys has ended, well or badly. */
  run<T>(keys: readonly string[], task: () => Promise<T>): Promise<T> {
    const before = keys.map((key) => this.#tails.get(key));
    const result = Promise.allSettled(before).then(task);
    const tail = result
      .catch(() => undefined)
      .then(() => {
        for (const key of keys) {
          if (this.#tails.get(key) === tail) {
            this.#tails.delete(key);
          }
        }
      });
    for (const key of keys) {
      this.#tails.set(key, tail);
    }
    return result;
  }
}

/** VS Code ends a deaf server after 10 s with SIGTERM and after 20 s with SIGKILL; only then has stopping failed. */
const stopLimitMs = 30_000;
/** Package runners may have to download first. */
const startLimitMs = 90_000;
/** When VS Code says that it is done, the new process must show up soon. */
const showLimitMs = 5_000;
/** What a new process runs is known when it and its files have been at rest for some seconds. */
const versionLimitMs = 6_000;
const lookEveryMs = 250;

/** What `WindowServers` needs of the editor and of time; plain functions, so that it can be tried without an editor. */
export interface WindowPorts {
  /** PID of this window's extension host. */
  readonly pid: number;
  execute(command: string, ...args: readonly unknown[]): Promise<unknown>;
  hasCommand(command: string): Promise<boolean>;
  /** A fresh look at the machine. */
  look(): Promise<Snapshot>;
  /** The window's workspace folders in their order. */
  folders(): readonly string[];
  wait(ms: number): Promise<void>;
  /** Monotonic milliseconds. */
  clock(): number;
}

export type WindowRestart =
  /** `leftBehind`: VS Code let go of the old process, which nevertheless runs on. */
  | { readonly kind: 'restarted'; readonly before: Instance; readonly after: Instance; readonly leftBehind: boolean }
  | { readonly kind: 'stopped'; readonly before: Instance; readonly leftBehind: boolean }
  /** Somebody else did it, or is at it. */
  | { readonly kind: 'already'; readonly message: string }
  /** It did not work: what happened and what to do, in one or two sentences. `output` is VS Code's id of the server whose output tells more. */
  | { readonly kind: 'failed'; readonly reason: string; readonly output?: string };

/**
 * Stops and starts the servers of this window through VS Code's own commands, and believes only what it sees:
 * the commands answer nothing and ignore ids that they do not know. No process is ever signalled from here.
 */
export class WindowServers {
  readonly #ports: WindowPorts;
  readonly #log: Log;
  readonly #queue = new KeyedQueue();

  constructor(ports: WindowPorts, log: Log) {
    this.#ports = ports;
    this.#log = log;
  }

  /** Whether this editor has the commands at all. */
  async controllable(): Promise<boolean> {
    return (await this.#ports.hasCommand(editorCommands.stopServer)) && (await this.#ports.hasCommand(editorCommands.startServer));
  }

  /**
   * Replaces one running server by a new process of the same definition. Calls for the same definition wait for each other.
   *
   * @param between what can be done only while it does not run; the server is started again whatever becomes of it
   */
  restart(
    instanceId: string,
    definitionIds: readonly string[],
    progress: (step: string) => void,
    between?: () => Promise<void>,
  ): Promise<WindowRestart> {
    return this.#queue.run([instanceId, ...definitionIds], async () => {
      const stopped = await this.#stop(instanceId, progress);
      if ('kind' in stopped) {
        return stopped;
      }
      if (between) {
        progress('upgrading');
        await between().catch((error: unknown) => this.#log.warn(`While ${stopped.before.name} was stopped: ${String(error)}`));
      }
      progress('starting');
      return this.#start(stopped);
    });
  }

  stop(instanceId: string, definitionIds: readonly string[], progress: (step: string) => void): Promise<WindowRestart> {
    return this.#queue.run([instanceId, ...definitionIds], async () => {
      const stopped = await this.#stop(instanceId, progress);
      return 'kind' in stopped ? stopped : { kind: 'stopped', before: stopped.before, leftBehind: stopped.leftBehind };
    });
  }

  async #stop(instanceId: string, progress: (step: string) => void): Promise<Stopped | Failed> {
    const snapshot = await this.#ports.look();
    const before = this.#own(snapshot, instanceId);
    if (!before) {
      return { kind: 'failed', reason: 'It is no longer running in this window.' };
    }
    if (!(await this.controllable())) {
      return {
        kind: 'failed',
        reason: `This editor offers no command for it. Run “MCP: List Servers”, choose ${before.name}, then “Restart Server”.`,
      };
    }
    const ids = editorIds(before, snapshot.definitions, this.#ports.folders());
    if (ids.length === 0) {
      return { kind: 'failed', reason: `VS Code's name for ${before.name} could not be found out. Restart it from “MCP: List Servers”.` };
    }
    progress('stopping');
    const siblings = this.#siblings(snapshot, before);
    for (const id of ids) {
      const after = await this.#stopOne(id, before);
      if (after === 'pending') {
        return {
          kind: 'failed',
          reason: `${before.name} (PID ${before.pid}) did not end within ${stopLimitMs / 1000} seconds. It was left alone.`,
          output: id,
        };
      }
      if (!this.#own(after, instanceId)) {
        const leftBehind = isRunning(after, instanceId);
        this.#log.info(`Stopped ${before.name} (PID ${before.pid}) as ${id}${leftBehind ? '; the process runs on without VS Code' : ''}.`);
        return { before, id, leftBehind, others: new Set(this.#siblings(after, before).map((instance) => instance.id)) };
      }
      if (siblings.some((sibling) => !this.#own(after, sibling.id))) {
        // Another entry with the same command was running under this id: it gets its server back before the next guess.
        this.#log.warn(`${id} was another server with the same command; it is started again.`);
        await this.#ports.execute(editorCommands.startServer, id, { waitForLiveTools: true });
      }
    }
    return { kind: 'failed', reason: `VS Code did not stop ${before.name} (PID ${before.pid}). Restart it from “MCP: List Servers”.` };
  }

  /** Asks for one stop, and looks. `pending` when the server outlives the limit although VS Code is still ending it. */
  async #stopOne(id: string, before: Instance): Promise<Snapshot | 'pending'> {
    let done = false;
    const stopping = this.#ports.execute(editorCommands.stopServer, id).finally(() => {
      done = true;
    });
    stopping.catch((error: unknown) => this.#log.warn(`Stopping ${id}: ${String(error)}`));
    await Promise.race([stopping.catch(() => undefined), this.#ports.wait(stopLimitMs)]);
    if (!done) {
      const snapshot = await this.#ports.look();
      return this.#own(snapshot, before.id) ? 'pending' : snapshot;
    }
    // VS Code waits for the process that it started itself. What a launcher leaves behind may need a moment longer.
    const limit = this.#ports.clock() + showLimitMs;
    let snapshot = await this.#ports.look();
    while (!this.#own(snapshot, before.id) && isRunning(snapshot, before.id) && this.#ports.clock() < limit) {
      await this.#ports.wait(lookEveryMs);
      snapshot = await this.#ports.look();
    }
    return snapshot;
  }

  async #start({ before, id, others, leftBehind }: Stopped): Promise<WindowRestart> {
    let done = false;
    let refusal: string | undefined;
    // Never `autoTrustChanges`: a changed configuration meets VS Code's own question.
    void this.#ports.execute(editorCommands.startServer, id, { waitForLiveTools: true }).then(
      () => {
        done = true;
      },
      (error: unknown) => {
        done = true;
        refusal = reasonOf(error);
      },
    );
    const limit = this.#ports.clock() + startLimitMs;
    let doneAt: number | undefined;
    let seenAt: number | undefined;
    for (;;) {
      const snapshot = await this.#ports.look();
      const after = this.#siblings(snapshot, before).find((instance) => !others.has(instance.id));
      const now = this.#ports.clock();
      if (after && done) {
        seenAt ??= now;
        if (isVersionSettled(before.package?.running ?? null, after) || now - seenAt > versionLimitMs) {
          this.#log.info(`Started ${after.name} as ${id}: PID ${before.pid} → ${after.pid}.`);
          return { kind: 'restarted', before, after, leftBehind };
        }
        await this.#ports.wait(lookEveryMs);
        continue;
      }
      doneAt ??= done ? now : undefined;
      if (refusal !== undefined || now > limit || (doneAt !== undefined && now - doneAt > showLimitMs)) {
        return { kind: 'failed', reason: startFailure(before, refusal, done), output: id };
      }
      await this.#ports.wait(lookEveryMs);
    }
  }

  /** The instance, if it runs as a child of this very extension host. */
  #own(snapshot: Snapshot, instanceId: string): Instance | undefined {
    return snapshot.instances.find((instance) => instance.id === instanceId && instance.client?.pid === this.#ports.pid);
  }

  /** Servers of this window that share a definition with one. */
  #siblings(snapshot: Snapshot, one: Instance): Instance[] {
    return snapshot.instances.filter(
      (instance) =>
        instance.id !== one.id &&
        instance.client?.pid === this.#ports.pid &&
        instance.definitions.some((id) => one.definitions.includes(id)),
    );
  }
}

type Failed = Extract<WindowRestart, { kind: 'failed' }>;

interface Stopped {
  readonly before: Instance;
  /** VS Code's id that stopped it. */
  readonly id: string;
  readonly leftBehind: boolean;
  /** Servers of the same definition that ran on. */
  readonly others: ReadonlySet<string>;
}

function isRunning(snapshot: Snapshot, instanceId: string): boolean {
  return snapshot.instances.some((instance) => instance.id === instanceId);
}

function editorIds(instance: Instance, definitions: readonly Definition[], folders: readonly string[]): string[] {
  return definitions
    .filter((definition) => instance.definitions.includes(definition.id))
    .flatMap((definition) => editorServerIds(definition, folders));
}

function startFailure(before: Instance, refusal: string | undefined, done: boolean): string {
  if (refusal !== undefined) {
    return `${before.name} was stopped, and VS Code could not start it again: ${refusal}`;
  }
  return done
    ? `${before.name} was stopped, and VS Code did not start it again. Its output says why; “MCP: List Servers” starts it.`
    : `${before.name} was stopped, and VS Code has not finished starting it within ${startLimitMs / 1000} seconds. It may be waiting for an answer from you, or for a download.`;
}
