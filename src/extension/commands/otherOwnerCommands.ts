import { commands as editor, env, ProgressLocation, window } from 'vscode';
import type { Outcome } from '../../action/execute/exclusiveAction.ts';
import type { ActionContext } from '../../action/execute/executePlan.ts';
import { makePlan } from '../../action/plan/makePlan.ts';
import { copiesFinding, isRestartedHere, needsSecondYes, ownStep, type Plan } from '../../action/plan/plan.ts';
import { lastCopies, type PruneCandidate, pruneCandidates } from '../../action/plan/pruneCandidates.ts';
import { isOrphan, type RestartRoute } from '../../action/plan/restartRoute.ts';
import { guardWouldHelp } from '../../action/protect/guardArguments.ts';
import { reasonOf } from '../../base/errors.ts';
import { t } from '../../base/language/translate.ts';
import type { Log } from '../../base/log.ts';
import { isHeadline } from '../../model/finding.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { roundedMemory } from '../../presentation/quantities.ts';
import { copiesLine } from '../display/attention.ts';
import { firstSentence, oneLine, withoutIcons, withoutLinks } from '../display/plainText.ts';
import { planText, prunePicks, pruneSummary, stopQuestion } from '../display/pruneText.ts';
import { commands } from '../manifestNames.ts';
import { manualButtons, showWork, tell } from '../messages.ts';
import type { EvidenceDocuments } from '../views/evidenceDocuments.ts';
import type { WindowVerb } from '../window/windowActions.ts';
import { doingWord } from '../window/windowFacts.ts';
import type { WindowState } from '../window/windowState.ts';

/**
 * Restart and stop for servers that this window does not run: asks the window or guard that runs them, stops the ones without a client after a question, and
 * shows the manual step for the rest.
 */
export class OtherOwnerCommands {
  readonly #state: WindowState;
  readonly #context: () => Promise<ActionContext>;
  readonly #evidence: EvidenceDocuments;
  readonly #log: Log;

  /** @param context reads the current state; rejects when the machine cannot be scanned */
  constructor(state: WindowState, context: () => Promise<ActionContext>, evidence: EvidenceDocuments, log: Log) {
    this.#state = state;
    this.#context = context;
    this.#evidence = evidence;
    this.#log = log;
  }

  /** @param route where the caller has decided it already, from the same snapshot */
  async act(verb: WindowVerb, instance: Instance, route?: RestartRoute): Promise<void> {
    const { snapshot } = this.#state;
    const context = await this.#readContext();
    if (!context || !snapshot) {
      return;
    }
    const plan = makePlan(verb, instance, snapshot, context.planContext, route);
    const manual = plan.refused ?? plan.steps.find((step) => step.kind === 'manual')?.text;
    if (manual !== undefined) {
      await this.tellStep(instance, manual);
      return;
    }
    if (!(await this.#confirmed([plan], []))) {
      return;
    }
    const doing = verb === 'restart' ? 'restarting' : 'stopping';
    const outcome = await this.#state.whileBusy(instance.id, doing, async () =>
      showWork(`${oneLine(instance.name, 60)}: ${doingWord(doing)}`, () => execute(plan, context)),
    );
    this.#report(outcome);
  }

