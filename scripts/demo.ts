// `npm run demo`: MCP Shepherd in a temporary home where one server is stale, one runs twice, one is an orphan and one is not started before it is called.
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

/** The whole demo, from the build to the removal of the temporary home. */
async function outside(): Promise<void> {
  await timed('Building', printProgress, buildBundles);
  await installEditor(current);
  const namespace = processNamespace();
  const folder = mkdtempSync(join(tmpdir(), 'mcp-shepherd-demo-'));
  try {
    if (namespace.reason) {
      printProgress(`${namespace.reason}. The demo will also show this machine's own servers.`);
      await runDemo(folder, interrupted, openAddress);
    } else {
      await runInside(namespace.wrap([process.execPath, import.meta.filename, inside, folder]));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The part that runs in a PID namespace. It ends when the outer process says so or has exited. */
async function insideNamespace(folder: string): Promise<void> {
  const told = new Promise<void>((resolve) => {
    process.once('message', () => resolve());
    process.once('disconnect', () => resolve());
  });
  try {
    await runDemo(folder, Promise.race([interrupted, told]), (url) => process.send?.({ url }));
  } finally {
    // In case the outer process no longer runs.
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Runs the demo in the namespace and waits for its end. Opens the browser outside the namespace, where the desktop is. */
async function runInside(command: readonly string[]): Promise<void> {
  const [program = '', ...rest] = command;
  const child: ChildProcess = spawn(program, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  child.on('message', (message: { url: string }) => openAddress(message.url));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await Promise.race([interrupted, ended]);
  if (child.connected) {
    child.send('end');
  }
  // When the first process of the namespace ends, the kernel ends all others in it.
  const killTimer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  const code = await ended;
  clearTimeout(killTimer);
  if (code) {
    throw new Error(`The demo ended with ${code}.`);
  }
}
