import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { RawDefinition } from '../../model/definition.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { runDirFor } from '../../storage/stateFolder.ts';
import { createSurveyor } from '../../survey/machineSurveyor.ts';
import type { Surveyor } from '../../survey/surveyor.ts';
import { staysOffline } from '../../survey/updates/registryClient.ts';
import type { CommandContext } from '../command.ts';
import { UsageError } from '../exitCodes.ts';
import { terminalText } from '../render/text.ts';
import type { Output } from '../terminal.ts';

/** One run's look at the machine. */
export interface CliSession {
  readonly surveyor: Surveyor;
  readonly runFolder: RunFolderOption;
  /** Project folders that were asked for. */
  readonly folders: readonly string[];
}

export interface SessionOptions {
  readonly log?: Log;
  /** Registries may be asked, unless the user wants to stay offline; else what was asked before is shown. */
  readonly asks?: boolean;
  /** Entries that no file holds. */
  readonly entries?: readonly RawDefinition[];
}

export interface RunFolderOption {
  readonly path: string;
  /** What moved it away from the usual place. */
  readonly movedBy?: '--run-dir' | 'MCP_RUN_DIR';
}

/**
 * The answer may still be moving (an installer at work, a server that started a moment ago, a copy seen once only): it is asked
 * again after the time that the survey names, this long in all.
 */
const settleMs = 2_500;

/** A registry has two seconds. */
const registryMs = 2_200;

/** @throws UsageError for folders that cannot be used; what the survey throws when the machine has no process list */
export async function openSession(
  context: CommandContext,
  { log = stderrLog(context.shell.stderr), asks = false, entries = [] }: SessionOptions = {},
): Promise<CliSession> {
  const { shell } = context;
  const runFolder = runFolderOf(context);
  const { folders, workspaceFiles } = projects(context);
  const surveyor = await createSurveyor({
    home: shell.home,
    platform: shell.platform,
    env: shell.env,
    runDir: runFolder.path,
    folders,
    workspaceFiles,
    vscodeUserDirs: [],
    entries,
    log,
    registry: () => (asks && !context.values.offline && !staysOffline(shell.env) ? 'ask' : 'cached'),
  });
  return { surveyor, runFolder, folders };
}

/** Where the run folder is and why. @throws UsageError when it is no absolute path */
export function runFolderOf({ values, shell }: Pick<CommandContext, 'values' | 'shell'>): RunFolderOption {
  const argument = values['run-dir'];
  try {
    const path = runDirFor(shell.env, argument);
    return { path, ...(argument !== undefined ? { movedBy: '--run-dir' } : shell.env.MCP_RUN_DIR ? { movedBy: 'MCP_RUN_DIR' } : {}) };
  } catch (error) {
    throw new UsageError(terminalText(reasonOf(error)));
  }
}

/** Said wherever the run folder is not the usual one: what is known of each server depends on it. */
export function runFolderRemark(runFolder: RunFolderOption): string | undefined {
  return runFolder.movedBy && `run folder: ${runFolder.path} (${runFolder.movedBy})`;
}

/** One look that has come to rest. @throws what the survey throws */
export async function settledSurvey(surveyor: Surveyor, ended: AbortSignal): Promise<Snapshot> {
  const until = Date.now() + settleMs;
  let snapshot = await surveyor.survey();
  for (;;) {
    const wait = surveyor.askAgainIn();
    if (wait === undefined || ended.aborted || Date.now() + wait > until) {
      return snapshot;
    }
    await new Promise((done) => setTimeout(done, Math.max(wait, 20)));
    snapshot = await surveyor.survey();
  }
}

/** The look with what registries answer, where any is being asked (once a day for each package); waits for that at most `registryMs`. */
export async function withRegistries(surveyor: Surveyor, snapshot: Snapshot, ended: AbortSignal): Promise<Snapshot> {
  const asking = surveyor.asking();
  if (!asking || ended.aborted) {
    return snapshot;
  }
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([
    asking,
    new Promise<void>((done) => {
      timer = setTimeout(done, registryMs);
      ended.addEventListener('abort', () => done(), { once: true });
    }),
  ]);
  clearTimeout(timer);
  return surveyor.survey();
}

/** Warnings and errors of the core, a line each on stderr. */
export function stderrLog(stderr: Output): Log {
  const line = (message: string): void => stderr.write(`mcp-shepherd: ${terminalText(message)}\n`);
  return { debug() {}, info() {}, warn: line, error: line };
}

/** `--folder` takes a folder or a `.code-workspace` file, which names its folders itself. */
function projects({ values, shell }: CommandContext): { readonly folders: string[]; readonly workspaceFiles: string[] } {
  const asked = values.folder;
  const folders = asked.length === 0 ? [shell.cwd] : [];
  const workspaceFiles: string[] = [];
  for (const one of asked) {
    const path = resolve(shell.cwd, one);
    if (isDirectory(path)) {
      folders.push(path);
    } else if (path.endsWith('.code-workspace') && existsSync(path)) {
      workspaceFiles.push(path);
    } else {
      throw new UsageError(`--folder: "${terminalText(path)}" is no folder and no .code-workspace file`);
    }
  }
  return { folders, workspaceFiles };
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
