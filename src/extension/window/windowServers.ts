import { isVersionSettled } from '../../action/plan/restartResult.ts';
import { reasonOf } from '../../base/errors.ts';
import { t } from '../../base/language/translate.ts';
import type { Log } from '../../base/log.ts';
import type { Definition } from '../../model/definition.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { editorCommands } from '../manifestNames.ts';
import { editorServerIds } from './serverIds.ts';
import { doingWord, noCommandStep } from './windowFacts.ts';

/** Runs tasks that share a key one after the other, all others in parallel. */
class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Runs the task when every earlier task with one of these keys has succeeded or failed. */
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

/** VS Code sends SIGTERM after 10 s and SIGKILL after 20 s; only then has stopping failed. */
const stopLimitMs = 30_000;
/** Package runners may have to download first. */
const startLimitMs = 90_000;
/** How long the new process may take to appear after VS Code has finished the start. */
const showLimitMs = 5_000;
/** The version of a new process is known once the process and its files are some seconds old. */
const versionLimitMs = 6_000;
const scanEveryMs = 250;

/** The parts of the editor and of the clock that are used here; unit tests replace them. */
export interface EditorContext {
  /** PID of this window's extension host. */
  readonly pid: number;
  execute(command: string, ...args: readonly unknown[]): Promise<unknown>;
  hasCommand(command: string): Promise<boolean>;
  /** Scans the machine now. */
  scan(): Promise<Snapshot>;
  /** Paths of the window's workspace folders, in order. */
  folders(): readonly string[];
  wait(ms: number): Promise<void>;
  /** Monotonic milliseconds. */
  clock(): number;
}

export type WindowRestart =
  /** `leftBehind`: VS Code no longer runs the old process, but it is still alive. */
  | { readonly kind: 'restarted'; readonly before: Instance; readonly after: Instance; readonly leftBehind: boolean }
  | { readonly kind: 'stopped'; readonly before: Instance; readonly leftBehind: boolean }
  /** Another window or a terminal has done it or is doing it. */
  | { readonly kind: 'already'; readonly message: string }
  /** `reason`: what happened and what to do, in one or two sentences. `output`: VS Code's id of the server whose output has details. */
  | { readonly kind: 'failed'; readonly reason: string; readonly output?: string };

/**
 * Stops and starts the servers of this window through VS Code's own commands. The commands return nothing and ignore unknown ids, so every result is
 * checked in the process table. Nothing here signals a process.
 */
export class WindowServers {
  readonly #editor: EditorContext;
  readonly #log: Log;
  readonly #queue = new KeyedQueue();

  constructor(editor: EditorContext, log: Log) {
    this.#editor = editor;
    this.#log = log;
  }

