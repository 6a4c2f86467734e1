import { homedir } from 'node:os';
import { join } from 'node:path';
import { type ExtensionContext, commands as editor, env, type LogOutputChannel, l10n, version, window, workspace } from 'vscode';
import type { Requester } from '../action/execute/exclusiveAction.ts';
import type { ActionContext } from '../action/execute/executePlan.ts';
import type { createPresence } from '../action/execute/planContext.ts';
import type { Installer } from '../action/protect/launcher.ts';
import type { Disposable, DisposableStore } from '../base/disposable.ts';
import { reasonOf } from '../base/errors.ts';
import { setTexts } from '../base/language/translate.ts';
import type { Log } from '../base/log.ts';
import { clientName, familyAt } from '../clients/clientTable.ts';
import type { Instance, Snapshot } from '../model/snapshot.ts';
import { runDirFor } from '../storage/stateFolder.ts';
import { FixCommands } from './commands/fixCommands.ts';
import type { GuardCommands } from './commands/guardCommands.ts';
import { restartWhenIdle } from './commands/idleRestarts.ts';
import { OtherOwnerCommands } from './commands/otherOwnerCommands.ts';
import { RestartCommands } from './commands/restartCommands.ts';
import { UpgradeCommands } from './commands/upgradeCommands.ts';
import { attentions } from './display/attention.ts';
import { logProblems } from './display/problemLog.ts';
import { contextKeys, views } from './manifestNames.ts';
import { type CommandHandlers, commandHandlers } from './registerCommands.ts';
import { showConfigProblems } from './views/configProblems.ts';
import type { DetailsFocus, DetailsPanel } from './views/detailsPanel.ts';
import { showEntryLenses } from './views/entryCodeLenses.ts';
import { EvidenceDocuments } from './views/evidenceDocuments.ts';
import { Notifier, type NotifierActions } from './views/notifier.ts';
import { PreviewDocuments } from './views/previewDocuments.ts';
import { ServerTree } from './views/serverTree.ts';
import { showStatusBar } from './views/statusBar.ts';
import { startChangedServer } from './window/changedServer.ts';
import { SurveyHandle } from './window/surveyHandle.ts';
import { WindowActions } from './window/windowActions.ts';
import { staleHere } from './window/windowFacts.ts';
import { type EditorContext, WindowServers } from './window/windowServers.ts';
import { WindowState } from './window/windowState.ts';
import { folderPaths, userFolder } from './workspacePaths.ts';

/**
 * Creates and connects everything, after `activate` has returned. Loads only what the views and the menus need: the scan, the change of entries, and the execution of
 * plans are pieces that are loaded when they are first used.
 * @param store disposes of everything @returns what the commands do
 */
export function startExtension(context: ExtensionContext, store: DisposableStore, log: LogOutputChannel): CommandHandlers {
  // VS Code has read the bundle of its display language. In English there is none.
  setTexts(l10n.bundle);
  const survey = store.add(new SurveyHandle());
  const scan = (): Promise<Snapshot> => survey.refresh();
  const state = store.add(
    new WindowState(
      survey,
      {
        pid: process.pid,
        clientId: familyAt(env.appRoot),
        trusted: workspace.isTrusted,
        controllable: false,
        home: homedir(),
      },
      context.globalState,
    ),
  );
  const editorContext: EditorContext = {
    pid: process.pid,
    execute: async (command, ...args) => editor.executeCommand(command, ...args),
    hasCommand: async (command) => (await editor.getCommands(true)).includes(command),
    scan,
    folders: folderPaths,
    wait: (ms) => new Promise((done) => setTimeout(done, ms)),
    clock: () => performance.now(),
  };
  const servers = new WindowServers(editorContext, log);
  const evidence = store.add(new EvidenceDocuments(state));
  const requester = (): Requester => ({
    by: `${clientName(state.facts.clientId)} window (PID ${process.pid})`,
    runDir: runDirFor(process.env),
    explicitRunDir: Boolean(process.env.MCP_RUN_DIR),
    log,
  });
  const planning = () => import('../action/execute/planContext.ts');
  let presence: ReturnType<typeof createPresence> | undefined;
  const isRunning = async (identity: string): Promise<boolean> => {
    const { createPresence } = await planning();
    presence ??= createPresence(process.platform);
    return (await presence)(identity);
  };
  const actions = new WindowActions(servers, state, { requester, scan, isRunning });
  const actionContext = async (): Promise<ActionContext> => ({
    requester: requester(),
    planContext: await (await planning()).readPlanContext(requester().runDir, process.platform, state.snapshot ?? { instances: [] }),
    scan,
  });
  const otherOwners = new OtherOwnerCommands(state, actionContext, evidence, log);
  const restarts = new RestartCommands(state, actions, otherOwners, log);
  const fixes = new FixCommands(state, restarts, otherOwners);
  let details: Promise<DetailsPanel> | undefined;
  const showDetails = async (instance: Instance, focus: DetailsFocus): Promise<void> => {
    details ??= import('./views/detailsPanel.ts').then(({ DetailsPanel }) =>
      store.add(new DetailsPanel(state, () => runDirFor(process.env))),
    );
    (await details).show(instance, focus);
  };
  const previews = store.add(new PreviewDocuments());
  const guards = async (): Promise<GuardCommands> => {
    // As large as all that activation loads, and used when an entry is changed.
    const { GuardCommands } = await import('./commands/guardCommands.ts');
    return new GuardCommands({
      state,
      survey,
      previews,
      installer: () => launcherInstaller(context, runDirFor(process.env)),
      start: (definition, old, guarded) => startChangedServer(editorContext, definition, old, guarded),
      log,
    });
  };
  const upgrades = new UpgradeCommands(state, restarts, { actions: actionContext, platform: process.platform }, log);
  const tree = store.add(new ServerTree(state));
  store.add(showStatusBar(state));
  store.add(updateContextKeys(state));
  store.add(logProblems(state, log));
  store.add(showConfigProblems(state));
  store.add(showEntryLenses(state));
  store.add(detectControl(state, servers));
  store.add(workspace.onDidGrantWorkspaceTrust(() => state.update({ trusted: true })));

  const begin = async (): Promise<void> => {
    try {
      const runDir = runDirFor(process.env);
      const [{ startSurvey }, { claimNotification }] = await Promise.all([
        import('./startSurvey.ts'),
        import('../survey/facts/windows.ts'),
      ]);
      const claim = (key: string): boolean => claimNotification(runDir, key);
      const userDir = userFolder(context);
      store.add(
        await startSurvey({
          runDir,
          userDir,
          version: String(context.extension.packageJSON.version),
          survey,
          answer: (request) => actions.answer(request),
          tools: { state, scan, restart: (instance) => restarts.restart(instance) },
          log,
        }),
      );
      store.add(new Notifier(state, notifierActions({ restarts, fixes, showDetails }, claim), log));
      store.add(restartWhenIdle(state, (instance) => restarts.restart(instance), log));
      await updateLauncher(context, runDir, log);
      log.info(`Scanning for MCP servers. State folder: ${runDir}.`);
    } catch (error) {
      const reason = reasonOf(error);
      log.error(`The first scan failed: ${reason}`);
      state.fail(reason);
    }
  };
  const refresh = (): Promise<void> =>
    Promise.resolve(
      window.withProgress({ location: { viewId: views.servers } }, async () => {
        await (state.failure === undefined ? survey.refresh() : begin());
      }),
    );
  const start = setImmediate(() => void begin());
  store.add({ dispose: () => clearImmediate(start) });
  return commandHandlers({
    state,
    start: (definition) => startChangedServer(editorContext, definition, '', definition.guarded === true),
    tree,
    restarts,
    otherOwners,
    fixes,
    upgrades,
    evidence,
    runDir: () => runDirFor(process.env),
    previews,
    showDetails,
    about: `MCP Shepherd ${context.extension.packageJSON.version}, ${env.appName} ${version}, ${process.platform} ${process.arch}`,
    guards,
    log,
    refresh,
  });
}

