import { homedir } from 'node:os';
import { type ExtensionContext, commands as editor, env, window, workspace } from 'vscode';
import type { Requester } from '../action/execute/exclusiveAction.ts';
import type { ActionContext } from '../action/execute/executePlan.ts';
import { createPresence, readPlanContext } from '../action/execute/planContext.ts';
import { serveRequests } from '../action/execute/windowRequestServer.ts';
import { windowClientAt } from '../action/plan/restartRoute.ts';
import { type Disposable, DisposableStore } from '../base/disposable.ts';
import { reasonOf } from '../base/errors.ts';
import { identityKey } from '../model/process.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { runDirFor } from '../storage/stateFolder.ts';
import { claimNotification } from '../survey/facts/notificationClaims.ts';
import { findThisWindow } from '../survey/facts/thisWindow.ts';
import { clientName } from '../survey/server/instanceParts.ts';
import { GuardActions } from './commands/guardCommands.ts';
import { OtherOwnerCommands } from './commands/otherOwnerCommands.ts';
import { ServerActions } from './commands/restartCommands.ts';
import { UpgradeActions } from './commands/upgradeCommands.ts';
import { keepContextKeys } from './contextKeys.ts';
import { logProblems } from './display/problemLog.ts';
import { keepLauncher, launcherInstaller } from './launcherUpkeep.ts';
import { views } from './manifestNames.ts';
import { registerCommands } from './registerCommands.ts';
import { startSurvey } from './startSurvey.ts';
import { EvidenceDocuments } from './views/evidenceDocuments.ts';
import { Notifier, type NotifierActions } from './views/notifier.ts';
import { PreviewDocuments } from './views/previewDocuments.ts';
import { ServerTree } from './views/serverTree.ts';
import { showStatusBar } from './views/statusBar.ts';
import { startChanged } from './window/changedServer.ts';
import { SurveyHandle } from './window/surveyHandle.ts';
import { WindowActions } from './window/windowActions.ts';
import { type WindowPorts, WindowServers } from './window/windowServers.ts';
import { WindowState } from './window/windowState.ts';
import { folderPaths, userFolder } from './workspacePaths.ts';

/** Builds everything and wires it. Nothing is read here: the first survey begins after activation has returned. */
export function activate(context: ExtensionContext): void {
  const store = new DisposableStore();
  context.subscriptions.push(store);
  const log = store.add(window.createOutputChannel('MCP Shepherd', { log: true }));
  const survey = store.add(new SurveyHandle());
  const state = store.add(
    new WindowState(survey, {
      pid: process.pid,
      clientId: windowClientAt(env.appRoot),
      trusted: workspace.isTrusted,
      controllable: false,
      home: homedir(),
    }),
  );
  const ports: WindowPorts = {
    pid: process.pid,
    execute: async (command, ...args) => editor.executeCommand(command, ...args),
    hasCommand: async (command) => (await editor.getCommands(true)).includes(command),
    look: () => survey.refresh(),
    folders: folderPaths,
    wait: (ms) => new Promise((done) => setTimeout(done, ms)),
    clock: () => performance.now(),
  };
  const servers = new WindowServers(ports, log);
  const evidence = store.add(new EvidenceDocuments(state));
  const asker = (): Requester => ({
    by: `${clientName(state.facts.clientId)} window (PID ${process.pid})`,
    runDir: runDirFor(process.env),
    explicitRunDir: Boolean(process.env.MCP_RUN_DIR),
    log,
  });
  const look = (): Promise<Snapshot> => survey.refresh();
  const presence = createPresence(process.platform);
  const deeds = new WindowActions(servers, state, { asker, look, isThere: async (identity) => (await presence)(identity) });
  const hands = async (): Promise<ActionContext> => ({
    asker: asker(),
    here: await readPlanContext(asker().runDir, process.platform, state.snapshot ?? { instances: [] }),
    look,
  });
  const machine = new OtherOwnerCommands(state, hands, evidence, log);
  const actions = new ServerActions(state, deeds, machine, evidence, log);
  const guards = new GuardActions({
    state,
    survey,
    previews: store.add(new PreviewDocuments()),
    installer: () => launcherInstaller(context, runDirFor(process.env)),
    start: (definition, old, guarded) => startChanged(ports, definition, old, guarded),
    log,
  });
  const upgrades = new UpgradeActions(state, actions, { look, platform: process.platform }, log);
  const tree = store.add(new ServerTree(state));
  store.add(showStatusBar(state));
  store.add(keepContextKeys(state));
  store.add(logProblems(state, log));
  store.add(noteControl(state, servers));
  store.add(workspace.onDidGrantWorkspaceTrust(() => state.update({ trusted: true })));

  const begin = async (): Promise<void> => {
    try {
      const runDir = runDirFor(process.env);
      const here = await findThisWindow(process.platform);
      store.add(await startSurvey(here, runDir, userFolder(context), String(context.extension.packageJSON.version), survey, log));
      if (here.own) {
        store.add(serveRequests(runDir, { pid: process.pid, identity: identityKey(here.own) }, (request) => deeds.answer(request), log));
      }
      store.add(new Notifier(state, notifierActions(actions, tree, runDir), log));
      keepLauncher(context, runDir, log);
      log.info(`Looking at MCP servers; own files are in ${runDir}.`);
    } catch (error) {
      const reason = reasonOf(error);
      log.error(`The survey could not begin: ${reason}`);
      state.fail(reason);
    }
  };
  const refresh = (): Promise<void> =>
    Promise.resolve(
      window.withProgress({ location: { viewId: views.servers } }, async () => {
        await (state.failure === undefined ? survey.refresh() : begin());
      }),
    );
  store.add(registerCommands({ state, tree, actions, machine, upgrades, evidence, guards, log, refresh }));
  const start = setImmediate(() => void begin());
  store.add({ dispose: () => clearImmediate(start) });
}

function notifierActions(actions: ServerActions, tree: ServerTree, runDir: string): NotifierActions {
  return {
    restart: (instance) => actions.restart(instance),
    explain: (instance) => actions.explain(instance),
    show: (instanceId) => tree.show(instanceId),
    claim: (key) => claimNotification(runDir, key),
  };
}

/** Finds out once, when this window runs its first server, whether VS Code's commands are there: early in a window's life they are not yet. */
function noteControl(state: WindowState, servers: WindowServers): Disposable {
  return state.onChange(() => {
    const { snapshot, facts } = state;
    if (!facts.controllable && snapshot?.instances.some((instance) => instance.client?.pid === facts.pid)) {
      void servers.controllable().then((controllable) => controllable && !state.facts.controllable && state.update({ controllable }));
    }
  });
}
