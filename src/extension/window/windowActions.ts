import { type ActionResult, type Outcome, type Requester, runExclusively } from '../../action/execute/exclusiveAction.ts';
import { alreadyEndedMessage } from '../../action/execute/otherAction.ts';
import type { WindowRequest } from '../../action/execute/windowRequest.ts';
import { targetOf } from '../../action/plan/plan.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { outcomeText, stillOld } from './outcomeText.ts';
import { localRoute } from './windowFacts.ts';
import type { WindowRestart, WindowServers } from './windowServers.ts';
import type { WindowState } from './windowState.ts';

export type WindowVerb = 'restart' | 'stop';

/** What the deeds of a window need besides its servers. */
export interface WindowActionsContext {
  /** This window as one who asks. @throws when the run folder cannot be used */
  asker(): Requester;
  isThere(identity: string): Promise<boolean>;
  look(): Promise<Snapshot>;
}

/** Restarts and stops the servers of this window so that of all who want the same at once, in whichever window or terminal, exactly one acts. */
export class WindowActions {
  readonly #servers: WindowServers;
  readonly #state: WindowState;
  readonly #ports: WindowActionsContext;

  constructor(servers: WindowServers, state: WindowState, ports: WindowActionsContext) {
    this.#servers = servers;
    this.#state = state;
    this.#ports = ports;
  }

  /**
   * @param by who asks, when it is not this window itself
   * @param between for a restart: what is done while the server is stopped
   * @throws when the run folder cannot be used
   */
  async run(
    verb: WindowVerb,
    instance: Instance,
    progress: (step: string) => void,
    by?: string,
    between?: () => Promise<void>,
  ): Promise<WindowRestart> {
    const asker = this.#ports.asker();
    let own: WindowRestart | undefined;
    const outcome = await runExclusively(
      targetOf(instance),
      verb,
      by === undefined ? asker : { ...asker, by: `${by}, through the ${asker.by}` },
      () => this.#ports.isThere(instance.id),
      async () => {
        own =
          verb === 'restart'
            ? await this.#servers.restart(instance.id, instance.definitions, progress, between)
            : await this.#servers.stop(instance.id, instance.definitions, progress);
        return workOf(own);
      },
    );
    return (
      own ?? (outcome.status === 'already' ? { kind: 'already', message: outcome.message } : { kind: 'failed', reason: outcome.message })
    );
  }

  /** Does what another window or a terminal asks of this one. */
  async answer(request: WindowRequest): Promise<Outcome> {
    const snapshot = await this.#ports.look();
    const instance = snapshot.instances.find(({ id }) => id === request.instance);
    if (!instance) {
      return { status: 'already', message: await alreadyEndedMessage(this.#ports.asker(), request) };
    }
    const route = localRoute(instance, snapshot, this.#state.facts, request.verb);
    if (route.kind === 'elsewhere') {
      return { status: 'refused', message: route.step, steps: [] };
    }
    const doing = request.verb === 'restart' ? 'restarting' : 'stopping';
    const outcome = await this.#state.whileBusy(instance.id, doing, () => this.run(request.verb, instance, () => undefined, request.by));
    if (outcome.kind === 'already') {
      return { status: 'already', message: outcome.message };
    }
    const { outcome: status, ...work } = workOf(outcome);
    return { status, ...work };
  }
}

function workOf(outcome: WindowRestart): ActionResult {
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
