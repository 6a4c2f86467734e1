// 30 running servers of 10 entries, by 4 clients: which client started each, and from which entry? The expected answer comes from what the clients did
// (whose child a process is, which variable only its entry sets), not from the product. Several entries have the same command line and differ only in
// their environment, or only in the client whose file contains them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, realpathSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import { whyNoNamespace } from '../../scripts/suites/processNamespace.ts';
import { npm } from '../../scripts/system/npm.ts';
import { listProcesses } from '../../scripts/system/processTree.ts';
import { projectRoot } from '../../scripts/system/projectPaths.ts';
import { waitFor } from '../../scripts/system/waitFor.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { findPython, makeVenv, pip, venvPath } from '../process/package/pythonWheels.ts';
import { makeSurveyor, settled } from '../process/survey/world.ts';
import { type ClientSession, type RecordedClient, type SessionServer, startSession } from './clientSession.ts';
import { EditorProbe, installProbe, probePort, probeVariable } from './editorProbe.ts';
import { openAnotherWindow, openWorkbench } from './openWorkbench.ts';
import { installOpencode, type Opencode, startOpencode } from './realOpencode.ts';
import type { Workbench } from './workbench.ts';

const version = '2026.8.31';
const memory = '@modelcontextprotocol/server-memory';
const everything = '@modelcontextprotocol/server-everything';
const thinking = '@modelcontextprotocol/server-sequential-thinking';
const npxMemory = ['-y', `${memory}@${version}`];

/** The expected answer for one running server, by its topmost process. */
type Truth = { readonly pid: number; readonly client: string; readonly clientPid: number; readonly definition: string };

