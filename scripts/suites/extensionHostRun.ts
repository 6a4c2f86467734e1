import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { InstalledEditor } from '../editor/installEditor.ts';
import { launchBrowser } from '../editor/launchBrowser.ts';
import { quietSettings } from '../editor/quietSettings.ts';
import { stageExtension } from '../editor/stageExtension.ts';
import { startEditor } from '../editor/startEditor.ts';
import { projectRoot } from '../system/projectPaths.ts';
import type { TestOutcome } from './outcome.ts';

type ExtensionHostRun = {
  readonly editor: InstalledEditor;
  /** Test files; they are bundled with mocha. */
  readonly files: readonly string[];
  readonly workspace: string;
  readonly env: NodeJS.ProcessEnv;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Milliseconds for the whole run. */
  readonly limit?: number;
  /** Receives the lines that the tests print. */
  readonly say: (line: string) => void;
};

/**
 * Runs test files inside the extension host of a real VS Code, with the built extension loaded for development.
 *
 * @returns the outcome of each test
 * @throws Error when there is no result: the editor did not start, the tests did not load, the time limit passed
 */
export async function runInExtensionHost(run: ExtensionHostRun): Promise<TestOutcome[]> {
  const folder = mkdtempSync(join(tmpdir(), 'host-'));
  const resultFile = join(folder, 'result.json');
  try {
    const extension = stageExtension(join(folder, 'staged'));
    const tests = await bundleTests(run.files, folder);
    const editor = await startEditor({
      editor: run.editor,
      workspace: run.workspace,
      extensionDevelopmentPath: extension,
      extensionTestsPath: tests,
      smokeDriver: true,
      env: { ...run.env, MCP_SHEPHERD_TEST_RESULT: resultFile },
      settings: { ...quietSettings, ...run.settings },
    });
    try {
      const printed = await openAndWait(editor.url(), run);
      if (!existsSync(resultFile)) {
        throw new Error(`The tests ended without a result.\n${printed}\n--- the editor's log\n${editor.log().slice(-5_000)}`);
      }
      return JSON.parse(readFileSync(resultFile, 'utf8'));
    } finally {
      await editor.dispose();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function bundleTests(files: readonly string[], folder: string): Promise<string> {
  const outfile = join(folder, 'tests.cjs');
  const loads = files.map((file) => `await import(${JSON.stringify(file)});`).join('\n');
  await build({
    stdin: {
      contents: `import { runSuites } from './test/vscode/entry.ts';\nexport const run = () => runSuites(async () => {\n${loads}\n});`,
      resolveDir: projectRoot,
      sourcefile: 'suites.ts',
      loader: 'ts',
    },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    external: ['vscode'],
    mainFields: ['module', 'main'],
    define: { 'import.meta.url': '__importMetaUrl' },
    banner: { js: "const __importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
    sourcemap: 'inline',
    logLevel: 'error',
  });
  return outfile;
}

/** Opens the window and waits for the exit code. @returns the printed lines, for the message when there is no result */
async function openAndWait(url: string, run: ExtensionHostRun): Promise<string> {
  const browser = await launchBrowser(run.env);
  const printed: string[] = [];
  const limit = run.limit ?? 500_000;
  try {
    const page = await browser.newPage();
    await page.exposeFunction('codeAutomationLog', (_type: string, values: unknown[]) => {
      const line = values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' ');
      printed.push(line);
      if (line.startsWith('[test]')) {
        run.say(line.slice('[test]'.length));
      }
    });
    let timer: NodeJS.Timeout | undefined;
    const exit = new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`The tests did not end within ${limit / 1000} s.\n${printed.join('\n')}`)), limit);
      void page
        .exposeFunction('codeAutomationExit', () => resolve())
        .then(() => page.goto(url))
        .catch(reject);
    });
    await exit.finally(() => clearTimeout(timer));
    return printed.join('\n');
  } finally {
    await browser.close();
  }
}
