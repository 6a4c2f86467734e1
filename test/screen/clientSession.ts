import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { endTree } from '../../scripts/system/processTree.ts';
import { projectRoot } from '../../scripts/system/projectPaths.ts';
import { waitFor } from '../../scripts/system/waitFor.ts';

/** Clients whose processes were recorded (Claude Code 2.1.329, Codex 0.169.0); a session of the stand-in looks the same. */
export type RecordedClient = 'claude-code by npm' | 'claude-code native' | 'codex';

/** What a session starts: one entry of its configuration. */
export type SessionServer = {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly copies: number;
};

/** A running stand-in. */
export type ClientSession = {
  readonly pid: number;
  /** What it started, each the topmost process of a server that has answered. */
  readonly servers: readonly { readonly name: string; readonly pid: number }[];
  readonly dispose: () => Promise<void>;
};

type Recorded = {
  /** Copies the program to a path where the client is recognised, and returns its arguments. */
  readonly launch: (folder: string, cwd: string) => { readonly args: readonly string[]; readonly argv0?: string };
  /** The variables that the client itself adds to the environment of its servers. */
  readonly marks: (cwd: string) => Readonly<Record<string, string>>;
  /** Its own environment. */
  readonly environment: (env: NodeJS.ProcessEnv) => NodeJS.ProcessEnv;
  /** Each server gets a process group. */
  readonly ownGroup: boolean;
};

/** Speaks the protocol for real. */
const standIn = join(projectRoot, 'scripts', 'demo', 'standInClient.mjs');

const claude: Omit<Recorded, 'launch'> = {
  marks: (cwd) => ({
    CLAUDECODE: '1',
    CLAUDE_CODE_ENTRYPOINT: 'cli',
    CLAUDE_CODE_SESSION_ID: '00000000-0000-4000-8000-000000000000',
    CLAUDE_PROJECT_DIR: cwd,
  }),
  environment: (env) => env,
  ownGroup: false,
};

const recorded: Readonly<Record<RecordedClient, Recorded>> = {
  'claude-code by npm': {
    ...claude,
    launch: (folder) => ({
      args: [install(join(folder, 'lib', 'node_modules', '@anthropic-ai', 'claude-code', 'cli.js'), '@anthropic-ai/claude-code')],
    }),
  },
  'claude-code native': {
    ...claude,
    // The client overwrites its command line; one word is left.
    launch: (folder) => ({ args: ['--title=claude', install(join(folder, 'share', 'claude', 'session.js'), 'session')] }),
  },
  codex: {
    launch: (folder, cwd) => {
      // The arguments are the real ones; Node finds the script in the directory by the first one.
      writeFileSync(join(cwd, 'app-server.js'), `import(${JSON.stringify(standIn)});\n`);
      const vendor = join(folder, 'lib', 'node_modules', '@openai', 'codex', 'vendor', 'x86_64-unknown-linux-musl', 'codex');
      return { argv0: join(vendor, 'codex'), args: ['app-server'] };
    },
    marks: () => ({}),
    // Codex passes nothing else on.
    environment: ({ HOME, PATH, LANG = 'C.UTF-8' }) => ({ HOME, PATH, LANG, TERM: 'dumb' }),
    ownGroup: true,
  },
};

/**
 * Starts a stand-in for one session of a client, and waits until all its servers have answered.
 *
 * @param folder for its program
 * @param cwd the session's directory, and so its servers'
 * @throws Error when a server does not answer within 40 s
 */
export async function startSession(
  client: RecordedClient,
  { folder, cwd, env }: { readonly folder: string; readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  servers: readonly SessionServer[],
): Promise<ClientSession> {
  const { launch, marks, environment, ownGroup } = recorded[client];
  mkdirSync(cwd, { recursive: true });
  const { args, argv0 } = launch(folder, cwd);
  const child = spawn(process.execPath, args, {
    cwd,
    env: environment(env),
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(argv0 === undefined ? {} : { argv0 }),
  });
  const pid = child.pid ?? 0;
  const ready: { name: string; pid?: number; error?: string }[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => ready.push(JSON.parse(line)));
  const wanted = servers.map(({ env: own, ...server }) => ({ ...server, ownGroup, marks: { ...marks(cwd), ...own } }));
  child.stdin.write(`${JSON.stringify(wanted)}\n`);
  const count = servers.reduce((sum, server) => sum + server.copies, 0);
  try {
    await waitFor(
      `the servers of ${client} to answer`,
      () => {
        assert.equal(child.exitCode, null, `${client} has ended`);
        return ready.length === count;
      },
      { limit: 40_000 },
    );
    const failed = ready.find((entry) => entry.error !== undefined);
    if (failed) {
      throw new Error(`The server ${failed.name} of ${client} did not start: ${failed.error}`);
    }
  } catch (error) {
    await endTree(pid);
    throw error;
  }
  return { pid, servers: ready.map((entry) => ({ name: entry.name, pid: entry.pid ?? 0 })), dispose: () => endTree(pid) };
}

function install(file: string, name: string): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(join(dirname(file), 'package.json'), JSON.stringify({ name, version: '1.0.0', type: 'module', private: true }));
  copyFileSync(standIn, file);
  return file;
}
