import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withoutNpmRun } from '../system/npm.ts';
import { endTree } from '../system/processTree.ts';
import { waitFor } from '../system/waitFor.ts';
import type { InstalledEditor } from './installEditor.ts';

type EditorOptions = {
  readonly editor: InstalledEditor;
  /** The folder that `url()` opens. */
  readonly workspace: string;
  /** Loads an extension from its folder, as for development. Works only with `smokeDriver`. */
  readonly extensionDevelopmentPath?: string;
  /** Loads a bundled mocha inside the extension host: a .cjs file that exports `run()`. Works only with `smokeDriver`. */
  readonly extensionTestsPath?: string;
  /** Folder of installed extensions; default: an empty one in the data folder. */
  readonly extensionsDir?: string;
  /** The complete environment of the editor, its extension hosts and the servers that they start. */
  readonly env?: NodeJS.ProcessEnv;
  /** Needed for the two paths above; suppresses notification toasts. */
  readonly smokeDriver?: boolean;
  /** Folders are opened in Restricted Mode until the user trusts them; otherwise all are trusted. */
  readonly workspaceTrust?: boolean;
  /** Default: a free one. */
  readonly port?: number;
  /** Where the editor keeps its data; default: a temporary folder that `dispose` removes. */
  readonly dataDir?: string;
  /** All user settings, written before the first window opens; by default those in the data folder stay. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Seconds that the extension host of a lost window keeps running (VS Code's default is 10800). */
  readonly reconnectionGraceTime?: number;
};

/** A running VS Code server. */
export type Editor = {
  readonly port: number;
  readonly pid: number;
  readonly dataDir: string;
  /** The address of a window on a folder; default: the workspace of the options. */
  readonly url: (folder?: string) => string;
  /** What the server has printed so far. */
  readonly log: () => string;
  /** Resolves when the server has ended, by itself or by `dispose`. */
  readonly ended: Promise<void>;
  /** Ends the server and all its processes, waits for them, and removes temporary files. */
  readonly dispose: () => Promise<void>;
};

/**
 * Starts a VS Code server and waits until it accepts windows (about 4 s).
 *
 * @throws Error with the last lines of its output when it ends before that or takes longer than a minute
 */
export async function startEditor(options: EditorOptions): Promise<Editor> {
  const temporary = options.dataDir === undefined ? mkdtempSync(join(tmpdir(), 'mcp-shepherd-editor-')) : undefined;
  const dataDir = options.dataDir ?? temporary ?? '';
  const extensionsDir = options.extensionsDir ?? join(dataDir, 'extensions');
  const user = join(dataDir, 'data', 'User');
  for (const folder of [user, extensionsDir]) {
    mkdirSync(folder, { recursive: true });
  }
  if (options.settings) {
    writeFileSync(join(user, 'settings.json'), `${JSON.stringify(options.settings, undefined, 2)}\n`);
  }

  const child = spawn(options.editor.node, serverArguments(options, dataDir, extensionsDir), {
    cwd: options.workspace,
    env: editorEnvironment(options.env ?? process.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const collect = (text: string): void => {
    output = (output + text).slice(-500_000);
  };
  child.stdout.setEncoding('utf8').on('data', collect);
  child.stderr.setEncoding('utf8').on('data', collect);
  let failure: Error | undefined;
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      failure = error;
      resolve();
    });
    child.once('exit', (code, signal) => {
      failure ??= new Error(`The VS Code server ended with ${signal ?? code}.`);
      resolve();
    });
  });
  const dispose = async (): Promise<void> => {
    if (child.pid !== undefined) {
      await endTree(child.pid);
    }
    if (temporary) {
      rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
    }
  };

  try {
    const port = await waitFor(
      'the VS Code server to start',
      () => {
        if (failure) {
          throw failure;
        }
        const ready = output.includes('Extension host agent started');
        return ready ? Number(/Extension host agent listening on (\d+)/.exec(output)?.[1] ?? 0) : undefined;
      },
      { limit: 60_000 },
    );
    return { port, pid: child.pid ?? 0, dataDir, url: addresses(options, port), log: () => output, ended, dispose };
  } catch (error) {
    await dispose();
    throw new Error(`${String(error)}\n${output.trim().split('\n').slice(-15).join('\n')}`, { cause: error });
  }
}

function serverArguments(options: EditorOptions, dataDir: string, extensionsDir: string): string[] {
  return [
    options.editor.serverMain,
    ...['--host', '127.0.0.1'],
    ...['--port', String(options.port ?? 0)],
    ...['--server-data-dir', dataDir],
    ...['--extensions-dir', extensionsDir],
    ...['--telemetry-level', 'off'],
    '--without-connection-token',
    '--accept-server-license-terms',
    ...(options.workspaceTrust ? [] : ['--disable-workspace-trust']),
    ...(options.smokeDriver ? ['--enable-smoke-test-driver'] : []),
    ...(options.reconnectionGraceTime === undefined ? [] : ['--reconnection-grace-time', String(options.reconnectionGraceTime)]),
  ];
}

/** Without the variables of an editor or npm run that started this process; they would confuse the new editor. */
function editorEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(withoutNpmRun(env)).filter(([name]) => !/^(?:VSCODE_|ELECTRON_RUN_AS_NODE$|NODE_OPTIONS$|NODE_CHANNEL_)/.test(name)),
  );
}

function addresses(options: EditorOptions, port: number): (folder?: string) => string {
  const remote = (path: string): string => `vscode-remote://127.0.0.1:${port}${path}`;
  const payload = [
    ...(options.extensionDevelopmentPath ? [['extensionDevelopmentPath', remote(options.extensionDevelopmentPath)]] : []),
    ...(options.extensionTestsPath ? [['extensionTestsPath', remote(options.extensionTestsPath)]] : []),
  ];
  return (folder = options.workspace) => {
    const query = new URLSearchParams({ folder, ...(payload.length > 0 ? { payload: JSON.stringify(payload) } : {}) });
    return `http://127.0.0.1:${port}/?${query}`;
  };
}
