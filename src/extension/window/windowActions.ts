import type { ActionResult, Outcome, Requester } from '../../action/execute/exclusiveAction.ts';
import type { WindowRequest } from '../../action/execute/windowRequest.ts';
import { targetOf } from '../../action/plan/plan.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { outcomeText, stillOld } from './outcomeText.ts';
import { localRoute } from './windowFacts.ts';
import type { WindowRestart, WindowServers } from './windowServers.ts';
import type { WindowState } from './windowState.ts';

export type WindowVerb = 'restart' | 'stop';

interface WindowActionsContext {
  /** This window as the requester of an action. @throws when the run folder cannot be used */
  requester(): Requester;
  isRunning(identity: string): Promise<boolean>;
  scan(): Promise<Snapshot>;
}

/** Restarts and stops the servers of this window. When several windows and terminals request the same at once, exactly one acts. */
export class WindowActions {
  readonly #servers: WindowServers;
  readonly #state: WindowState;
  readonly #context: WindowActionsContext;

  constructor(servers: WindowServers, state: WindowState, context: WindowActionsContext) {
    this.#servers = servers;
    this.#state = state;
    this.#context = context;
  }

  /**
   * @param by the requester, when it is not this window
   * @param between for a restart: runs while the server is stopped
   * @throws when the run folder cannot be used
   */
  async run(
    verb: WindowVerb,
    instance: Instance,
    progress: (step: string) => void,
    by?: string,
    between?: () => Promise<void>,
  ): Promise<WindowRestart> {
    const requester = this.#context.requester();
    // Locks, facts and schemas: loaded when a server is acted on.
    const { runExclusively } = await import('../../action/execute/exclusiveAction.ts');
    let own: WindowRestart | undefined;
    const outcome = await runExclusively(
      targetOf(instance),
      verb,
      by === undefined ? requester : { ...requester, by, via: requester.by },
      () => this.#context.isRunning(instance.id),
      async () => {
        own =
          verb === 'restart'
            ? await this.#servers.restart(instance.id, instance.definitions, progress, between)
            : await this.#servers.stop(instance.id, instance.definitions, progress);
        return resultOf(own);
      },
    );
    return (
      own ?? (outcome.status === 'already' ? { kind: 'already', message: outcome.message } : { kind: 'failed', reason: outcome.message })
    );
  }

  /** Starts a server that this window ran and whose process is gone. @returns undefined where this window cannot */
  async startAgain(instance: Instance): Promise<Outcome | undefined> {
    const started = await this.#servers.startAgain(instance);
    if (!started) {
      return undefined;
    }
    const { outcome: status, ...result } = resultOf(started);
    return { status, ...result };
  }

  /** Carries out a request of another window or a terminal. */
  async answer(request: WindowRequest): Promise<Outcome> {
    const snapshot = await this.#context.scan();
    const instance = snapshot.instances.find(({ id }) => id === request.instance);
    if (!instance) {
      const { alreadyEndedMessage } = await import('../../action/execute/otherAction.ts');
      return { status: 'already', message: await alreadyEndedMessage(this.#context.requester(), request) };
    }
    // The plan of the requester is not trusted: this window decides by its own scan whether the server is its own.
    const route = localRoute(instance, snapshot, this.#state.facts, request.verb);
    if (route.kind === 'elsewhere') {
      return { status: 'refused', message: route.step, steps: [] };
    }
    const doing = request.verb === 'restart' ? 'restarting' : 'stopping';
    const outcome = await this.#state.whileBusy(instance.id, doing, () => this.run(request.verb, instance, () => undefined, request.by));
    if (outcome.kind === 'already') {
      return { status: 'already', message: outcome.message };
    }
    const { outcome: status, ...result } = resultOf(outcome);
    return { status, ...result };
  }
}

/** The result of a restart or stop of this window, as other programs get it. */
export function resultOf(outcome: WindowRestart): ActionResult {
  const message = outcomeText(outcome);
  switch (outcome.kind) {
    case 'restarted':
      return {
        outcome: 'done',
        message,
        steps: [],
        after: {
          pid: outcome.after.pid,
          runs: outcome.after.package?.running ?? null,
          ...(stillOld(outcome) ? { stillOld: true } : {}),
        },
      };
    case 'stopped':
      return { outcome: 'done', message, steps: [] };
    default:
      return { outcome: 'failed', message, steps: [] };
  }
}
