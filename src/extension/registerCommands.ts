import { commands as editor, env, Position, Range, Uri, window } from 'vscode';
import type { StartMode } from '../action/protect/guardArguments.ts';
import { reasonOf } from '../base/errors.ts';
import { isRecord } from '../base/json.ts';
import { t } from '../base/language/translate.ts';
import type { Log } from '../base/log.ts';
import { singleLine } from '../base/singleLine.ts';
import type { Definition } from '../model/definition.ts';
import type { Instance } from '../model/snapshot.ts';
import type { FixCommands } from './commands/fixCommands.ts';
import type { GuardCommands } from './commands/guardCommands.ts';
import type { OtherOwnerCommands } from './commands/otherOwnerCommands.ts';
import type { RestartCommands } from './commands/restartCommands.ts';
import type { UpgradeCommands } from './commands/upgradeCommands.ts';
import { attentions, ignoreKey, muteKey } from './display/attention.ts';
import { evidenceText } from './display/evidenceText.ts';
import { oneLine, withoutIcons } from './display/plainText.ts';
import { type CommandName, commands, editorCommands } from './manifestNames.ts';
import { showWork, tell } from './messages.ts';
import type { DetailsFocus } from './views/detailsPanel.ts';
import type { EvidenceDocuments } from './views/evidenceDocuments.ts';
import type { PreviewDocuments } from './views/previewDocuments.ts';
import type { ServerTree } from './views/serverTree.ts';
import { editorServerIds } from './window/serverIds.ts';
import { groupings, isEnsured } from './window/windowFacts.ts';
import type { WindowState } from './window/windowState.ts';
import { folderPaths } from './workspacePaths.ts';

/** The objects that the commands act on. */
interface CommandTargets {
  readonly state: WindowState;
  readonly tree: ServerTree;
  readonly restarts: RestartCommands;
  readonly otherOwners: OtherOwnerCommands;
  readonly fixes: FixCommands;
  readonly upgrades: UpgradeCommands;
  readonly evidence: EvidenceDocuments;
  /** @throws when the folder of the state cannot be used */
  runDir(): string;
  /** The change of a file that the user decides on. */
  readonly previews: Pick<PreviewDocuments, 'decide'>;
  /** Opens the page of a server. Loaded when it is first used. @param focus what has the focus then */
  showDetails(instance: Instance, focus: DetailsFocus): Promise<void>;
  /** Names and versions of this program and of the editor, for a bug report. */
  readonly about: string;
  /** Loaded when an entry is first changed. */
  guards(): Promise<GuardCommands>;
  readonly log: Log & { show(): void };
  /** Lets VS Code start the server of an entry. @returns what went wrong */
  start(definition: Definition): Promise<string | undefined>;
  /** Scans the machine now, with progress in the view. */
  refresh(): Promise<void>;
}

/** What each command of the manifest does. The argument is what VS Code passes: a row of the view, or the id of a server in a link. */
export type CommandHandlers = Readonly<Record<CommandName, (argument: unknown) => Promise<void> | void>>;

