import { once } from 'node:events';
import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import spawn from 'cross-spawn';
import { reasonOf } from '../../base/errors.ts';
import type { ListenerTable, ProcessTable } from '../../model/process.ts';
import { systemTerminator, terminateTree } from '../../process/terminateTree.ts';
import { processTree } from '../../process/tree/processTree.ts';
import type { Redactor } from '../../redaction/redactor.ts';
import { privateFolder } from '../../storage/privateFolder.ts';
import { writeErrorReason } from '../../storage/stateFolder.ts';
import type { Launch } from './ensureDecision.ts';
import type { StartReport } from './ensureServer.ts';
import { logFileName, readLog } from './keptLogs.ts';

interface StartOptions {
  readonly name: string;
  readonly port: number;
  readonly launch: Launch;
  readonly runDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How long it may take until the server listens, ms. */
  readonly limitMs: number;
  readonly table: ProcessTable;
  readonly listeners: ListenerTable;
  readonly redactor: Redactor;
}

const pollMs = 100;
/** The end of the log, which tells the user why the server did not start. */
const tailBytes = 4_096;
const tailLines = 20;

/**
 * Starts a server that keeps running after this program: in its own session, without input, with its output in a log file of this user. Waits until it
 * listens. A server that does not listen in time is stopped again.
 */
export async function startDetachedServer(options: StartOptions): Promise<StartReport> {
  const { name, port, launch, table, listeners } = options;
  let log = '';
  let output: number | undefined;
  try {
    const folder = privateFolder(options.runDir, 'logs');
    log = join(folder, logFileName(name, port));
    // Not through a link, and not into a file of another user.
    rmSync(log, { force: true });
    output = openSync(log, 'wx', 0o600);
  } catch (error) {
    return {
      status: 'failed',
      reason: `${name} was not started: its log${log && ` ${log}`} cannot be written (${writeErrorReason(error)})`,
      log,
      tail: [],
    };
  }
  const fill = (text: string): string => text.replaceAll('{port}', String(port));
  const own = Object.fromEntries(Object.entries(launch.env ?? {}).map(([key, value]) => [key, fill(value)]));
  const failed = (reason: string): StartReport => ({ status: 'failed', reason, log, tail: tailOf(log, options.redactor) });
  const child = spawn(launch.command, launch.args.map(fill), {
    detached: true,
    stdio: ['ignore', output, output],
    windowsHide: true,
    env: { ...options.env, PORT: String(port), ...own },
    ...(launch.cwd === undefined ? {} : { cwd: launch.cwd }),
  });
  closeSync(output);
  try {
    // Node waits for the exec: a missing program fails here.
    await once(child, 'spawn');
  } catch (error) {
    return failed(`${name} could not be started: ${options.redactor.text(reasonOf(error))}`);
  }
  const pid = child.pid ?? 0;
  const until = performance.now() + options.limitMs;
  let exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | undefined;
  child.once('exit', (code, signal) => {
    exit = { code, signal };
  });
  child.unref();
  while (performance.now() < until) {
    const ended = exit;
    if (ended && ended.code !== 0) {
      return failed(`${name} exited with ${ended.signal ?? `code ${ended.code}`} before it listened on port ${port}`);
    }
    const holders = (await listeners.read(new Set([port])))?.listeners.flatMap((one) => one.pids) ?? [];
    if (holders.length > 0) {
      const tree = processTree(await table.list());
      const ours = tree.rows.filter(
        (row) => holders.includes(row.pid) && (row.pid === pid || tree.ancestorsOf(row).some((above) => above.pid === pid)),
      );
      if (ours[0] || ended) {
        // A program that runs itself in the background has exited; what listens now is what it started.
        return { status: 'listening', pid: ours[0]?.pid ?? holders[0] ?? pid, log };
      }
      await stopOwn(pid, table);
      return failed(`port ${port} was taken by PID ${holders[0]} while ${name} started`);
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  await stopOwn(pid, table);
  return failed(`${name} did not listen on port ${port} within ${options.limitMs / 1_000} s, and was stopped again`);
}

async function stopOwn(pid: number, table: ProcessTable): Promise<void> {
  const row = (await table.list()).find((one) => one.pid === pid && one.ppid === process.pid);
  if (row) {
    await terminateTree({ server: row.identity, launchers: [], objection: () => undefined, politeMs: 2_000 }, systemTerminator(table));
  }
}

function tailOf(log: string, redactor: Redactor): string[] {
  return redactor
    .text(readLog(log, tailBytes)?.text ?? '')
    .trimEnd()
    .split(/\r?\n/)
    .slice(-tailLines);
}
