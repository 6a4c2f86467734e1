// Runs the suites of test/vscode inside a real VS Code: `node scripts/suites/vscodeChild.ts RESULT VERSION FILE…`.
// A child of test.ts, with the environment that it made.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { vscodeWorkspace } from '../../test/vscode/vscodeWorkspace.ts';
import { current, floor } from '../editor/editorVersion.ts';
import { installEditor } from '../editor/installEditor.ts';
import { runInExtensionHost } from './extensionHostRun.ts';

// For this process alone (runSuite.ts).
delete process.env.NODE_COMPILE_CACHE;
const [resultFile, version, ...files] = process.argv.slice(2);
if (!resultFile || files.length === 0) {
  throw new Error('Usage: vscodeChild.ts RESULT current|floor FILE…');
}
const workspace = await vscodeWorkspace();
try {
  const outcomes = await runInExtensionHost({
    editor: await installEditor(version === 'floor' ? floor : current),
    files: files.map((file) => resolve(file)),
    workspace: workspace.folder,
    env: process.env,
    say: (line) => process.stdout.write(`${line}\n`),
  });
  writeFileSync(resultFile, JSON.stringify(outcomes));
  process.exitCode = outcomes.some((outcome) => outcome.state === 'failed') ? 1 : 0;
} finally {
  workspace.remove();
}
