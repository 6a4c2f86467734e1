// `npm run demo`: MCP Shepherd in a throw-away home where one server is stale, one runs twice and one is an orphan.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runDemo } from './demo/runDemo.ts';
import { current } from './editor/editorVersion.ts';
import { installEditor } from './editor/installEditor.ts';
import { processNamespace } from './suites/processNamespace.ts';
import { buildBundles } from './system/buildBundles.ts';
import { interruption } from './system/interruption.ts';
import { openAddress } from './system/openAddress.ts';
import { printProgress, timed } from './system/progress.ts';
import { runScript } from './system/runScript.ts';

const inside = '--inside';
const folderOfInside = process.argv[process.argv.indexOf(inside) + 1];
const interrupted = interruption();

await runScript(process.argv.includes(inside) && folderOfInside ? () => insideNamespace(folderOfInside) : outside);

/** The whole demo, from the build to the removal of the home. */
async function outside(): Promise<void> {
  await timed('Building', printProgress, buildBundles);
  await installEditor(current);
  const namespace = processNamespace();
  const folder = mkdtempSync(join(tmpdir(), 'mcp-shepherd-demo-'));
  try {
    if (namespace.reason) {
      printProgress(`${namespace.reason}. The demo will show this machine's own servers too.`);
      await runDemo(folder, interrupted, openAddress);
    } else {
      await runInside(namespace.wrap([process.execPath, import.meta.filename, inside, folder]));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The part that runs in a PID namespace; the outer process says when to end, or has died. */
async function insideNamespace(folder: string): Promise<void> {
  const told = new Promise<void>((resolve) => {
    process.once('message', () => resolve());
    process.once('disconnect', () => resolve());
  });
  try {
    await runDemo(folder, Promise.race([interrupted, told]), (url) => process.send?.({ url }));
  } finally {
    // The outer process would do it, if it is still there.
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Runs the demo in the namespace and waits for its end; opens the browser from out here, where the desktop is. */
async function runInside(command: readonly string[]): Promise<void> {
  const [program = '', ...rest] = command;
  const child: ChildProcess = spawn(program, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  child.on('message', (message: { url: string }) => openAddress(message.url));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await Promise.race([interrupted, ended]);
  if (child.connected) {
    child.send('end');
  }
  // With the namespace's first process everything in it ends, whatever it is doing.
  const impatience = setTimeout(() => child.kill('SIGKILL'), 15_000);
  const code = await ended;
  clearTimeout(impatience);
  if (code) {
    throw new Error(`The demo ended with ${code}.`);
  }
}