  /** Whether this editor has the commands. */
  async controllable(): Promise<boolean> {
    return (await this.#editor.hasCommand(editorCommands.stopServer)) && (await this.#editor.hasCommand(editorCommands.startServer));
  }

  /**
   * Replaces one running server by a new process of the same definition. Calls for the same definition run one after the other.
   *
   * @param between runs while the server is stopped; the server is started again even if it fails
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
        progress(doingWord('upgrading'));
        await between().catch((error: unknown) => this.#log.warn(`While ${stopped.before.name} was stopped: ${reasonOf(error)}`));
      }
      progress(doingWord('starting'));
      return this.#start(stopped);
    });
  }

  /** Starts a server that this window ran and whose process is gone. @returns undefined where another client ran it, or VS Code's id of it is unknown */
  startAgain(before: Instance): Promise<WindowRestart | undefined> {
    return this.#queue.run([before.id, ...before.definitions], async () => {
      const snapshot = await this.#editor.scan();
      if (before.client?.pid !== this.#editor.pid || !(await this.controllable())) {
        return undefined;
      }
      const others = new Set(this.#siblings(snapshot, before).map((one) => one.id));
      let outcome: WindowRestart | undefined;
      // VS Code ignores the ids that are not its own.
      for (const id of editorIds(before, snapshot.definitions, this.#editor.folders())) {
        outcome = await this.#start({ before, id, leftBehind: false, others });
        if (outcome.kind !== 'failed') {
          return outcome;
        }
      }
      return outcome;
    });
  }

  stop(instanceId: string, definitionIds: readonly string[], progress: (step: string) => void): Promise<WindowRestart> {
    return this.#queue.run([instanceId, ...definitionIds], async () => {
      const stopped = await this.#stop(instanceId, progress);
      return 'kind' in stopped ? stopped : { kind: 'stopped', before: stopped.before, leftBehind: stopped.leftBehind };
    });
  }

  async #stop(instanceId: string, progress: (step: string) => void): Promise<Stopped | Failed> {
    const snapshot = await this.#editor.scan();
    const before = this.#own(snapshot, instanceId);
    if (!before) {
      return { kind: 'failed', reason: t('The server is no longer running in this window.') };
    }
    if (!(await this.controllable())) {
      return { kind: 'failed', reason: noCommandStep(before.name) };
    }
    const ids = editorIds(before, snapshot.definitions, this.#editor.folders());
    if (ids.length === 0) {
      return { kind: 'failed', reason: t("VS Code's id of {0} is unknown. Restart it from “MCP: List Servers”.", before.name) };
    }
    progress(doingWord('stopping'));
    const siblings = this.#siblings(snapshot, before);
    for (const id of ids) {
      const after = await this.#stopOne(id, before);
      if (after === 'pending') {
        return {
          kind: 'failed',
          reason: t('{0} (PID {1}) did not end within {2} seconds and is still running.', before.name, before.pid, stopLimitMs / 1000),
          output: id,
        };
      }
      if (!this.#own(after, instanceId)) {
        const leftBehind = isRunning(after, instanceId);
        this.#log.info(`Stopped ${before.name} (PID ${before.pid}) as ${id}${leftBehind ? '; the process is still running' : ''}.`);
        return { before, id, leftBehind, others: new Set(this.#siblings(after, before).map((instance) => instance.id)) };
      }
      if (siblings.some((sibling) => !this.#own(after, sibling.id))) {
        // Another entry with the same command was running under this id: start it again before trying the next id.
        this.#log.warn(`${id} was another server with the same command; starting it again.`);
        await this.#editor.execute(editorCommands.startServer, id, { waitForLiveTools: true });
      }
    }
    return {
      kind: 'failed',
      reason: t('VS Code did not stop {0} (PID {1}). Restart it from “MCP: List Servers”.', before.name, before.pid),
    };
  }

  /** Requests one stop. @returns the snapshot afterwards; `pending` when VS Code is still stopping the server after the limit */
  async #stopOne(id: string, before: Instance): Promise<Snapshot | 'pending'> {
    let done = false;
    const stopping = this.#editor.execute(editorCommands.stopServer, id).finally(() => {
      done = true;
    });
    stopping.catch((error: unknown) => this.#log.warn(`Stopping ${id}: ${reasonOf(error)}`));
    await Promise.race([stopping.catch(() => undefined), this.#editor.wait(stopLimitMs)]);
    if (!done) {
      const snapshot = await this.#editor.scan();
      return this.#own(snapshot, before.id) ? 'pending' : snapshot;
    }
    // VS Code waits for the process that it started. The child of a launcher may take longer to end.
    const limit = this.#editor.clock() + showLimitMs;
    let snapshot = await this.#editor.scan();
    while (!this.#own(snapshot, before.id) && isRunning(snapshot, before.id) && this.#editor.clock() < limit) {
      await this.#editor.wait(scanEveryMs);
      snapshot = await this.#editor.scan();
    }
    return snapshot;
  }

  async #start({ before, id, others, leftBehind }: Stopped): Promise<WindowRestart> {
    let done = false;
    let refusal: string | undefined;
    // Without `autoTrustChanges`, so that VS Code asks the user about a changed configuration.
    void this.#editor.execute(editorCommands.startServer, id, { waitForLiveTools: true }).then(
      () => {
        done = true;
      },
      (error: unknown) => {
        done = true;
        refusal = reasonOf(error);
      },
    );
    const limit = this.#editor.clock() + startLimitMs;
    let doneAt: number | undefined;
    let seenAt: number | undefined;
    for (;;) {
      const snapshot = await this.#editor.scan();
      const after = this.#siblings(snapshot, before).find((instance) => !others.has(instance.id));
      const now = this.#editor.clock();
      if (after && done) {
        seenAt ??= now;
        if (isVersionSettled(before.package?.running ?? null, after) || now - seenAt > versionLimitMs) {
          this.#log.info(`Started ${after.name} as ${id}: PID ${before.pid} → ${after.pid}.`);
          return { kind: 'restarted', before, after, leftBehind };
        }
        await this.#editor.wait(scanEveryMs);
        continue;
      }
      doneAt ??= done ? now : undefined;
      if (refusal !== undefined || now > limit || (doneAt !== undefined && now - doneAt > showLimitMs)) {
        return { kind: 'failed', reason: startFailure(before, refusal, done), output: id };
      }
      await this.#editor.wait(scanEveryMs);
    }
  }

  /** The instance, if it is a child of this extension host. */
  #own(snapshot: Snapshot, instanceId: string): Instance | undefined {
    return snapshot.instances.find((instance) => instance.id === instanceId && instance.client?.pid === this.#editor.pid);
  }

  /** Other servers of this window that share a definition with the given one. */
  #siblings(snapshot: Snapshot, one: Instance): Instance[] {
    return snapshot.instances.filter(
      (instance) =>
        instance.id !== one.id &&
        instance.client?.pid === this.#editor.pid &&
        instance.definitions.some((id) => one.definitions.includes(id)),
    );
  }
}

type Failed = Extract<WindowRestart, { kind: 'failed' }>;

interface Stopped {
  readonly before: Instance;
  /** VS Code's id of the server. */
  readonly id: string;
  readonly leftBehind: boolean;
  /** Ids of the servers of the same definition that were not stopped. */
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
    return t('{0} was stopped, but VS Code could not start it again: {1}', before.name, refusal);
  }
  return done
    ? t(
        '{0} was stopped, but VS Code did not start it again. See its output for the reason; start it from “MCP: List Servers”.',
        before.name,
      )
    : t(
        '{0} was stopped, but VS Code has not finished starting it within {1} seconds. It may be waiting for your answer or for a download.',
        before.name,
        startLimitMs / 1000,
      );
}
