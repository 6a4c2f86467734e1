import { homedir } from 'node:os';
import { type ExtensionContext, commands as editor, env, type LogOutputChannel, window, workspace } from 'vscode';
import { windowClientAt } from '../action/restart.ts';
import { startLiveSurvey } from '../survey/live.ts';
import { claimNotification } from '../survey/notified.ts';
import { runDirFor } from '../survey/stateFolder.ts';
import { createSurveyor } from '../survey/surveyor.ts';
import { publishThisWindow } from '../survey/thisWindow.ts';
import { DisposableStore } from '../types/disposable.ts';
import { keepContextKeys } from './contextKeys.ts';
import { EvidenceDocuments } from './evidenceDocuments.ts';
import { views } from './names.ts';
import { Notifier } from './notifier.ts';
import { logProblems } from './problemLog.ts';
import { registerCommands } from './registerCommands.ts';
import { ServerActions } from './serverActions.ts';
import { ServerTree } from './serverTree.ts';
import { showStatusBar } from './statusBar.ts';
import { SurveyHandle } from './surveyHandle.ts';
import { WindowServers } from './windowServers.ts';
import { WindowState } from './windowState.ts';
import { folderPaths, surveyedFolders, userFolder, workspaceFiles } from './workspacePaths.ts';

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
  const servers = new WindowServers(
    {
      pid: process.pid,
      execute: async (command, ...args) => editor.executeCommand(command, ...args),
      hasCommand: async (command) => (await editor.getCommands(true)).includes(command),
      look: () => survey.refresh(),
      folders: folderPaths,
      wait: (ms) => new Promise((done) => setTimeout(done, ms)),
      clock: () => performance.now(),
    },
    log,
  );
  const evidence = store.add(new EvidenceDocuments(state));
  const actions = new ServerActions(state, servers, evidence, log);
  const tree = store.add(new ServerTree(state));
  store.add(showStatusBar(state));
  store.add(keepContextKeys(state));
  store.add(logProblems(state, log));
  store.add(workspace.onDidGrantWorkspaceTrust(() => state.update({ trusted: true })));

  const begin = async (): Promise<void> => {
    try {
      await beginSurvey(context, store, survey, state, { servers, actions, tree, log });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
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
  store.add(registerCommands({ state, tree, actions, evidence, log, refresh }));
  const start = setImmediate(() => void begin());
  store.add({ dispose: () => clearImmediate(start) });
}

interface Parts {
  readonly servers: WindowServers;
  readonly actions: ServerActions;
  readonly tree: ServerTree;
  readonly log: LogOutputChannel;
}

/** @throws when the run folder is no absolute path or cannot be made, or the system has no process list */
async function beginSurvey(
  context: ExtensionContext,
  store: DisposableStore,
  survey: SurveyHandle,
  state: WindowState,
  parts: Parts,
): Promise<void> {
  const { servers, actions, tree, log } = parts;
  const runDir = runDirFor(process.env);
  const userDirs = [userFolder(context)];
  const surveyor = store.add(
    await createSurveyor({
      home: homedir(),
      platform: process.platform,
      env: process.env,
      runDir,
      folders: surveyedFolders(),
      vscodeUserDirs: userDirs,
      workspaceFiles: workspaceFiles(),
      log,
    }),
  );
  let published = await publishThisWindow(runDir, process.platform, {
    folders: surveyedFolders(),
    workspaceFiles: workspaceFiles(),
    userDirs,
  });
  store.add({ dispose: () => published.dispose() });
  store.add(
    workspace.onDidChangeWorkspaceFolders(async () => {
      surveyor.setFolders(surveyedFolders(), workspaceFiles());
      published = await publishThisWindow(runDir, process.platform, {
        folders: surveyedFolders(),
        workspaceFiles: workspaceFiles(),
        userDirs,
      });
      await survey.refresh();
    }),
  );
  store.add(
    new Notifier(
      state,
      {
        restart: (instance) => actions.restart(instance),
        explain: (instance) => actions.explain(instance),
        show: (instanceId) => tree.show(instanceId),
        claim: (key) => claimNotification(runDir, key),
      },
      log,
    ),
  );
  await survey.start(async () => startLiveSurvey(surveyor, log));
  state.update({ controllable: await servers.controllable() });
  log.info(`Looking at MCP servers; own files are in ${runDir}.`);
}