/** The handler of every command of the manifest; the type of the table makes the compiler report a missing one. */
export function commandHandlers(targets: CommandTargets): CommandHandlers {
  const { state, tree, restarts, upgrades, evidence, log } = targets;
  const onInstance = (work: (instance: Instance) => Promise<void> | void) => async (argument: unknown) => {
    const instance = instanceFor(argument, state, tree);
    if (instance) {
      await work(instance);
    } else {
      tell('info', t('That server is no longer running.'));
    }
  };
  const changeStart = (start: StartMode) => async (argument: unknown) => {
    const definition = definitionFor(argument, state, tree);
    await (definition ? (await targets.guards()).change(definition, 'protect', start) : reveal(definition, log));
  };
  return {
    [commands.fixProblems]: () => targets.fixes.pick(),
    [commands.restartServer]: () => restarts.pick(),
    [commands.restartAllStale]: () => restarts.restartAllStale(),
    [commands.upgradeServer]: () => upgrades.pick(),
    [commands.killDuplicatesAndOrphans]: () => targets.otherOwners.prune(),
    [commands.stopCopies]: (argument) =>
      targets.otherOwners.stopCopies(argument === undefined ? undefined : instanceFor(argument, state, tree)),
    [commands.showServers]: () => tree.show(),
    [commands.refresh]: () => targets.refresh(),
    [commands.showLog]: () => log.show(),
    [commands.launchThroughGuard]: async (argument) => (await targets.guards()).change(entryFor(argument, state, tree), 'protect'),
    [commands.launchDirectly]: async (argument) => (await targets.guards()).change(entryFor(argument, state, tree), 'unprotect'),
    [commands.startWhenCalled]: changeStart('lazy'),
    [commands.startWithSession]: changeStart('eager'),
    [commands.copyEntry]: async (argument) => {
      const definition = definitionFor(argument, state, tree);
      await (definition ? (await targets.guards()).copy(definition) : reveal(definition, log));
    },
    [commands.correctEntry]: async (argument) => {
      const definition = definitionFor(argument, state, tree);
      await (definition ? (await targets.guards()).correct(definition) : reveal(definition, log));
    },
    [commands.restartInstance]: onInstance((instance) => restarts.restart(instance)),
    [commands.upgradeInstance]: onInstance((instance) => upgrades.upgrade(instance)),
    [commands.howToRestart]: onInstance((instance) => restarts.explain(instance)),
    [commands.stopInstance]: onInstance((instance) => restarts.stop(instance)),
    [commands.startServer]: (argument) => startServer(definitionFor(argument, state, tree), targets),
    [commands.ignoreFinding]: onInstance((instance) => targets.fixes.ignoreInstance(instance)),
    [commands.stopIgnoring]: onInstance((instance) =>
      state.remember(
        'ignored',
        instance.findings.map((finding) => ignoreKey(finding, { instance, name: instance.name })),
        false,
      ),
    ),
    [commands.unmute]: onInstance((instance) => state.remember('muted', [muteKey(instance)], false)),
    [commands.showOnlyProblems]: () => state.choose('onlyProblems', true),
    [commands.showAllServers]: () => state.choose('onlyProblems', false),
    [commands.groupServers]: () => pickGrouping(state),
    [commands.writeChange]: () => targets.previews.decide(true),
    [commands.discardChange]: () => targets.previews.decide(false),
    [commands.copyPid]: onInstance(copyPid),
    [commands.showDetails]: (argument) => {
      const row = clickedRow(argument);
      return argument === undefined
        ? showFirst(targets)
        : onInstance((instance) => targets.showDetails(instance, row === undefined ? 'page' : 'tree'))(row ?? argument);
    },
    [commands.showOutput]: onInstance((instance) => showOutput(instance, targets)),
    [commands.copyReport]: onInstance((instance) => copyReport(instance, targets)),
    [commands.showEvidence]: onInstance((instance) => evidence.show(instance)),
    [commands.revealDefinition]: (argument) => reveal(definitionFor(argument, state, tree), log),
  };
}

/** The row that was clicked; undefined when a menu or a link ran the command. */
function clickedRow(argument: unknown): string | undefined {
  return isRecord(argument) && typeof argument.clicked === 'string' ? argument.clicked : undefined;
}

/** The instance that an argument names: a row of the tree, or the id of an instance (from a link). */
function instanceFor(argument: unknown, state: WindowState, tree: ServerTree): Instance | undefined {
  const id = tree.row(argument)?.instanceId ?? argument;
  return state.snapshot?.instances.find((instance) => instance.id === id);
}

function definitionFor(argument: unknown, state: WindowState, tree: ServerTree): Definition | undefined {
  const row = tree.row(argument);
  const id = row?.definitionId ?? instanceFor(argument, state, tree)?.definitions[0] ?? argument;
  return state.snapshot?.definitions.find((definition) => definition.id === id);
}

/** The entry of the row whose menu was used; undefined from the palette, where the user picks one. */
function entryFor(argument: unknown, state: WindowState, tree: ServerTree): Definition | undefined {
  return argument === undefined ? undefined : definitionFor(argument, state, tree);
}

async function copyPid(instance: Instance): Promise<void> {
  await env.clipboard.writeText(String(instance.pid));
  window.setStatusBarMessage(`$(check) ${t('PID {0} copied', instance.pid)}`, 3_000);
}