describe('30 instances of 10 definitions by 4 clients', function () {
  this.timeout(300_000);
  let workbench: Workbench;
  let opencode: Opencode | undefined;
  let missing = '';
  const sessions: ClientSession[] = [];
  let home: string;
  let workspace: string;
  let env: NodeJS.ProcessEnv;
  let truths: Truth[];

  before(async function () {
    const reason = process.platform === 'linux' ? whyNoNamespace() : 'Reads /proc to know the truth.';
    if (reason) {
      console.log(reason);
      this.skip();
    }
    const program = await installOpencode().catch((error: unknown) => {
      missing = `opencode cannot be had, so its 6 of the 30 instances are left out: ${String(error).split('\n')[0]}`;
      return undefined;
    });
    // One after the other: a small machine cannot start this many at once within the editor's time limits.
    const others: Truth[] = [];
    workbench = await openWorkbench({
      prepare: async (places) => {
        await prepare(places.home, places.workspace, places.extensionsDir);
        others.push(...(await runSessions()));
        others.push(...(program === undefined ? [] : await runOpencode(program)));
      },
    });
    truths = [...others, ...(await runVscode())];
  });
  after(async () => {
    delete process.env[probeVariable];
    await Promise.all([opencode?.dispose(), ...sessions.map((session) => session.dispose())]);
    await workbench?.close();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') {
      await workbench?.screenshot('failed-many-instances');
    }
  });

  let notes: (name: string) => { MEMORY_FILE_PATH: string };
  let codexServers: readonly SessionServer[];
  let claudeServers: readonly SessionServer[];

  /** Installs the servers and writes every client's own file. */
  async function prepare(itsHome: string, itsWorkspace: string, extensionsDir: string): Promise<void> {
    home = realpathSync(itsHome);
    workspace = realpathSync(itsWorkspace);
    const write = (path: string, content: string): void => {
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, content);
    };
    installProbe(extensionsDir);
    process.env[probeVariable] = join(home, 'probe-port');
    // npx gets its own cache; only earlier downloads are shared.
    const cache = join(home, 'npm');
    const downloads = join(process.env.NPM_CONFIG_CACHE ?? join(home, 'downloads'), '_cacache');
    mkdirSync(downloads, { recursive: true });
    mkdirSync(cache);
    symlinkSync(downloads, join(cache, '_cacache'));
    env = { ...process.env, HOME: home, NPM_CONFIG_CACHE: cache };
    write(join(workspace, 'package.json'), '{ "private": true }\n');
    const [python] = await Promise.all([
      preparePython(join(home, 'venv')),
      npm(['exec', '--yes', `--package=${npxMemory[1]}`, '--call=node -e 0'], home, env),
      npm(['install', '--save-exact', ...[memory, everything, thinking].map((name) => `${name}@${version}`)], workspace),
    ]);
    const script = (name: string): string => join(workspace, 'node_modules', name, 'dist', 'index.js');
    const link = join(workspace, 'node_modules', '.bin', 'mcp-server-everything');
    notes = (name) => ({ MEMORY_FILE_PATH: join(home, `${name}.jsonl`) });

    const servers = {
      memory: { command: 'node', args: [script(memory)], env: notes('vscode') },
      everything: { command: '${'.concat('workspaceFolder}/node_modules/.bin/mcp-server-everything'), args: ['stdio'] },
      thinking: { command: 'sh', args: ['-c', `cd / && node ${script(thinking)}; exit $?`] },
    };
    write(join(workspace, '.vscode', 'mcp.json'), JSON.stringify({ servers }, undefined, 2));

    // The machine is busy, and opencode's own limit for a start (5 s) may not be enough.
    const local = (command: readonly string[], environment = {}): object => ({ type: 'local', command, environment, timeout: 60_000 });
    const mcp = {
      'notes-one': local(['node', script(memory)], notes('opencode-one')),
      'notes-two': local(['node', script(memory)], notes('opencode-two')),
      everything: local([link, 'stdio']),
    };
    write(join(home, '.config', 'opencode', 'opencode.jsonc'), `// of the user\n${JSON.stringify({ mcp }, undefined, 2)}\n`);

    claudeServers = ['work', 'home'].map((name) => ({ name, command: 'npx', args: npxMemory, env: notes(`claude-${name}`), copies: 1 }));
    const claudeEntries = claudeServers.map(({ name, command, args, env: variables }) => [name, { command, args, env: variables }]);
    write(join(home, '.claude.json'), JSON.stringify({ mcpServers: Object.fromEntries(claudeEntries) }, undefined, 2));

    // Codex starts a set of servers for each thread.
    codexServers = [
      {
        name: 'palace',
        ...(python === undefined ? { command: 'node', args: [script(thinking)] } : { command: python, args: [] }),
        copies: 2,
      },
      { name: 'everything', command: 'node', args: [link, 'stdio'], copies: 2 },
    ];
    const tables = codexServers.map(
      ({ name, command, args }) => `[mcp_servers.${name}]\ncommand = ${JSON.stringify(command)}\nargs = ${JSON.stringify(args)}\n`,
    );
    write(join(home, '.codex', 'config.toml'), tables.join('\n'));
  }

  async function preparePython(venv: string): Promise<string | undefined> {
    if (!(await findPython())) {
      console.log('No Python with venv and ensurepip here: a Node server stands for the Python one.');
      return undefined;
    }
    await makeVenv(venv);
    await pip(venv, 'install', 'stale-mcp==0.2.0', 'stalelib==1.1.0');
    return venvPath(venv, 'stale-mcp');
  }

  /** Two windows on one folder, each with the three servers of its file. */
  async function runVscode(): Promise<Truth[]> {
    const first = await probeOfLastWindow('first');
    await openAnotherWindow(workbench);
    await Promise.all([first, await probeOfLastWindow('second')].map(startAll));
    const hosts = processes().filter(({ line }) => line.includes('--type=extensionHost'));
    assert.equal(hosts.length, 2, 'each window has an extension host');
    // This VS Code is part of code-server and identifies itself as that.
    return hosts.flatMap((host) => truthsBelow(host.pid, 'code-server', ['memory', 'everything', 'thinking']));
  }

  /** The window that started last writes its port into a file; the file is renamed to make room for the next window. */
  async function probeOfLastWindow(name: string): Promise<EditorProbe> {
    const file = join(home, 'probe-port');
    await waitFor('the probe extension', () => probePort(file));
    renameSync(file, `${file}-${name}`);
    return new EditorProbe(`${file}-${name}`);
  }

  async function startAll(probe: EditorProbe): Promise<void> {
    const tools = { memory: 'open_nodes', everything: 'echo', thinking: 'sequentialthinking' };
    await Promise.all(Object.entries(tools).map(([name, tool]) => probe.start(`mcp.config.ws0.${name}`, tool)));
  }

  /** One process that works in two directories. */
  async function runOpencode(program: string): Promise<Truth[]> {
    const other = join(home, 'other');
    mkdirSync(other);
    opencode = await startOpencode(program, home, env);
    for (const directory of [workspace, other]) {
      assert.deepEqual(await opencode.workIn(directory), { 'notes-one': 'connected', 'notes-two': 'connected', everything: 'connected' });
    }
    return truthsBelow(opencode.pid, 'opencode', ['notes-one', 'notes-two', 'everything', 'notes-one', 'notes-two', 'everything']);
  }

  /** Three sessions of Claude Code, three of Codex with two threads each; some of them in the folder that VS Code has open. */
  async function runSessions(): Promise<Truth[]> {
    const claude = (kind: RecordedClient, cwd: string): Promise<Truth[]> => runSession(kind, cwd, claudeServers);
    const codex = (cwd: string): Promise<Truth[]> => runSession('codex', cwd, codexServers);
    const all = await Promise.all([
      claude('claude-code by npm', workspace),
      claude('claude-code native', join(home, 'claude-two')),
      claude('claude-code native', join(home, 'claude-two')),
      codex(workspace),
      codex(join(home, 'codex-two')),
      codex(join(home, 'codex-three')),
    ]);
    return all.flat();
  }

  async function runSession(kind: RecordedClient, cwd: string, servers: readonly SessionServer[]): Promise<Truth[]> {
    const session = await startSession(kind, { folder: join(home, 'programs'), cwd, env }, servers);
    sessions.push(session);
    const client = kind === 'codex' ? 'codex' : 'claude-code';
    return session.servers.map(({ name, pid }) => ({ pid, client, clientPid: session.pid, definition: name }));
  }

  /** The servers that a client has started, recognised by what only its own file sets. @param expected the names, in any order */
  function truthsBelow(clientPid: number, client: string, expected: readonly string[]): Truth[] {
    const found = processes().filter(({ ppid, line }) => ppid === clientPid && /server-/.test(line));
    const truth = found.map(({ pid, line }) => ({ pid, client, clientPid, definition: nameOf(pid, line, client) }));
    assert.deepEqual(truth.map(({ definition }) => definition).sort(), [...expected].sort());
    return truth;
  }

  function nameOf(pid: number, line: string, client: string): string {
    const variable = /(?:^|\0)MEMORY_FILE_PATH=[^\0]*\/([^/\0]+)\.jsonl/.exec(readFileSync(`/proc/${pid}/environ`, 'utf8'))?.[1];
    if (variable === undefined) {
      return line.includes('thinking') ? 'thinking' : 'everything';
    }
    return client === 'opencode' ? variable.replace('opencode', 'notes') : 'memory';
  }

  /** A snapshot with a clock that is a minute ahead: old enough for every verdict on copies. */
  async function survey(runDir: string): Promise<Snapshot> {
    const clock = { now: () => Date.now() + 60_000, uptime: () => performance.now() + 1_000_000 };
    const surveyor = await makeSurveyor(home, join(home, runDir), { folders: [workspace], clock });
    try {
      return await settled(surveyor);
    } finally {
      surveyor.dispose();
    }
  }

  /** Compares the entry and client that the product names for each process with the expected ones. */
  function compare(snapshot: Snapshot): void {
    const names = new Map(
      snapshot.definitions.map(({ id, client, name }) => [id, `${client === 'vscode' ? 'code-server' : client} ${name}`]),
    );
    const seen = truths.map(({ pid }) => {
      const instances = snapshot.instances.filter((one) => one.tree.includes(pid));
      return instances
        .map((one) => [pid, one.client?.id, one.client?.pid, ...one.definitions.map((id) => names.get(id))].join(' '))
        .join(' and ');
    });
    assert.deepEqual(
      seen,
      truths.map(({ pid, client, clientPid, definition }) => [pid, client, clientPid, `${client} ${definition}`].join(' ')),
    );
  }

  it('names the client process and the entry of each, and finds nothing wrong with any', async () => {
    const snapshot = await survey('run-first');
    assert.equal(truths.length, opencode ? 30 : 24);
    compare(snapshot);
    assert.equal(snapshot.definitions.length, 10);
    const known = new Set(truths.map(({ pid }) => pid));
    const others = snapshot.instances.filter((one) => !one.tree.some((pid) => known.has(pid)));
    assert.deepEqual(
      others.map((one) => one.command),
      [],
      'nothing else is taken for a server',
    );
    assert.deepEqual(
      [...snapshot.instances, ...snapshot.definitions].flatMap((one) => one.findings),
      [],
    );
    assert.deepEqual(snapshot.problems, []);
    assert.deepEqual(
      snapshot.instances.filter((one) => one.package?.running === null || one.unknown !== undefined).map((one) => [one.name, one.unknown]),
      [],
      'the version of each is known',
    );
  });

  it('has the real opencode among them', function () {
    if (!opencode) {
      console.log(missing);
      this.skip();
    }
    assert.equal(truths.filter(({ client }) => client === 'opencode').length, 6);
  });

  it('says the same on the command line and in the window', async () => {
    const cli = join(projectRoot, 'dist', 'cli.cjs');
    const options = {
      cwd: workspace,
      env: { ...env, MCP_RUN_DIR: join(home, 'run-cli') },
      encoding: 'utf8',
      maxBuffer: 50_000_000,
    } as const;
    compare(JSON.parse(execFileSync(process.execPath, [cli, 'status', '--json'], options)));
    const label = async (): Promise<string> => (await workbench.statusItem('servers').getAttribute('aria-label')) ?? '';
    const expected = `${truths.length} servers running, all current`;
    await waitFor(`the window to say ${expected}`, async () => (await label()).includes(expected));
  });

  it('control: an entry that one client runs twice is reported, and a process with the command line of an entry but another environment belongs to none', async () => {
    const [work] = claudeServers;
    assert.ok(work);
    const stray = { ...work, name: 'stray', env: notes('of-no-entry'), copies: 1 };
    const added = await runSession('claude-code by npm', workspace, [{ ...work, copies: 2 }, stray]);
    const snapshot = await survey('run-control');
    compare(snapshot);
    const of = (name: string): Snapshot['instances'] =>
      snapshot.instances.filter((one) => added.some(({ pid, definition }) => definition === name && one.tree.includes(pid)));
    assert.deepEqual(
      of('work')
        .map((one) => one.findings.map(({ kind }) => kind).join())
        .sort(),
      ['', 'duplicate'],
    );
    assert.deepEqual(
      of('stray').map((one) => [one.definitions, one.findings]),
      [[[], []]],
    );
    assert.equal(snapshot.instances.flatMap((one) => one.findings).length, 1);
  });
});

/** What /proc shows. */
function processes(): { readonly pid: number; readonly ppid: number; readonly line: string }[] {
  return [...listProcesses().values()].flatMap(({ pid, ppid, zombie }) => {
    try {
      return zombie ? [] : [{ pid, ppid, line: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() }];
    } catch {
      return []; // ended since it was listed
    }
  });
}
