import { homedir } from 'node:os';
import { workspace } from 'vscode';
import { type Disposable, DisposableStore } from '../base/disposable.ts';
import type { Log } from '../base/log.ts';
import { publishThisWindow, type ThisWindow } from '../survey/facts/thisWindow.ts';
import { createSurveyor } from '../survey/machineSurveyor.ts';
import { startWindowSurvey } from '../survey/windowSurvey.ts';
import { settings } from './manifestNames.ts';
import { registryMode } from './settings.ts';
import type { SurveyHandle } from './window/surveyHandle.ts';
import { surveyedFolders, workspaceFiles } from './workspacePaths.ts';

/**
 * Starts to look at this machine and to keep looking, with the folders of this window; other windows and the command line learn of them too.
 *
 * @param userDir VS Code's `User` folder @param version of the extension
 * @throws when the system has no process list that can be read
 */
export async function startSurvey(
  here: ThisWindow,
  runDir: string,
  userDir: string,
  version: string,
  survey: SurveyHandle,
  log: Log,
): Promise<Disposable> {
  const store = new DisposableStore();
  const paths = () => ({ folders: surveyedFolders(), workspaceFiles: workspaceFiles(), userDirs: [userDir] });
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
        log,
        registry: registryMode,
        table: here.table,
      }),
    );
    let published = publishThisWindow(runDir, here, paths());
    store.add({ dispose: () => published.dispose() });
    const moved = async (): Promise<void> => {
      surveyor.setFolders(surveyedFolders(), workspaceFiles());
      published = publishThisWindow(runDir, here, paths());
      await survey.refresh();
    };
    store.add(
      workspace.onDidChangeWorkspaceFolders(() => {
        moved().catch((error: unknown) => log.error(`The window's folders changed, and that could not be followed: ${String(error)}`));
      }),
    );
    store.add(
      workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration(settings.registryEnabled)) {
          survey.refresh().catch((error: unknown) => log.error(`The look after a change of settings failed: ${String(error)}`));
        }
      }),
    );
    await survey.start(() => startWindowSurvey(surveyor, here, runDir, version, log));
    // The first look is asked for, so that a machine that cannot be surveyed at all is told and not waited for.
    await survey.refresh();
    return store;
  } catch (error) {
    store.dispose();
    throw error;
  }
}
