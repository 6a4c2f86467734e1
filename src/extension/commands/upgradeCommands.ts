import { EventEmitter, ProcessExecution, Task, TaskPanelKind, TaskScope, tasks, window } from 'vscode';
import type { ActionContext } from '../../action/execute/executePlan.ts';
import { installerFolder, type UpgradePlan, upgradePlan } from '../../action/plan/upgradePlan.ts';
import { DisposableStore } from '../../base/disposable.ts';
import { t } from '../../base/language/translate.ts';
import type { Log } from '../../base/log.ts';
import { singleLine } from '../../base/singleLine.ts';
import type { Instance } from '../../model/snapshot.ts';
import { oneLine, withoutIcons } from '../display/plainText.ts';
import { upgradeFailure, upgradePicks, upgradeQuestion } from '../display/upgradeText.ts';
import { showWork, tell } from '../messages.ts';
import type { WindowState } from '../window/windowState.ts';
import type { RestartCommands } from './restartCommands.ts';

interface UpgradeContext {
  /** Reads the current state; rejects when the machine cannot be scanned. */
  actions(): Promise<ActionContext>;
  readonly platform: NodeJS.Platform;
}

/** "Upgrade and Restart": asks with the exact command, runs it in a visible terminal, restarts the servers, and goes back when they do not answer. */
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
      const { undoWayOf } = await import('../../action/upgrade/upgradeOnce.ts');
      const { message, detail } = upgradeQuestion(plan, undoWayOf(plan), facts);
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
    const { upgradeOnce } = await import('../../action/upgrade/upgradeOnce.ts');
    const { hideSecretsOfLines } = await import('../../action/upgrade/hiddenOutput.ts');
    const name = t('Upgrade {0}', oneLine(plan.packageName, 60));
    const terminal = openTerminal(name);
    const hidden = hideSecretsOfLines(process.env);
    terminal.write(plan.command);
    // Marked as busy, so that no notification says that they run old code before they are restarted.
    const ids = plan.instances.map((one) => one.id);
    const { status, message, steps } = await this.#state.whileAllBusy(ids, 'upgrading', async () =>
      showWork(name, async () =>
        upgradeOnce(plan, {
          actions: await this.#context.actions(),
          env: process.env,
          ended: terminal.closed,
          onLine: (line) => terminal.write(hidden(line)),
          // A scan of the window reads every package again.
          packagesChanged: () => undefined,
          restart: (one) => this.#servers.restartSilently(one),
          startAgain: (one) => this.#servers.startAgain(one),
        }),
      ),
    );
    for (const { text, result } of steps) {
      this.#log.info(`Upgrade of ${plan.packageName}: ${text}: ${result}`);
    }
    terminal.write(message);
    const text = oneLine(message, 800);
    if (status === 'done') {
      window.setStatusBarMessage(`$(check) ${withoutIcons(text, 200)}`, 10_000);
    } else {
      tell(status === 'manual' ? 'info' : status === 'rolled-back' ? 'warning' : 'error', text);
    }
  }

  /** Logs an upgrade with stopped servers and shows a failure. */
  #report(plan: UpgradePlan, failure: string | undefined): void {
    if (failure === undefined) {
      this.#log.info(`Upgraded ${plan.packageName} ${plan.from} → ${plan.to}: ${plan.command}`);
    } else {
      const text = upgradeFailure(plan, failure);
      this.#log.warn(text);
      tell('error', text);
    }
  }
}

/** A terminal that shows lines, escaped. `closed`: the user has closed it, which ends the installer. */
function openTerminal(name: string): { write(line: string): void; readonly closed: AbortSignal } {
  const output = new EventEmitter<string>();
  const closing = new AbortController();
  // What is written before the terminal has opened would be lost.
  let early: string[] | undefined = [];
  const pty = {
    onDidWrite: output.event,
    open: (): void => {
      const lines = early ?? [];
      early = undefined;
      output.fire(lines.join(''));
    },
    close: (): void => closing.abort(),
  };
  window.createTerminal({ name, pty }).show(true);
  return {
    write: (line) => {
      const text = `${singleLine(line, 4_096)}\r\n`;
      if (early) {
        early.push(text);
      } else {
        output.fire(text);
      }
    },
    closed: closing.signal,
  };
}

/**
 * Characters that do not reach the program as they are: VS Code replaces `${…}` in a task, and on Windows npm and others are batch files, to which
 * `cmd.exe` passes their arguments.
 */
const changedOnTheWay = process.platform === 'win32' ? /\$\{|["%&<>^|!]/ : /\$\{/;

/** On Windows, where the servers are stopped for it: runs the command as a task, without a shell, in a terminal that the user sees. @returns why it failed, or undefined */
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
