import { ProcessExecution, Task, TaskPanelKind, TaskScope, tasks, window } from 'vscode';
import { installerFolder, type UpgradePlan, upgradePlan } from '../../action/plan/upgradePlan.ts';
import { DisposableStore } from '../../base/disposable.ts';
import { t } from '../../base/language/translate.ts';
import type { Log } from '../../base/log.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { oneLine } from '../display/plainText.ts';
import { upgradeFailure, upgradePicks, upgradeQuestion } from '../display/upgradeText.ts';
import { showWork, tell } from '../messages.ts';
import type { WindowState } from '../window/windowState.ts';
import type { RestartCommands } from './restartCommands.ts';

interface UpgradeContext {
  /** Scans the machine now. */
  scan(): Promise<Snapshot>;
  readonly platform: NodeJS.Platform;
}

/** "Upgrade and Restart": asks with the exact command, runs it in a visible terminal, and then restarts the servers. */
export class UpgradeCommands {
  readonly #state: WindowState;
  readonly #servers: RestartCommands;
  readonly #context: UpgradeContext;
  readonly #log: Log;
  /** Environments that are being upgraded; two installers at once would break them. */
  readonly #busy = new Set<string>();

  constructor(state: WindowState, servers: RestartCommands, context: UpgradeContext, log: Log) {
    this.#state = state;
    this.#servers = servers;
    this.#context = context;
    this.#log = log;
  }

  /** "Upgrade and Restart…" of the palette. */
  async pick(): Promise<void> {
    const { snapshot, facts } = this.#state;
    const picks = snapshot ? upgradePicks(snapshot, facts) : [];
    if (picks.length === 0) {
      tell(
        'info',
        snapshot
          ? t('No newer version is known for any running MCP server.')
          : t('MCP Shepherd is still looking for servers. Try again in a moment.'),
      );
      return;
    }
    const pick = await window.showQuickPick(picks, {
      title: t('Upgrade and Restart MCP Server'),
      matchOnDescription: true,
      matchOnDetail: true,
    });
    const instance = pick && this.#state.snapshot?.instances.find((item) => item.id === pick.instanceId);
    if (instance) {
      await this.upgrade(instance);
    }
  }

  async upgrade(instance: Instance): Promise<void> {
    const { snapshot, facts } = this.#state;
    const plan = snapshot && upgradePlan(instance, snapshot, this.#context.platform);
    if (!plan) {
      tell('info', this.#why(instance));
      return;
    }
    if (!facts.trusted) {
      tell('info', t('This window is in Restricted Mode. Trust the workspace to install packages from it.'));
      return;
    }
    const key = JSON.stringify([instance.package?.ecosystem, instance.package?.root]);
    if (this.#busy.has(key)) {
      tell('info', t('{0} is already being upgraded.', oneLine(plan.packageName, 100)));
      return;
    }
    this.#busy.add(key);
    try {
      const { message, detail } = upgradeQuestion(plan, facts);
      const button = t('Upgrade and Restart');
      if ((await window.showWarningMessage(message, { modal: true, detail }, button)) === button) {
        await this.#execute(plan);
      }
    } finally {
      this.#busy.delete(key);
    }
  }

  #why(instance: Instance): string {
    const name = oneLine(instance.name, 60);
    const finding = instance.findings.find((one) => one.kind === 'update-available');
    const step = finding?.actions.find((action) => action.kind === 'manual');
    return step ? `${name}: ${oneLine(step.step, 600)}` : t('No newer version of {0} is known.', name);
  }

  async #execute(plan: UpgradePlan): Promise<void> {
    if (plan.order === 'stop-first') {
      let failure: string | undefined = t('it did not run');
      await this.#servers.restartAround(plan.instances, async () => {
        failure = await runAsTask(plan);
      });
      this.#report(plan, failure);
      return;
    }
    // Marked as busy, so that no notification says that they run old code before they are restarted.
    await this.#state.whileAllBusy(
      plan.instances.map((one) => one.id),
      'upgrading',
      async () => {
        if (!this.#report(plan, await runAsTask(plan))) {
          return;
        }
        const after = await this.#context.scan();
        for (const instance of plan.instances.filter((one) => after.instances.some((still) => still.id === one.id))) {
          await this.#servers.restart(instance);
        }
      },
    );
  }

  /** Logs the upgrade and shows a failure. @returns whether it succeeded */
  #report(plan: UpgradePlan, failure: string | undefined): boolean {
    if (failure === undefined) {
      this.#log.info(`Upgraded ${plan.packageName} ${plan.from} → ${plan.to}: ${plan.command}`);
      return true;
    }
    const text = upgradeFailure(plan, failure);
    this.#log.warn(text);
    tell('error', text);
    return false;
  }
}

/**
 * Characters that do not reach the program as they are: VS Code replaces `${…}` in a task, and on Windows npm and others are batch files, to which
 * `cmd.exe` passes their arguments.
 */
const changedOnTheWay = process.platform === 'win32' ? /\$\{|["%&<>^|!]/ : /\$\{/;

/** Runs the command as a task, without a shell, in a terminal that the user sees. @returns why it failed, or undefined */
async function runAsTask(plan: UpgradePlan): Promise<string | undefined> {
  const [program, ...args] = plan.argv;
  const cwd = plan.cwd ?? installerFolder(plan.argv, plan.instances[0]?.package?.root ?? '', process.platform);
  if ([...plan.argv, cwd].some((word) => changedOnTheWay.test(word))) {
    return t('it contains characters that a task would change: run it yourself');
  }
  const name = t('Upgrade {0}', oneLine(plan.packageName, 60));
  const execution = new ProcessExecution(program, args, { cwd });
  const task = new Task({ type: 'mcpShepherd', argv: plan.argv }, TaskScope.Workspace, name, 'MCP Shepherd', execution);
  // In a terminal that it uses again, VS Code 1.139 never ends a task whose program it cannot start.
  task.presentationOptions = { panel: TaskPanelKind.New };
  const running = await tasks.executeTask(task);
  const listeners = new DisposableStore();
  const exitCode = await showWork(
    name,
    () =>
      new Promise<number | undefined>((done) => {
        listeners.add(tasks.onDidEndTaskProcess((event) => event.execution === running && done(event.exitCode)));
        // For a program that could not be started, this is the only event.
        listeners.add(tasks.onDidEndTask((event) => event.execution === running && done(undefined)));
      }),
  );
  listeners.dispose();
  return exitCode === 0 ? undefined : exitCode === undefined ? t('it could not be started, or was ended') : t('exit code {0}', exitCode);
}
