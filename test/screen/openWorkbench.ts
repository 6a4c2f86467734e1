import { deepEqual } from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { current, type EditorVersion } from '../../scripts/editor/editorVersion.ts';
import { installEditor } from '../../scripts/editor/installEditor.ts';
import { launchBrowser } from '../../scripts/editor/launchBrowser.ts';
import { quietSettings } from '../../scripts/editor/quietSettings.ts';
import { stageExtension } from '../../scripts/editor/stageExtension.ts';
import { type Editor, startEditor } from '../../scripts/editor/startEditor.ts';
import { faultsInLogs } from '../everySnapshot.ts';
import { Workbench } from './workbench.ts';

/** The folders of one workbench, all new and empty. */
export type WorkbenchPlaces = {
  readonly home: string;
  readonly workspace: string;
  /** MCP_RUN_DIR */
  readonly runDir: string;
  /** The editor's server-data-dir; `data/User/mcp.json` below it is the user's own list of servers. */
  readonly dataDir: string;
  /** Installed extensions, ours included. */
  readonly extensionsDir: string;
};

export type WorkbenchOptions = {
  /** Writes files (configuration, servers, further extensions) before the window opens. */
  readonly prepare?: (places: WorkbenchPlaces) => void | Promise<void>;
  readonly theme?: 'light' | 'dark';
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Added to the environment of the editor and all that it starts. */
  readonly env?: NodeJS.ProcessEnv;
  readonly version?: EditorVersion;
  /** The extension is not copied into the extensions folder; `prepare` installs it in another way. */
  readonly bare?: true;
  /** The folder is not trusted: Restricted Mode. */
  readonly restricted?: boolean;
  readonly size?: { readonly width: number; readonly height: number };
  /** The display language; default: English. The editor's own texts stay English, because it has no language pack. */
  readonly language?: string;
};

/**
 * Opens a window of a real VS Code on an empty folder, with the built extension installed as a user has it: started
 * without the smoke-test driver, so that notifications show. It has a home, a run folder and a browser of its own.
 * Takes about 5 s. `close()` of the result ends and removes everything.
 */
export async function openWorkbench(options: WorkbenchOptions = {}): Promise<Workbench> {
  const root = mkdtempSync(join(tmpdir(), 'wb-'));
  const place = (name: string): string => {
    const path = join(root, name);
    // The lock protocol refuses a run folder that others can write to.
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  };
  const places: WorkbenchPlaces = {
    home: place('home'),
    workspace: place('project'),
    runDir: place('run'),
    dataDir: place('data'),
    extensionsDir: place('extensions'),
  };
  let editor: Editor | undefined;
  let browser: Browser | undefined;
  const close = async (): Promise<void> => {
    await browser?.close();
    await editor?.dispose();
    const faults = faultsInLogs(places.dataDir);
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    deepEqual(faults, [], 'a snapshot in this window contradicted itself');
  };
  try {
    if (!options.bare) {
      stageExtension(places.extensionsDir);
    }
    await options.prepare?.(places);
    const env = { ...process.env, HOME: places.home, MCP_RUN_DIR: places.runDir, ...options.env };
    [editor, browser] = await Promise.all([
      startEditor({
        editor: await installEditor(options.version ?? current),
        workspace: places.workspace,
        dataDir: places.dataDir,
        extensionsDir: places.extensionsDir,
        ...(options.restricted ? { workspaceTrust: true } : {}),
        env,
        settings: {
          ...quietSettings,
          'window.autoDetectColorScheme': true,
          ...(options.restricted ? { 'security.workspace.trust.startupPrompt': 'never' } : {}),
          ...options.settings,
        },
      }),
      launchBrowser(env),
    ]);
    const context = await browser.newContext({
      viewport: options.size ?? { width: 1120, height: 680 },
      colorScheme: options.theme ?? 'dark',
    });
    if (options.language !== undefined) {
      // What the page of a language pack sets before the workbench starts: the editor tells extension hosts and the reader of manifests this language.
      await context.addInitScript(`globalThis._VSCODE_NLS_LANGUAGE = ${JSON.stringify(options.language)};`);
    }
    const page = await openPage(context, editor.url());
    return new Workbench({ page, editor, places, close });
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens one more window on the same server: it gets an extension host of its own. */
export async function openAnotherWindow(workbench: Workbench, folder?: string): Promise<Page> {
  return openPage(workbench.page.context(), workbench.editor.url(folder));
}

async function openPage(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(url);
  await waitForWorkbench(page);
  return page;
}

/** Waits until the window has its status bar and the extension host behind it has answered. */
export async function waitForWorkbench(page: Page): Promise<void> {
  await page.locator('[id="status.notifications"]').waitFor({ timeout: 120_000 });
  // Shown while extensions are being activated; absent or hidden when that is over.
  await page.locator('[id="status.host"][aria-label*="Opening"]').waitFor({ state: 'detached', timeout: 120_000 });
}
