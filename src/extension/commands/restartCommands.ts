import { commands as editor, env, window } from 'vscode';
import type { Outcome } from '../../action/execute/exclusiveAction.ts';
import { reasonOf } from '../../base/errors.ts';
import { t } from '../../base/language/translate.ts';
import type { Log } from '../../base/log.ts';
import type { Instance } from '../../model/snapshot.ts';
import { manualStepOf } from '../display/attention.ts';
import { oneLine, withoutIcons } from '../display/plainText.ts';
import { serverPicks } from '../display/serverPicks.ts';
import { editorCommands, views } from '../manifestNames.ts';
import { showEach, showWork, tell } from '../messages.ts';
import { outcomeText, stillOld, summaryText } from '../window/outcomeText.ts';
import { resultOf, type WindowActions } from '../window/windowActions.ts';
import { doingWord, isStale, localRoute, staleHere } from '../window/windowFacts.ts';
import type { WindowRestart } from '../window/windowServers.ts';
import type { WindowState } from '../window/windowState.ts';
import type { OtherOwnerCommands } from './otherOwnerCommands.ts';

/** How long a success message stays in the status bar. */
const successMs = 6_000;

/** The restart and stop commands, with progress, a message about the result, and on failure a button that leads to the cause. */
export class RestartCommands {
  readonly #state: WindowState;
  readonly #actions: WindowActions;
  readonly #machine: OtherOwnerCommands;
  readonly #log: Log & { show(): void };

  constructor(state: WindowState, actions: WindowActions, machine: OtherOwnerCommands, log: Log & { show(): void }) {
    this.#state = state;
    this.#actions = actions;
    this.#machine = machine;
    this.#log = log;
  }

  /** Restarts a server of this window; for any other server, asks its owner or shows how to restart it. */
  async restart(instance: Instance): Promise<void> {
    const { snapshot, facts } = this.#state;
    if (snapshot && !snapshot.instances.some((item) => item.id === instance.id)) {
      // A notification can stay open for hours.
      tell('info', t('{0} (PID {1}) is no longer running.', oneLine(instance.name, 60), instance.pid));
      return;
    }
    const local = snapshot && localRoute(instance, snapshot, facts);
    if (local?.kind !== 'here') {
      await this.#machine.act('restart', instance, local?.route);
      return;
    }
    this.#report(await this.#run(instance, 'restarting'));
  }

  /** Restarts a server by the same ways, and tells nothing: the result is the caller's to tell. A server that would be ended and not restarted is left to the user. */
  async restartSilently(instance: Instance): Promise<Outcome> {
    const { snapshot, facts } = this.#state;
    const local = snapshot && localRoute(instance, snapshot, facts);
    if (local?.kind !== 'here') {
      return this.#machine.restartSilently(instance, local?.route);
    }
    const outcome = await this.#run(instance, 'restarting');
    if (outcome.kind === 'already') {
      return { status: 'already', message: outcome.message };
    }
    const { outcome: status, ...result } = resultOf(outcome);
    return { status, ...result };
  }

  /** Starts a server that this window ran and whose process is gone. @returns undefined where this window cannot */
  startAgain(instance: Instance): Promise<Outcome | undefined> {
    return this.#actions.startAgain(instance);
  }

  /**
   * Stops those of the servers that this window runs, calls `work` while they are stopped, and starts them again. Servers of other clients keep
   * running. `work` is called exactly once, even if a server could not be stopped.
   */
  async restartAround(instances: readonly Instance[], work: () => Promise<void>): Promise<void> {
    const { snapshot, facts } = this.#state;
    const mine = instances.filter((one) => snapshot && localRoute(one, snapshot, facts).kind === 'here');
    // Two servers of one definition would wait for each other in the queue.
    const [first, ...rest] = mine.filter((one, at) => !mine.slice(0, at).some((other) => sharesDefinition(one, other)));
    if (!first) {
      await work();
      return;
    }
    let done = false;
    const between = async (): Promise<void> => {
      done = true;
      await this.restartAround(rest, work);
    };
    const outcome = await this.#run(first, 'restarting', between);
    this.#report(outcome);
    if (!done) {
      this.#log.warn(`${oneLine(first.name, 60)} (PID ${first.pid}) could not be stopped before the upgrade.`);
      await between();
    }
  }

  async stop(instance: Instance): Promise<void> {
    const { snapshot, facts } = this.#state;
    const local = snapshot && localRoute(instance, snapshot, facts, 'stop');
    if (local?.kind !== 'here') {
      await this.#machine.act('stop', instance, local?.route);
      return;
    }
    const outcome = await this.#run(instance, 'stopping');
    if (outcome.kind === 'stopped') {
      this.#state.markStopped(instance.definitions);
    }
    this.#report(outcome);
  }

  /** Shows who can restart a server and by which step. */
  async explain(instance: Instance): Promise<void> {
    const { snapshot, facts } = this.#state;
    const route = snapshot && localRoute(instance, snapshot, facts);
    const name = oneLine(instance.name, 60);
    if (route?.kind !== 'elsewhere') {
      tell('info', t('This window can restart {0}: choose “Restart” on its row.', name));
      return;
    }
    await this.#machine.tellStep(instance, route.step);
  }