  /** Restarts a server, and tells and asks nothing. @param route see `act` */
  async restartSilently(instance: Instance, route?: RestartRoute): Promise<Outcome> {
    const context = await this.#context();
    const plan = makePlan('restart', instance, this.#state.snapshot ?? (await context.scan()), context.planContext, route);
    return isRestartedHere(plan) ? execute(plan, context) : { status: 'manual', message: ownStep(plan) };
  }

  /** Tells how the user replaces a server that no click restarts, and offers what a click can do about it: stop it, or launch it through the guard. */
  async tellStep(instance: Instance, step: string): Promise<void> {
    const { snapshot } = this.#state;
    const surplus = instance.findings.find((finding) => finding.kind === 'duplicate' && isHeadline(finding));
    const evidence = { [t('Show Evidence')]: () => this.#evidence.show(instance) };
    const stop = (): Promise<void> => this.act('stop', instance);
    const name = t('{0} (PID {1})', oneLine(instance.name, 60), instance.pid);
    if (surplus) {
      // Connected again, the client would use the newer copy, and this one would stay.
      tell('info', t('{0} is an older copy: {1}. A restart leaves it running.', name, surplus.message), {
        [t('Stop This Copy…')]: stop,
        ...evidence,
      });
    } else if (instance.findings.some(isOrphan)) {
      tell('info', `${name}: ${step}`, { [t('Stop…')]: stop, ...evidence });
    } else {
      const guard = { [t('Launch Through Guard…')]: () => editor.executeCommand(commands.launchThroughGuard, instance.id) };
      tell('info', `${name}: ${step}`, {
        ...(await manualButtons(instance)),
        [t('Copy Step')]: () => env.clipboard.writeText(step),
        ...(snapshot && guardWouldHelp(instance, snapshot) ? guard : {}),
        ...evidence,
      });
    }
  }

  /** "Stop Duplicates and Orphans…" of the palette. */
  async prune(): Promise<void> {
    const { snapshot } = this.#state;
    const context = await this.#readContext();
    if (!context || !snapshot) {
      return;
    }
    await this.#stopChosen(pruneCandidates(snapshot, context.planContext), snapshot, context, {
      title: t('Stop Duplicates and Orphans'),
      hint: t('Only proven orphans are preselected'),
      none: t('No orphans, no duplicates and no idle copies.'),
    });
  }

  /** "Stop Idle Copies…". @param instance one of several copies of an entry; undefined: those of all entries */
  async stopCopies(instance: Instance | undefined): Promise<void> {
    const { snapshot } = this.#state;
    const context = await this.#readContext();
    if (!context || !snapshot) {
      return;
    }
    const line = instance && copiesLine(instance);
    const copies = pruneCandidates(snapshot, context.planContext).filter(
      (candidate) => candidate.class === 'idle-copy' && (line === undefined || copiesLine(candidate.instance) === line),
    );
    const what = new Set(copies.map((candidate) => copiesFinding(candidate.instance)?.message));
    const [message] = what.size === 1 ? what : [];
    await this.#stopChosen(copies, snapshot, context, {
      title: t('Stop Idle Copies'),
      hint: oneLine(message ?? t('Choose the copies to stop; the newest ones are not listed'), 200),
      none: t('No idle copies. A copy is idle when it used no processor time for an hour.'),
    });
  }

  async #stopChosen(
    candidates: readonly PruneCandidate[],
    snapshot: Snapshot,
    context: ActionContext,
    { none, ...texts }: PickerTexts & { readonly none: string },
  ): Promise<void> {
    if (candidates.length === 0) {
      tell('info', none);
      return;
    }
    const chosen = await choose(candidates, texts);
    if (
      chosen.length === 0 ||
      !(await this.#confirmed(
        chosen.map(({ plan }) => plan),
        lastCopies(chosen, snapshot),
        true,
      ))
    ) {
      return;
    }
    await this.#stopAll(chosen, context);
  }

  /** Stops those of the given servers that still are proven orphans. The user has been asked. */
  async stopOrphans(instanceIds: readonly string[]): Promise<void> {
    const { snapshot } = this.#state;
    const context = instanceIds.length > 0 ? await this.#readContext() : undefined;
    if (context && snapshot) {
      const orphans = pruneCandidates(snapshot, context.planContext).filter(
        ({ class: kind, instance }) => kind === 'orphan' && instanceIds.includes(instance.id),
      );
      await this.#stopAll(orphans, context);
    }
  }

  async #stopAll(chosen: readonly PruneCandidate[], context: ActionContext): Promise<void> {
    const title = t('Stopping MCP servers');
    const location = ProgressLocation.Notification;
    const outcomes = await window.withProgress({ location, title, cancellable: true }, async (progress, token) => {
      const { executePlans } = await import('../../action/execute/executePlan.ts');
      const plans = chosen.map(({ plan }) => plan);
      return executePlans(plans, context, {
        isCancelled: () => token.isCancellationRequested,
        begins: (index) => {
          const { name, pid } = chosen[index]?.instance ?? { name: '', pid: '' };
          progress.report({ message: t('{0} (PID {1})', withoutLinks(name, 60), pid) });
        },
      });
    });
    const { severity, text } = pruneSummary(
      chosen.flatMap((candidate, index) => (outcomes[index] ? [{ candidate, outcome: outcomes[index] }] : [])),
      chosen.length - outcomes.length,
    );
    this.#log.info(text);
    tell(severity, text);
  }

  async #readContext(): Promise<ActionContext | undefined> {
    try {
      return await this.#context();
    } catch (error) {
      this.#log.error(`No action is possible: ${reasonOf(error)}`);
      tell('error', t('MCP Shepherd cannot act: {0}', reasonOf(error)));
      return undefined;
    }
  }

  /** @param picked the user has chosen the servers in a list: ask again only about servers in use */
  async #confirmed(plans: readonly Plan[], last: readonly string[], picked = false): Promise<boolean> {
    if (plans.every((plan) => plan.confirm === 'no') || (picked && !needsSecondYes(plans, last))) {
      return true;
    }
    const { message, detail, button } = stopQuestion(plans, last);
    const showPlan = t('Show Plan');
    // Enter presses the first button. VS Code never lets that be Cancel, so for a server in use it is the one that stops nothing.
    const buttons = needsSecondYes(plans, last) ? [showPlan, button] : [button, showPlan];
    const answer = await window.showWarningMessage(message, { modal: true, detail }, ...buttons);
    if (answer !== showPlan) {
      return answer === button;
    }
    await this.#evidence.showPlan(planText(plans, last));
    // Not a dialog again, which would cover the plan.
    return (await window.showWarningMessage(withoutLinks(message), button, t('Cancel'))) === button;
  }

  #report(outcome: Outcome): void {
    const text = oneLine(outcome.message, 600);
    if (outcome.status === 'done' && outcome.after?.stillOld) {
      tell('warning', text);
    } else if (outcome.status === 'done') {
      this.#log.info(text);
      window.setStatusBarMessage(`$(check) ${withoutIcons(firstSentence(text))}`, 6_000);
    } else {
      this.#log.warn(text);
      tell(outcome.status === 'already' || outcome.status === 'manual' ? 'info' : 'error', text);
    }
  }
}

