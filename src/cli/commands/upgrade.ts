import type { Outcome } from '../../action/execute/exclusiveAction.ts';
import { executePlan } from '../../action/execute/executePlan.ts';
import { isRestartedHere, ownStep } from '../../action/plan/plan.ts';
import { upgradePlan } from '../../action/plan/upgradePlan.ts';
import { hideSecretsOfLines } from '../../action/upgrade/hiddenOutput.ts';
import { undoWayOf, upgradeOnce } from '../../action/upgrade/upgradeOnce.ts';
import { type UpgradeRefusal, upgradeRefusal } from '../../action/upgrade/upgradeRefusal.ts';
import type { UpgradeResult } from '../../action/upgrade/upgradeServers.ts';
import type { Instance } from '../../model/snapshot.ts';
import { findInstance } from '../../presentation/findInstance.ts';
import type { Command, CommandContext } from '../command.ts';
import { type ExitCode, exitCodes, UsageError } from '../exitCodes.ts';
import { renderInstallerLine, renderUpgrade, renderUpgradeResult } from '../render/planView.ts';
import { searchFailure } from '../render/searchView.ts';
import { terminalText } from '../render/text.ts';
import { actionOptions, isYes, openActionSession } from '../session/actionSession.ts';
import { jsonText, viewWidth } from '../terminal.ts';
import { replaceOnce } from './ensure.ts';
import { planWithEnsure } from './restartOrStop.ts';

const { 'dry-run': dryRun, yes } = actionOptions;
const upgradeOptions = { 'dry-run': dryRun, yes } as const;

const refusalCodes: Readonly<Record<UpgradeRefusal['kind'], ExitCode>> = {
  current: exitCodes.ok,
  yours: exitCodes.youMustAct,
  refused: exitCodes.error,
};
const resultCodes: Readonly<Record<UpgradeResult['status'], ExitCode>> = {
  done: exitCodes.ok,
  manual: exitCodes.youMustAct,
  'rolled-back': exitCodes.error,
  failed: exitCodes.error,
};

export const upgradeServerCommand: Command<typeof upgradeOptions> = {
  name: 'upgrade',
  summary: 'upgrade one server and restart it; goes back when it does not answer',
  arguments: 'NAME|PID',
  positionals: { min: 1, max: 1 },
  options: upgradeOptions,
  details: [
    'Shows the exact command of the package manager that installed the server, asks, runs it, and restarts the servers that run from it, by the ways of "restart". The restarted server itself shows that it works; no second copy is started. When the command fails or the server does not answer in the new version, the packages become what they were, and the server is restarted again. Where an exact way back is not possible, the question says so.',
    'Where only you can restart a server in its client, its package is upgraded, and the exact step is printed. Servers of npx and uvx without a project are refused: their entry decides the version.',
  ],
  exits: [
    [exitCodes.ok, 'upgraded and restarted, or already the newest version'],
    [
      exitCodes.error,
      'usage error; no such server or several; no command is known; the upgrade failed, and the message says what is installed now',
    ],
    [exitCodes.youMustAct, 'upgraded, and a restart is left to you: follow the printed step; or no change: you answered no'],
  ],
  run: runUpgrade,
};

async function runUpgrade(context: CommandContext<typeof upgradeOptions>): Promise<ExitCode> {
  const { shell, values, color, positionals } = context;
  const asked = positionals[0] ?? '';
  const session = await openActionSession(context, { asks: true });
  const view = { width: viewWidth(shell), color, now: shell.now() };
  const { json } = values;
  try {
    const { snapshot, actions } = session;
    const result = findInstance(snapshot, asked);
    if (result.kind !== 'found') {
      const { message, hint } = searchFailure(asked, result, shell.now());
      throw new UsageError(message, hint);
    }
    const { instance } = result;
    const plan = upgradePlan(instance, snapshot, shell.platform);
    const refusal = upgradeRefusal(instance, plan, shell.platform);
    if (refusal || !plan) {
      const { kind, message } = refusal ?? { kind: 'refused', message: 'No command is known.' };
      if (json) {
        shell.stdout.write(jsonText({ schema: 1, plan: null, outcome: { status: kind, message, steps: [] } }, 2));
      } else {
        shell.stdout.write(`${terminalText(message)}\n`);
      }
      return refusalCodes[kind];
    }
    const restartPlan = (one: Instance, now = snapshot) => planWithEnsure('restart', one, { snapshot: now, actions }, context);
    const restarts = plan.instances.map((one) => restartPlan(one));
    // The first one that can be restarted from here shows whether the new version works.
    const order = [...plan.instances].sort((a, b) => rank(restarts, a) - rank(restarts, b));
    const undo = undoWayOf(plan);
    const shown = { ...plan, instances: plan.instances.map(({ id, pid, name }) => ({ id, pid, name })), undo: undo ?? null };
    if (!json) {
      shell.stdout.write(renderUpgrade(plan, restarts, undo, view));
    }
    const decline = values['dry-run'] ? '' : values.yes ? undefined : await refusedAt(context, `Upgrade ${plan.packageName}?`);
    if (decline !== undefined) {
      if (json) {
        shell.stdout.write(
          jsonText({ schema: 1, plan: shown, outcome: values['dry-run'] ? null : { status: 'refused', message: decline, steps: [] } }, 2),
        );
      } else if (decline !== '') {
        shell.stdout.write(`${terminalText(decline)}\n`);
      }
      return values['dry-run'] ? exitCodes.ok : exitCodes.youMustAct;
    }
    shell.endOnSignals();
    const hidden = hideSecretsOfLines(shell.env);
    const outcome = await upgradeOnce(
      { ...plan, instances: order },
      {
        actions,
        env: shell.env,
        ended: shell.ended,
        onLine: (line) => shell.stderr.write(renderInstallerLine(hidden(line), view)),
        packagesChanged: () => session.packagesChanged(),
        restart: async (one): Promise<Outcome> => {
          const now = await actions.scan();
          const still = now.instances.find(({ id }) => id === one.id);
          const restart = restartPlan(still ?? one, now);
          return isRestartedHere(restart)
            ? executePlan(restart, { ...actions, ensure: (name, pid) => replaceOnce(name, pid, context) })
            : { status: 'manual', message: ownStep(restart) };
        },
      },
    );
    if (json) {
      shell.stdout.write(jsonText({ schema: 1, plan: shown, outcome }, 2));
    } else {
      shell.stdout.write(renderUpgradeResult(outcome, view));
    }
    return resultCodes[outcome.status];
  } finally {
    session.dispose();
  }
}

function rank(restarts: readonly ReturnType<typeof planWithEnsure>[], { id }: Instance): number {
  return restarts.some((plan) => plan.target.instance === id && isRestartedHere(plan)) ? 0 : 1;
}

/** Asks at the terminal. @returns what to say unless the answer is yes */
async function refusedAt({ shell }: CommandContext, question: string): Promise<string | undefined> {
  const answer = await shell.ask?.(`${question} [y/N] `);
  return answer === undefined ? 'Nothing was changed. Use --yes to skip the question.' : isYes(answer) ? undefined : 'Nothing was changed.';
}
