import { homedir } from 'node:os';
import { workspace } from 'vscode';
import type { Outcome } from '../action/execute/exclusiveAction.ts';
import type { WindowRequest } from '../action/execute/windowRequest.ts';
import { serveRequests } from '../action/execute/windowRequestServer.ts';
import { type Disposable, DisposableStore } from '../base/disposable.ts';
import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { identityKey } from '../model/process.ts';
import { findThisWindow, publishThisWindow } from '../survey/facts/thisWindow.ts';
import { createSurveyor } from '../survey/machineSurveyor.ts';
import { startWindowSurvey } from '../survey/sharedSurvey.ts';
import { type RegistryMode, staysOffline } from '../survey/updates/registryClient.ts';
import { type AgentToolTargets, registerAgentTools } from './commands/agentToolCommands.ts';
import { settings } from './manifestNames.ts';
import { asksRegistries, copyLimits, isRestricted, loadLimits } from './settings.ts';
import type { SurveyHandle } from './window/surveyHandle.ts';
import { surveyedFolders, workspaceFiles } from './workspacePaths.ts';

/** A change of these makes another scan necessary. */
const surveySettings = [
  settings.registryEnabled,
  settings.copiesMinimum,
  settings.copiesMemory,
  settings.stormStarts,
  settings.runawayMinutes,
  settings.runawayMemory,
] as const;

interface SurveyStart {
  readonly runDir: string;
  /** VS Code's `User` folder. */
  readonly userDir: string;
  /** Version of the extension. */
  readonly version: string;
  readonly survey: SurveyHandle;
  /** Carries out a request of another window or a terminal. */
  answer(request: WindowRequest): Promise<Outcome>;
  /** What the tools for language models act on. */
  readonly tools: AgentToolTargets;
  readonly log: Log;
}

/**
 * Starts to scan this machine continuously, including the folders of this window, publishes these folders for other windows and the command line, and takes their
 * requests and those of language models.
 *
 * @throws when the system has no readable process list
 */
export async function startSurvey({ runDir, userDir, version, survey, answer, tools, log }: SurveyStart): Promise<Disposable> {
  const thisWindow = await findThisWindow(process.platform);
  const store = new DisposableStore();
  const paths = () => ({
    folders: surveyedFolders(),
    workspaceFiles: workspaceFiles(),
    userDirs: [userDir],
    ...(isRestricted() ? { restricted: true } : {}),
  });
  try {
    const { folders, workspaceFiles: files } = paths();
    const surveyor = store.add(
      await createSurveyor({
        home: homedir(),
        platform: process.platform,
        env: process.env,
        runDir,
        folders,
        vscodeUserDirs: [userDir],
        workspaceFiles: files,
        restricted: isRestricted(),
        log,
        health: 'window',
        registry: registryMode,
        copyLimits,
        loadLimits,
        table: thisWindow.table,
      }),
    );
    let published = publishThisWindow(runDir, thisWindow, paths());
    store.add({ dispose: () => published.dispose() });
    const updateFolders = async (): Promise<void> => {
      surveyor.setFolders(surveyedFolders(), workspaceFiles(), isRestricted());
      published = publishThisWindow(runDir, thisWindow, paths());
      await survey.refresh();
    };
    store.add(
      workspace.onDidChangeWorkspaceFolders(() => {
        updateFolders().catch((error: unknown) => log.error(`The changed workspace folders could not be scanned: ${reasonOf(error)}`));
      }),
    );
    store.add(
      workspace.onDidGrantWorkspaceTrust(() => {
        updateFolders().catch((error: unknown) => log.error(`The scan after the workspace was trusted failed: ${reasonOf(error)}`));
      }),
    );
    store.add(
      workspace.onDidChangeConfiguration((event) => {
        if (surveySettings.some((name) => event.affectsConfiguration(name))) {
          survey.refresh().catch((error: unknown) => log.error(`The scan after a change of settings failed: ${reasonOf(error)}`));
        }
      }),
    );
    await survey.start(() => startWindowSurvey(surveyor, thisWindow, runDir, version, log));
    // Requested explicitly, so that a machine that cannot be scanned is reported instead of waited for.
    await survey.refresh();
    store.add(registerAgentTools(tools));
    if (thisWindow.own) {
      store.add(serveRequests(runDir, { pid: process.pid, identity: identityKey(thisWindow.own) }, answer, log));
    }
    return store;
  } catch (error) {
    store.dispose();
    throw error;
  }
}

/** `cached`: only answers from earlier are used. */
function registryMode(): RegistryMode {
  if (!asksRegistries()) {
    return 'off';
  }
  return staysOffline(process.env) ? 'cached' : 'ask';
}
