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

/** The scanner of one command, and where it works. */
export interface CliSession {
  readonly surveyor: Surveyor;
  readonly runFolder: RunFolderOption;
  /** Project folders from the command line. */
  readonly folders: readonly string[];
}

interface SessionOptions {
  readonly log?: Log;
  /** Whether registries may be asked; without it, and offline, earlier answers are used. */
  readonly asks?: boolean;
  /** Whether entries are judged as their files have them. */
  readonly health?: boolean;
  /** Entries that no file holds. */
  readonly entries?: readonly RawDefinition[];
}

export interface RunFolderOption {
  readonly path: string;
  /** The option or variable that replaces the default folder. */
  readonly movedBy?: '--run-dir' | 'MCP_RUN_DIR';
}

/**
 * How long a scan may be repeated until its result is settled, ms. It is not while an installer is at work, a server has just started, or a
 * copy was seen only once.
 */
const settleMs = 2_500;

/** How long to wait for registries, ms. Each has two seconds. */
const registryMs = 2_200;

/** @throws UsageError for folders that cannot be used; what the survey throws when the machine has no process list */
export async function openSession(
  context: CommandContext,
  { log = stderrLog(context.shell.stderr), asks = false, health = false, entries = [] }: SessionOptions = {},
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
    ...(health ? { health: 'terminal' } : {}),
    workspaceFiles,
    vscodeUserDirs: [],
    entries,
    log,
    registry: () => (asks && !context.values.offline && !staysOffline(shell.env) ? 'ask' : 'cached'),
  });
  return { surveyor, runFolder, folders };
}

/** The state folder and why it is that one. @throws UsageError when it is not an absolute path */
export function runFolderOf({ values, shell }: Pick<CommandContext, 'values' | 'shell'>): RunFolderOption {
  const argument = values['run-dir'];
  try {
    const path = runDirFor(shell.env, argument);
    return { path, ...(argument !== undefined ? { movedBy: '--run-dir' } : shell.env.MCP_RUN_DIR ? { movedBy: 'MCP_RUN_DIR' } : {}) };
  } catch (error) {
    throw new UsageError(terminalText(reasonOf(error)));
  }
}

/** A line for views when the state folder is not the default: what is known about each server depends on it. */
export function runFolderRemark(runFolder: RunFolderOption): string | undefined {
  return runFolder.movedBy && `state folder: ${runFolder.path} (${runFolder.movedBy})`;
}

/** A snapshot that is settled, or the last one within `settleMs`. @throws what the survey throws */
export async function settledSurvey(surveyor: Surveyor, ended: AbortSignal): Promise<Snapshot> {
  const deadline = Date.now() + settleMs;
  let snapshot = await surveyor.survey();
  for (;;) {
    const wait = surveyor.askAgainIn();
    if (wait === undefined || ended.aborted || Date.now() + wait > deadline) {
      return snapshot;
    }
    await new Promise((done) => setTimeout(done, Math.max(wait, 20)));
    snapshot = await surveyor.survey();
  }
}

/** The snapshot with the answers of the registries that are being asked (once a day for each package); waits at most `registryMs`. */
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

/** Warnings and errors, a line each on stderr. */
export function stderrLog(stderr: Output): Log {
  const line = (message: string): void => stderr.write(`mcp-shepherd: ${terminalText(message)}\n`);
  return { debug() {}, info() {}, warn: line, error: line };
}

/** `--folder` takes a folder or a `.code-workspace` file, which names its folders itself. */
function projects({ values, shell }: CommandContext): { readonly folders: string[]; readonly workspaceFiles: string[] } {
  const named = values.folder;
  const folders = named.length === 0 ? [shell.cwd] : [];
  const workspaceFiles: string[] = [];
  for (const one of named) {
    const path = resolve(shell.cwd, one);
    if (isDirectory(path)) {
      folders.push(path);
    } else if (path.endsWith('.code-workspace') && existsSync(path)) {
      workspaceFiles.push(path);
    } else {
      throw new UsageError(`--folder: "${terminalText(path)}" is neither a folder nor a .code-workspace file`);
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