interface NotifierTargets {
  readonly restarts: RestartCommands;
  readonly fixes: FixCommands;
  showDetails(instance: Instance, focus: DetailsFocus): Promise<void>;
}

function notifierActions({ restarts, fixes, showDetails }: NotifierTargets, claim: NotifierActions['claim']): NotifierActions {
  return {
    restart: (instances) => restarts.restartEach(instances),
    stop: (instance) => restarts.stop(instance),
    copyStep: (instance) => restarts.copyStep(instance),
    details: (instance) => showDetails(instance, 'page'),
    review: () => fixes.pick(),
    claim,
  };
}

function launcherInstaller(context: ExtensionContext, runDir: string): Installer {
  return {
    runDir,
    dist: join(context.extensionPath, 'dist'),
    version: String(context.extension.packageJSON.version),
    execPath: process.execPath,
    electron: 'electron' in process.versions,
    platform: process.platform,
    env: process.env,
  };
}

/** Updates the launcher of guarded entries to this version, if there is one. */
async function updateLauncher(context: ExtensionContext, runDir: string, log: Log): Promise<void> {
  try {
    const { hasLauncher, installLauncher } = await import('../action/protect/launcher.ts');
    if (hasLauncher(runDir)) {
      installLauncher(launcherInstaller(context, runDir));
    }
  } catch (error) {
    log.warn(`The launcher of guarded servers could not be updated: ${reasonOf(error)}`);
  }
}

/** Sets the context keys for the `when` clauses of the manifest; each only when it changes. */
function updateContextKeys(state: WindowState): Disposable {
  const known = new Map<string, boolean>();
  const set = (key: string, value: boolean): void => {
    if (known.get(key) !== value) {
      known.set(key, value);
      void editor.executeCommand('setContext', key, value);
    }
  };
  const update = (): void => {
    const { snapshot, facts, failure } = state;
    set(contextKeys.surveyed, snapshot !== undefined);
    set(contextKeys.failed, failure !== undefined);
    set(contextKeys.onlyProblems, facts.choices.onlyProblems);
    set(contextKeys.needsAttention, snapshot !== undefined && attentions(snapshot, facts).length > 0);
    set(contextKeys.staleHere, snapshot !== undefined && staleHere(snapshot, facts).length > 0);
  };
  update();
  return state.onChange(update);
}

/** Checks for VS Code's MCP commands once this window runs its first server; early in a window's life they do not exist yet. */
function detectControl(state: WindowState, servers: WindowServers): Disposable {
  return state.onChange(() => {
    const { snapshot, facts } = state;
    if (!facts.controllable && snapshot?.instances.some((instance) => instance.client?.pid === facts.pid)) {
      void servers.controllable().then((controllable) => controllable && !state.facts.controllable && state.update({ controllable }));
    }
  });
}