/** Copies everything known about a server, without secrets, with the versions that a bug report needs. */
async function copyReport(instance: Instance, { state, about }: CommandTargets): Promise<void> {
  const { snapshot, facts } = state;
  if (snapshot) {
    await env.clipboard.writeText(`${about}\n\n${evidenceText(instance, snapshot, facts, Date.now())}`);
    window.setStatusBarMessage(`$(check) ${t('Copied the report about {0}', withoutIcons(instance.name, 60))}`, 6_000);
  }
}

/** Opens the page of the server that most needs attention; the view where none does. */
async function showFirst({ state, tree, showDetails }: CommandTargets): Promise<void> {
  const { snapshot, facts } = state;
  const first = snapshot && attentions(snapshot, facts).find(({ instance }) => instance)?.instance;
  await (first ? showDetails(first, 'page') : tree.show());
}

/** Shows the output that `ensure` or a guard keeps, else VS Code's output of a server of this window. VS Code ignores an id that it does not know. */
async function showOutput(instance: Instance, { state, evidence, runDir }: CommandTargets): Promise<void> {
  const { definitions, name, listens } = instance;
  const entries = state.snapshot?.definitions.filter(({ id }) => definitions.includes(id)) ?? [];
  const ids = instance.client?.pid === state.facts.pid ? entries.flatMap((definition) => editorServerIds(definition, folderPaths())) : [];
  for (const id of ids) {
    await editor.executeCommand(editorCommands.showOutput, id);
  }
  if (ids.length > 0) {
    return;
  }
  const { guardLogs, guardPids, keptLogs, keptOutput } = await import('../action/ensure/keptLogs.ts');
  const ensured = state.snapshot && isEnsured(instance, state.snapshot) ? keptLogs(runDir(), name) : undefined;
  const log = ensured ? ensured.find(({ port }) => port === listens?.port) : guardLogs(runDir(), guardPids(instance), [])[0];
  const output = log && keptOutput(log, process.env);
  if (ensured === undefined && output === undefined) {
    tell(
      'info',
      t('No output of {0} is kept: it has written nothing to standard error, or its guard is of an earlier version.', oneLine(name, 60)),
    );
    return;
  }
  // What is not seen could hide or turn round what follows.
  const lines = (output ?? '').split(/\r?\n/).map((line) => singleLine(line, 2_000));
  await evidence.showText(`${oneLine(name, 60)} output`, lines.join('\n'));
}

/** Starts a server that does not run, as VS Code itself would. */
async function startServer(definition: Definition | undefined, { state, start, log }: CommandTargets): Promise<void> {
  if (!definition || state.facts.busy.has(definition.id)) {
    return;
  }
  const name = oneLine(definition.name, 60);
  const failure = await state.whileBusy(definition.id, 'starting', async () => showWork(t('{0}: starting', name), () => start(definition)));
  if (failure === undefined) {
    window.setStatusBarMessage(`$(check) ${t('{0} started', withoutIcons(name))}`, 6_000);
  } else {
    log.warn(`${name}: ${failure}`);
    tell('error', failure);
  }
}

async function pickGrouping(state: WindowState): Promise<void> {
  const { groupBy } = state.facts.choices;
  const labels = { client: t('Client'), server: t('Server Name'), package: t('Package') } as const;
  const picks = groupings.map((grouping) => ({
    label: labels[grouping],
    grouping,
    ...(grouping === groupBy ? { description: t('now') } : {}),
  }));
  const pick = await window.showQuickPick(picks, { title: t('Group MCP Servers By') });
  if (pick) {
    await state.choose('groupBy', pick.grouping);
  }
}

async function reveal(definition: Definition | undefined, log: Log): Promise<void> {
  if (!definition) {
    tell('info', t('No configuration file contains this server.'));
    return;
  }
  const at = new Position(Math.max(0, definition.line - 1), 0);
  try {
    await window.showTextDocument(Uri.file(definition.file), { selection: new Range(at, at) });
  } catch (error) {
    log.warn(`${definition.file} could not be opened: ${reasonOf(error)}`);
    tell('error', t('{0} could not be opened: {1}', definition.file, reasonOf(error)));
  }
}