  /** Copies the step by which the user restarts a server in its client. */
  async copyStep(instance: Instance): Promise<void> {
    const { snapshot, facts } = this.#state;
    const step = snapshot && manualStepOf(instance, snapshot, facts);
    if (step === undefined) {
      await this.restart(instance);
      return;
    }
    await env.clipboard.writeText(step);
    window.setStatusBarMessage(`$(check) ${t('Copied: {0}', withoutIcons(step, 200))}`, successMs);
    await this.#machine.tellStep(instance, step);
  }

  /** "Restart Server…" of the palette. */
  async pick(): Promise<void> {
    const { snapshot, facts } = this.#state;
    const picks = snapshot ? serverPicks(snapshot, facts, Date.now()) : [];
    if (picks.length === 0) {
      tell(
        'info',
        snapshot ? t('No MCP server is running on this machine.') : t('MCP Shepherd is still looking for servers. Try again in a moment.'),
      );
      return;
    }
    const pick = await window.showQuickPick(picks, {
      title: t('Restart MCP Server'),
      placeHolder: t('Choose the server to restart'),
      matchOnDescription: true,
      matchOnDetail: true,
    });
    const instance = pick && this.#state.snapshot?.instances.find((item) => item.id === pick.instanceId);
    if (instance) {
      await this.restart(instance);
    } else if (pick) {
      tell('info', t('That server is no longer running.'));
    }
  }

  /** Restarts these servers one after the other, each as `restart` does; the user may cancel the rest. */
  async restartEach(instances: readonly Instance[]): Promise<void> {
    await showEach(t('Restarting MCP servers'), instances, nameOf, (instance) => this.restart(instance));
  }

  /** Restarts every stale server of this window one after the other; a failure does not stop the rest. */
  async restartAllStale(): Promise<void> {
    const { snapshot, facts } = this.#state;
    if (!snapshot) {
      tell('info', t('MCP Shepherd is still looking for servers. Try again in a moment.'));
      return;
    }
    const stale = staleHere(snapshot, facts);
    const elsewhere = snapshot.instances.filter(isStale).length - stale.length;
    if (stale.length === 0) {
      const others =
        elsewhere === 0
          ? t('No server is stale.')
          : elsewhere === 1
            ? t("None of this window's servers is stale. 1 stale server belongs to other clients: see MCP Servers.")
            : t("None of this window's servers is stale. {0} stale servers belong to other clients: see MCP Servers.", elsewhere);
      tell('info', others);
      return;
    }
    const outcomes: WindowRestart[] = [];
    await showEach(t('Restarting MCP servers'), stale, nameOf, async (instance) => {
      outcomes.push(await this.#run(instance, 'restarting'));
    });
    const text = summaryText(outcomes);
    if (outcomes.some((outcome) => stillOld(outcome)) && outcomes.every((outcome) => outcome.kind !== 'failed')) {
      tell('warning', text);
    } else if (outcomes.every((outcome) => outcome.kind !== 'failed')) {
      tell('info', text);
    } else {
      this.#warn(text, outcomes.find((outcome) => outcome.kind === 'failed')?.output);
    }
  }

  async #run(instance: Instance, doing: 'restarting' | 'stopping', between?: () => Promise<void>): Promise<WindowRestart> {
    const name = oneLine(instance.name, 60);
    const work = async (): Promise<WindowRestart> => {
      try {
        return await showWork(`${name}: ${doingWord(doing)}`, (progress) =>
          window.withProgress({ location: { viewId: views.servers } }, () => {
            const step = (message: string): void => progress.report({ message });
            return this.#actions.run(doing === 'restarting' ? 'restart' : 'stop', instance, step, undefined, between);
          }),
        );
      } catch (error) {
        return {
          kind: 'failed',
          reason:
            doing === 'restarting'
              ? t('Restarting {0} failed: {1}', name, reasonOf(error))
              : t('Stopping {0} failed: {1}', name, reasonOf(error)),
        };
      }
    };
    const outcome = await this.#state.whileBusy(instance.id, doing, work);
    if (outcome.kind === 'failed') {
      this.#log.warn(`${name} (PID ${instance.pid}): ${outcome.reason}`);
    }
    return outcome;
  }

  #report(outcome: WindowRestart): void {
    const text = oneLine(outcomeText(outcome), 600);
    if (outcome.kind === 'failed') {
      this.#warn(text, outcome.output);
    } else if (outcome.kind === 'already') {
      tell('info', text);
    } else if (outcome.leftBehind || stillOld(outcome)) {
      tell('warning', text.endsWith('.') ? text : `${text}.`);
    } else {
      window.setStatusBarMessage(`$(check) ${withoutIcons(text, 600)}`, successMs);
    }
  }

  #warn(text: string, output: string | undefined): void {
    const showOutput = { [t('Show Server Output')]: () => editor.executeCommand(editorCommands.showOutput, output) };
    tell('error', text, output === undefined ? {} : showOutput);
  }
}

function nameOf({ name }: Instance): string {
  return name;
}

function sharesDefinition(a: Instance, b: Instance): boolean {
  return a.definitions.some((id) => b.definitions.includes(id));
}