interface PickerTexts {
  readonly title: string;
  readonly hint: string;
}

async function choose(candidates: readonly PruneCandidate[], { title, hint }: PickerTexts): Promise<PruneCandidate[]> {
  const picks = prunePicks(candidates, Date.now());
  const picker = window.createQuickPick<(typeof picks)[number]>();
  picker.placeholder = hint;
  picker.canSelectMany = true;
  picker.matchOnDescription = true;
  picker.matchOnDetail = true;
  picker.items = picks;
  picker.selectedItems = picks.filter((pick) => pick.candidate?.preselected);
  const showSelection = (): void => {
    const bytes = picker.selectedItems.reduce((sum, pick) => sum + (pick.candidate?.instance.memoryBytes ?? 0), 0);
    const count = picker.selectedItems.length;
    const memory = roundedMemory(bytes);
    picker.title = memory === undefined ? t('{0}: {1} selected', title, count) : t('{0}: {1} selected, about {2}', title, count, memory);
  };
  showSelection();
  return new Promise((done) => {
    picker.onDidChangeSelection(showSelection);
    picker.onDidAccept(() => {
      done(picker.selectedItems.flatMap((pick) => pick.candidate ?? []));
      picker.hide();
    });
    picker.onDidHide(() => {
      done([]);
      picker.dispose();
    });
    picker.show();
  });
}

/** Loads signals, requests and the client's endpoints only when a plan is carried out. */
async function execute(plan: Plan, context: ActionContext): Promise<Outcome> {
  const { executePlan } = await import('../../action/execute/executePlan.ts');
  return executePlan(plan, context);
}
