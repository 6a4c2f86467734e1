import { commands as editor, env, Position, Range, Uri, window } from 'vscode';
import { type Disposable, DisposableStore } from '../base/disposable.ts';
import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Definition } from '../model/definition.ts';
import type { Instance } from '../model/snapshot.ts';
import type { GuardActions } from './commands/guardCommands.ts';
import type { OtherOwnerCommands } from './commands/otherOwnerCommands.ts';
import type { ServerActions } from './commands/restartCommands.ts';
import type { UpgradeActions } from './commands/upgradeCommands.ts';
import { type CommandName, commands, views } from './manifestNames.ts';
import { tell } from './messages.ts';
import type { EvidenceDocuments } from './views/evidenceDocuments.ts';
import type { ServerTree } from './views/serverTree.ts';
import type { WindowState } from './window/windowState.ts';

export interface CommandParts {
  readonly state: WindowState;
  readonly tree: ServerTree;
  readonly actions: ServerActions;
  readonly machine: OtherOwnerCommands;
  readonly upgrades: UpgradeActions;
  readonly evidence: EvidenceDocuments;
  readonly guards: GuardActions;
  readonly log: Log & { show(): void };
  /** Looks at everything afresh, with progress in the view. */
  refresh(): Promise<void>;
}

/** Registers every command of the manifest; the type of the table makes sure that none is forgotten. */
export function registerCommands(parts: CommandParts): Disposable {
  const { state, tree, actions, upgrades, evidence, guards, log } = parts;
  const onInstance = (work: (instance: Instance) => Promise<void> | void) => async (argument: unknown) => {
    const instance = instanceFor(argument, state, tree);
    if (instance) {
      await work(instance);
    } else {
      tell('info', 'That server has ended meanwhile, or no server is selected.');
    }
  };
  const handlers: Readonly<Record<CommandName, (argument: unknown) => Promise<void> | void>> = {
    [commands.restartServer]: () => actions.pick(),
    [commands.restartAllStale]: () => actions.restartAllStale(),
    [commands.upgradeServer]: () => upgrades.pick(),
    [commands.killDuplicatesAndOrphans]: () => parts.machine.prune(),
    [commands.showServers]: () => showServers(tree),
    [commands.refresh]: () => parts.refresh(),
    [commands.showLog]: () => log.show(),
    [commands.launchThroughGuard]: (argument) => guards.change(entryFor(argument, state, tree), 'protect'),
    [commands.launchDirectly]: (argument) => guards.change(entryFor(argument, state, tree), 'unprotect'),
    [commands.restartInstance]: onInstance((instance) => actions.restart(instance)),
    [commands.upgradeInstance]: onInstance((instance) => upgrades.upgrade(instance)),
    [commands.howToRestart]: onInstance((instance) => actions.explain(instance)),
    [commands.stopInstance]: onInstance((instance) => actions.stop(instance)),
    [commands.copyPid]: onInstance(copyPid),
    [commands.showEvidence]: onInstance((instance) => evidence.show(instance)),
    [commands.revealDefinition]: (argument) => reveal(definitionFor(argument, state, tree)),
  };
  const store = new DisposableStore();
  for (const [name, handler] of Object.entries(handlers)) {
    store.add(editor.registerCommand(name, handler));
  }
  return store;
}

/** Opens the view; its first row gets the focus. */
async function showServers(tree: ServerTree): Promise<void> {
  await editor.executeCommand(`${views.servers}.focus`);
  await tree.show();
}

/** The instance that an argument means: a row of the tree, or an instance's own id (links and other code). */
function instanceFor(argument: unknown, state: WindowState, tree: ServerTree): Instance | undefined {
  const id = tree.row(argument)?.instanceId ?? argument;
  return state.snapshot?.instances.find((instance) => instance.id === id);
}

function definitionFor(argument: unknown, state: WindowState, tree: ServerTree): Definition | undefined {
  const row = tree.row(argument);
  const id = row?.definitionId ?? instanceFor(argument, state, tree)?.definitions[0];
  return state.snapshot?.definitions.find((definition) => definition.id === id);
}

/** The entry that a menu means; from the palette none, whatever is selected: then the person picks one. */
function entryFor(argument: unknown, state: WindowState, tree: ServerTree): Definition | undefined {
  return argument === undefined ? undefined : definitionFor(argument, state, tree);
}

async function copyPid(instance: Instance): Promise<void> {
  await env.clipboard.writeText(String(instance.pid));
  window.setStatusBarMessage(`$(check) PID ${instance.pid} copied`, 3_000);
}

async function reveal(definition: Definition | undefined): Promise<void> {
  if (!definition) {
    tell('info', 'No configuration file has an entry for this server.');
    return;
  }
  const at = new Position(Math.max(0, definition.line - 1), 0);
  try {
    await window.showTextDocument(Uri.file(definition.file), { selection: new Range(at, at) });
  } catch (error) {
    tell('error', `${definition.file} could not be opened: ${reasonOf(error)}`);
  }
}
