import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { withoutNpmRun } from '../system/npm.ts';
import { installServer } from '../system/npmServer.ts';
import { endTree, type ProcessEntry, stillAlive } from '../system/processTree.ts';
import { type Progress, timed } from '../system/progress.ts';
import { projectRoot } from '../system/projectPaths.ts';
import { waitFor } from '../system/waitFor.ts';
import { withoutClientMarks } from '../system/withoutClientMarks.ts';
import { installDemoServers, staleServer, writeDemoConfiguration } from './demoServers.ts';
import { installStandIn, type StandIn, startStandIn } from './standIn.ts';

/** A temporary home with real servers: a duplicate, an orphan, one that becomes stale, and one that is not started before it is called. */
export type Demo = {
  readonly home: string;
  /** The folder to open; its `.vscode/mcp.json` has `everything`, in the old version until `upgrade`. */
  readonly workspace: string;
  /** The environment for programs that show the demo: HOME, MCP_RUN_DIR, PATH and more. */
  readonly env: NodeJS.ProcessEnv;
  /** The stand-in for Claude Code that runs `memory` twice, and the guard of `files`, which is not started (and, when asked for, `everything`). */
  readonly claude: StandIn;
  readonly duplicates: readonly ProcessEntry[];
  /** `thinking`, whose client was killed. */
  readonly orphan: ProcessEntry;
  /** Installs the newer version of `everything` in place, so that the running server becomes stale. */
  readonly upgrade: () => Promise<void>;
  /** Ends every process that the demo started. The caller removes the folder. */
  readonly dispose: () => Promise<void>;
};

/**
 * Prepares the demo in an existing, empty folder: installs real servers from npm (about 10 s), writes the clients' configuration, starts a stand-in client
 * and kills another one.
 *
 * @param cli the built command line, with the guard beside it @param withEverything the stand-in runs `everything` too; otherwise VS Code starts it
 */
export async function prepareDemo(
  folder: string,
  progress: Progress,
  { cli, withEverything = false }: { cli: string; withEverything?: boolean },
): Promise<Demo> {
  const home = join(folder, 'home');
  const workspace = join(home, 'project');
  const tools = join(home, 'tools');
  // For sockets of the editor and caches of Node, which are removed with the folder.
  const temporary = join(folder, 'tmp');
  for (const path of [tools, temporary]) {
    mkdirSync(path, { recursive: true });
  }
  const stubborn = join(tools, 'stubborn.cjs');
  copyFileSync(join(import.meta.dirname, 'stubborn.cjs'), stubborn);
  const env: NodeJS.ProcessEnv = {
    ...withoutClientMarks(withoutNpmRun(process.env)),
    HOME: home,
    USERPROFILE: home,
    TMPDIR: temporary,
    TEMP: temporary,
    TMP: temporary,
    MCP_RUN_DIR: join(folder, 'run'),
    PATH: `${join(projectRoot, 'node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}`,
  };
  const servers = await timed('Installing four real MCP servers from npm', progress, () => installDemoServers(workspace, tools, stubborn));
  writeDemoConfiguration(home, workspace, servers);
  writeFileSync(join(workspace, 'README.md'), 'The project of the MCP Shepherd demo. It is removed at the end.\n');

  const program = installStandIn(tools);
  const server = (name: 'memory' | 'thinking' | 'everything', copies: number) => ({ name, copies, command: 'node', args: servers[name] });
  const started: StandIn[] = [];
  const orphans: ProcessEntry[] = [];
  const dispose = async (): Promise<void> => {
    await Promise.all(started.map((client) => client.dispose()));
    await Promise.all(stillAlive(orphans).map((entry) => endTree(entry.pid)));
  };
  try {
    const files = { name: 'files', copies: 1, ...(await makeLazy('files', cli, home, env)) };
    const learn = async (): Promise<boolean> => {
      await (await startStandIn(program, workspace, env, [files])).dispose();
      return hasAnswers(env);
    };
    // Code that has just been installed is not trusted: the first session may teach nothing.
    await timed('Starting a server once, so that it need not be started again', progress, () =>
      waitFor('its answers to be kept', learn, { limit: 30_000, every: 500 }),
    );
    const list = [server('memory', 2), files, ...(withEverything ? [server('everything', 1)] : [])];
    const claude = await timed('Starting a client that runs one server twice', progress, () => startStandIn(program, workspace, env, list));
    started.push(claude);
    const crashing = await timed('Starting a client whose server outlives it', progress, () =>
      startStandIn(program, workspace, env, [server('thinking', 1)]),
    );
    started.push(crashing);
    orphans.push(...(crashing.servers.get('thinking') ?? []));
    await crashing.crash();
    const orphan = stillAlive(orphans)[0];
    if (!orphan) {
      throw new Error('The server that should outlive its client has ended.');
    }
    const upgrade = async (): Promise<void> => {
      await installServer(workspace, staleServer.name, staleServer.new);
    };
    return { home, workspace, env, claude, duplicates: claude.servers.get('memory') ?? [], orphan, upgrade, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Has the guard start a server of Claude Code at its first call, as a user would. @returns its entry */
async function makeLazy(name: string, cli: string, home: string, env: NodeJS.ProcessEnv): Promise<{ command: string; args: string[] }> {
  await promisify(execFile)(process.execPath, [cli, 'protect', name, '--client', 'claude-code', '--start', 'lazy', '--yes'], {
    env,
    cwd: home,
  });
  return JSON.parse(readFileSync(join(home, '.claude.json'), 'utf8')).mcpServers[name];
}

function hasAnswers({ MCP_RUN_DIR = '' }: NodeJS.ProcessEnv): boolean {
  const folder = join(MCP_RUN_DIR, 'shepherd', 'lazy');
  return (
    existsSync(folder) &&
    readdirSync(folder).some((file) => file.endsWith('.json') && readFileSync(join(folder, file), 'utf8').includes('tools/list'))
  );
}
