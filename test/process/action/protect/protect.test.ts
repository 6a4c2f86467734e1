import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { withoutClientMarks } from '../../../../scripts/system/withoutClientMarks.ts';
import { assertNames, assertOmits } from '../../../names.ts';
import { buildPrograms, type Ended, RunningCli } from '../../cli/bundle.ts';
import { makeProject, npmEnv, servers } from '../../package/npmServers.ts';
import { instanceOf, makeWorld, settled, type World } from '../../survey/world.ts';

const [older] = servers.memory.versions;
/** What shells, JSON, TOML and batch files could stumble over. (Node itself loads no module below a folder with a backslash.) */
const odd = 'sp ace ünï’s \'q\' "d" `x` & ;';

describe('protect', function () {
  this.timeout(180_000);
  let dist = '';
  let bundle = '';
  let world: World;
  let env: NodeJS.ProcessEnv = {};
  let server = '';
  const open: Client[] = [];

  before(async () => {
    dist = mkdtempSync(join(tmpdir(), 'protect-'));
    bundle = await buildPrograms(dist);
  });
  after(() => rmSync(dist, { recursive: true, force: true }));

  beforeEach(async () => {
    world = makeWorld();
    const project = join(world.root, odd);
    await makeProject(project, [`${servers.memory.name}@${older}`]);
    server = join(project, 'node_modules', '.bin', servers.memory.bin);
    env = {
      ...withoutClientMarks(process.env),
      HOME: world.home,
      USERPROFILE: world.home,
      MCP_RUN_DIR: join(world.root, `run \\b $HOME %P% ${odd}`),
      NO_COLOR: '1',
    };
  });
  afterEach(async () => {
    for (const client of open.splice(0)) {
      await client.close();
    }
    await world.remove();
  });

  function run(...args: readonly string[]): Promise<Ended> {
    return new RunningCli(process.execPath, bundle, args, { cwd: world.home, env }).ended();
  }

  async function ask(
    command: string,
    args: readonly string[],
    variables: Record<string, string> = {},
  ): Promise<{ client: Client; pid: number }> {
    // No node to be found by name: what a desktop client gives its servers.
    const transport = new StdioClientTransport({
      command,
      args: [...args],
      env: { PATH: world.home, HOME: world.home, ...variables },
      stderr: 'pipe',
    });
    const client = new Client({ name: 'test', version: '1' });
    open.push(client);
    let said = '';
    transport.stderr?.on('data', (text) => {
      said += text;
    });
    await client.connect(transport).catch((error: unknown) => {
      throw new Error(`${command} ${args.join(' ')} does not answer: ${String(error)}\n${said}`);
    });
    return { client, pid: transport.pid ?? 0 };
  }

  it('is undone for all entries at once, also two of one file; one that must not be changed does not stop the rest', async () => {
    const entry = { command: process.execPath, args: [server] };
    const file = world.write('.cursor/mcp.json', `${JSON.stringify({ mcpServers: { notes: entry, others: entry } }, undefined, 2)}\n`);
    const before = readFileSync(file, 'utf8');
    const shared = world.write('.gemini/settings.json', before.replaceAll('notes', 'locked').replaceAll('others', 'plain'));
    const yaml = world.write('.config/goose/config.yaml', `extensions: # mine\n  goosed:\n    type: stdio\n    cmd: ${process.execPath}\n`);
    const untouched = [file, shared, yaml].map((path) => readFileSync(path, 'utf8'));
    const asked = await run('protect', '--all');
    assertNames(asked.stdout, file, shared, yaml);
    equal(asked.code, 3, 'no confirmation');
    deepEqual(
      [file, shared, yaml].map((path) => readFileSync(path, 'utf8')),
      untouched,
    );
    equal((await run('protect', '--all', '--yes')).code, 0);
    const guarded = readFileSync(shared, 'utf8');
    for (const text of [guarded, readFileSync(yaml, 'utf8'), readFileSync(file, 'utf8')]) {
      assertNames(text, 'guard');
    }
    chmodSync(shared, 0o400);
    const undone = await run('unprotect', '--all', '--yes');
    deepEqual(
      [file, yaml].map((path) => readFileSync(path, 'utf8')),
      [untouched[0], untouched[2]],
    );
    equal(readFileSync(shared, 'utf8'), guarded, 'read-only');
    assertNames(undone.stderr, 'locked');
    equal(undone.code, 2);
    chmodSync(shared, 0o600);
    equal((await run('unprotect', '--all', '--yes')).code, 0);
    equal((await run('unprotect', '--all', '--yes')).code, 0, 'nothing is left to undo');
    assertOmits(readFileSync(shared, 'utf8'), 'guard');
    for (const wrong of [[], ['notes', '--all'], ['--all', '--json']]) {
      equal((await run('unprotect', ...wrong)).code, 2);
    }
  });

  it('B28: makes a client’s entry start through the guard, whatever its paths hold, and back to the byte', async () => {
    const entry = {
      command: process.execPath,
      args: [server],
      env: { MEMORY_FILE_PATH: join(world.root, 'm.json'), SECRET_TOKEN: 'hunter2-hunter2' },
    };
    const file = world.write('.cursor/mcp.json', `// mine\n${JSON.stringify({ mcpServers: { notes: entry } }, undefined, 2)}\n`);
    chmodSync(file, 0o640);
    const before = readFileSync(file, 'utf8');

    const shown = await run('protect', 'notes', '--dry-run');
    equal(shown.code, 0, shown.stderr);
    assertNames(shown.stdout, '"guard"');
    match(shown.stdout, /When stale \(auto\): restart where nothing is lost/);
    assertOmits(shown.stdout, 'hunter2');
    equal(readFileSync(file, 'utf8'), before, 'nothing is written');
    equal((await run('protect', 'notes')).code, 3, 'no confirmation');
    equal(readFileSync(file, 'utf8'), before);

    const done = await run('protect', 'notes', '--yes', '--json', '--on-stale', 'warn');
    equal(done.code, 0, done.stderr);
    assertOmits(done.stdout, 'hunter2');
    const said = JSON.parse(done.stdout);
    deepEqual([said.outcome, said.done, said.definition.name], ['change', true, 'notes']);
    equal(readFileSync(said.backup, 'utf8'), before);
    equal(statSync(said.backup).mode & 0o777, 0o600);
    equal(statSync(file).mode & 0o777, 0o640);
    const { command, args, env: variables } = JSON.parse(readFileSync(file, 'utf8').replace('// mine', '')).mcpServers.notes;
    deepEqual(variables, entry.env);
    deepEqual(args.slice(-4), ['warn', '--', process.execPath, server]);
    assertNames(JSON.parse((await run('protect', 'notes', '--yes', '--json', '--on-stale', 'warn')).stdout).reason, 'already');

    const { client, pid } = await ask(command, args, variables);
    deepEqual((await client.listTools()).tools.length > 5, true);
    const answer = await client.callTool({
      name: 'create_entities',
      arguments: { entities: [{ name: 'a', entityType: 'b', observations: ['c'] }] },
    });
    ok(!answer.isError);
    ok(existsSync(entry.env.MEMORY_FILE_PATH), 'the server has the variables of its entry');

    const snapshot = await settled(await world.observer({ runDir: env.MCP_RUN_DIR ?? '' }));
    const instance = instanceOf(snapshot, pid);
    const definition = snapshot.definitions.find(({ name }) => name === 'notes');
    deepEqual(
      [instance.name, instance.guarded, instance.package?.name, instance.package?.running, instance.definitions],
      ['notes', true, servers.memory.name, older, [definition?.id]],
    );
    equal(definition?.guarded, true);
    ok(instance.pid !== pid, 'the server is the process behind the guard');
    deepEqual(
      instance.launchers.map((launcher) => [launcher.pid, launcher.kind]),
      [[pid, 'mcp-shepherd guard']],
    );
    assertNames((await run('status')).stdout, 'notes', 'ok, guarded');

    // What it was done for: another process serves, and the client's session goes on.
    const restarted = await run('restart', 'notes', '--yes');
    equal(restarted.code, 0, `${restarted.stdout}${restarted.stderr}`);
    const later = instanceOf(await settled(await world.observer({ runDir: env.MCP_RUN_DIR ?? '' })), pid);
    ok(later.pid !== instance.pid && later.launchers[0]?.pid === pid, `PID ${instance.pid}, then ${later.pid}`);
    const found = await client.callTool({ name: 'open_nodes', arguments: { names: ['a'] } });
    assertNames(JSON.stringify(found), '"a');

    const undone = await run('unprotect', 'notes', '--yes');
    equal(undone.code, 0, undone.stderr);
    equal(readFileSync(file, 'utf8'), before);
    equal((await run('unprotect', 'notes', '--yes')).code, 0, 'once more is no mistake');
  });

  it('writes Codex’s TOML through a link, with a lock, and takes a change of options over', async () => {
    const real = world.write(
      'dotfiles/config.toml',
      `# mine\n[mcp_servers.notes]\ncommand = '${process.execPath}' # node\nstartup_timeout_sec = 9\n`,
    );
    mkdirSync(join(world.home, '.codex'));
    const link = join(world.home, '.codex', 'config.toml');
    symlinkSync(real, link);
    const before = readFileSync(real, 'utf8');
    equal((await run('protect', 'notes', '--yes', '--lock', 'name:notes')).code, 0);
    equal((await run('protect', 'notes', '--yes', '--on-stale', 'off')).code, 0);
    const text = readFileSync(real, 'utf8');
    assertNames(text, '"--lock", "name:notes", "--on-stale", "off", "--", \'');
    match(text, /# node\n/);
    ok(statSync(link).isFile() && readFileSync(link, 'utf8') === text, 'the link leads there still');
    equal((await run('unprotect', 'notes', '--yes')).code, 0);
    equal(readFileSync(real, 'utf8'), before);
  });

  it('refuses a file that others share through git, and offers what can be done', async () => {
    const folder = join(world.home, 'shared');
    world.write('shared/.mcp.json', { mcpServers: { notes: { command: 'npx', args: ['-y', servers.memory.name] } } });
    const control = await run('protect', 'notes', '--dry-run', '--folder', folder);
    equal(control.code, 0, `outside of a repository it is allowed: ${control.stderr}`);
    equal(spawnSync('git', ['init', '-q', folder], { env }).status, 0);
    const refused = await run('protect', 'notes', '--yes', '--folder', folder);
    equal(refused.code, 2);
    assertNames(refused.stderr, 'git work tree');
    assertNames(refused.stderr, 'scope local');
    assertOmits(refused.stderr, 'portable');
    const told = JSON.parse((await run('protect', 'notes', '--json', '--yes', '--folder', folder)).stdout);
    deepEqual([told.outcome, told.done, told.advice.length], ['refused', false, 1]);
    writeFileSync(join(folder, '.gitignore'), '.mcp.json\n');
    equal((await run('protect', 'notes', '--dry-run', '--folder', folder)).code, 0, 'an ignored file is one’s own');
    equal(spawnSync('git', ['-C', folder, 'add', '-f', '.mcp.json'], { env }).status, 0);
    equal((await run('protect', 'notes', '--dry-run', '--folder', folder)).code, 2, 'a tracked one is not, ignored or not');
  });

  it('asks at a terminal, and writes what was answered', async function () {
    if (spawnSync('script', ['--version']).error) {
      this.skip();
    }
    const file = world.write('.cursor/mcp.json', { mcpServers: { notes: { command: process.execPath, args: [server] } } });
    const questions = ['[n] cancel: ', '(lazy)? [Y/n] '];
    /** Answers each question when it stands there: what is typed before belongs to the one before. */
    const at = async (...answers: readonly (string | (() => string))[]): Promise<{ status: unknown; stdout: string }> => {
      const line = [process.execPath, bundle, 'protect', 'notes'].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
      const child = spawn('script', ['-qec', line, '/dev/null'], { cwd: world.home, env, stdio: ['pipe', 'pipe', 'ignore'] });
      let stdout = '';
      let answered = 0;
      child.stdout.on('data', (chunk) => {
        stdout += chunk;
        if (answered < answers.length && stdout.includes(questions[answered] ?? '')) {
          const answer = answers[answered];
          child.stdin.write(`${typeof answer === 'function' ? answer() : answer}\n`);
          answered += 1;
        }
      });
      const [status] = await once(child, 'close');
      return { status, stdout };
    };
    const no = await at('no');
    equal(no.status, 3, no.stdout);
    assertNames(no.stdout, '[1]', '[2]', '[3]', '[4]');
    assertOmits(readFileSync(file, 'utf8'), '"guard"');
    equal((await at('3', 'n')).status, 0);
    assertNames(readFileSync(file, 'utf8'), '"--on-stale",', '"restart"');
    assertOmits(readFileSync(file, 'utf8'), '"lazy"');
    equal((await run('unprotect', 'notes', '--yes')).code, 0);
    equal((await at('1', 'y')).status, 0);
    assertNames(readFileSync(file, 'utf8'), '"--start",', '"lazy"');
    const other = { mcpServers: { notes: { command: process.execPath, args: [server, '--other'] } } };
    const change = (): string => {
      world.write('.cursor/mcp.json', other);
      return '1';
    };
    equal((await run('unprotect', 'notes', '--yes')).code, 0);
    const raced = await at(change, 'n');
    deepEqual([raced.status, JSON.parse(readFileSync(file, 'utf8'))], [2, other], raced.stdout);
    assertNames(raced.stdout.replaceAll(/\s+/g, ' '), 'has changed since you were asked');
  });

  it('does not ask for a yes to a change that the preview cannot show', async function () {
    if (spawnSync('script', ['--version']).error) {
      this.skip();
    }
    const entry = { mcpServers: { notes: { command: `${'/.'.repeat(2_500)}${process.execPath}`, args: [server] } } };
    const file = world.write('.cursor/mcp.json', entry);
    for (const command of ['protect notes', 'protect --all']) {
      const words = [process.execPath, bundle, ...command.split(' ')].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
      const child = spawn('script', ['-qec', words.join(' '), '/dev/null'], { cwd: world.home, env, stdio: ['pipe', 'pipe', 'ignore'] });
      let said = '';
      child.stdout.on('data', (chunk) => {
        said += chunk;
        if (said.includes('cancel: ')) {
          child.stdin.end('y\n');
        }
      });
      const [status] = await once(child, 'close');
      deepEqual([status, JSON.parse(readFileSync(file, 'utf8'))], [3, entry], `${command}: ${said}`);
      assertNames(said, 'The change is too long to be shown');
      assertOmits(said, 'Write this change?', 'cancel: ');
    }
    equal((await run('protect', 'notes', '--yes')).code, 0);
    assertNames(readFileSync(file, 'utf8'), '"guard"');
  });

  it('dies of Ctrl-C at the question, as everywhere else, and names no option that would do it all the same', async function () {
    if (spawnSync('script', ['--version']).error) {
      this.skip();
    }
    const file = world.write('.cursor/mcp.json', { mcpServers: { notes: { command: process.execPath, args: [server] } } });
    const line = [process.execPath, bundle, 'protect', 'notes'].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    const child = spawn('script', ['-qec', line, '/dev/null'], { cwd: world.home, env, stdio: ['pipe', 'pipe', 'ignore'] });
    let said = '';
    let pressed = false;
    child.stdout.on('data', (chunk) => {
      said += chunk;
      if (!pressed && said.includes('Write this change?')) {
        pressed = true;
        child.stdin.write('\x03');
      }
    });
    const [code] = await once(child, 'close');
    equal(code, 128 + 2, said);
    assertOmits(said, '--yes');
    assertOmits(readFileSync(file, 'utf8'), '"guard"');
  });

  it('refuses while Claude Desktop runs, which would overwrite its file', async () => {
    const entry = { mcpServers: { notes: { command: process.execPath, args: [server] } } };
    const file = world.write('.config/Claude/claude_desktop_config.json', entry);
    const program = join(world.root, 'claude-desktop');
    symlinkSync(process.execPath, program);
    const app = spawn(program, ['-e', 'console.log(1); setInterval(() => {}, 1e6)'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      await once(app.stdout, 'data');
      const refused = await run('protect', 'notes', '--yes');
      equal(refused.code, 2);
      assertNames(refused.stderr, `PID ${app.pid}`);
      assertOmits(readFileSync(file, 'utf8'), '"guard"');
    } finally {
      const gone = once(app, 'exit');
      app.kill('SIGKILL');
      await gone;
    }
    equal((await run('protect', 'notes', '--yes')).code, 0);
  });

  it('says which entry is meant where several are, and what to do when the launcher has gone', async () => {
    const entry = { mcpServers: { notes: { command: process.execPath, args: [server] } } };
    world.write('.cursor/mcp.json', entry);
    world.write('.qwen/settings.json', entry);
    const several = JSON.parse((await run('protect', 'notes', '--yes', '--json')).stdout);
    assertNames(several.reason, '2 places');
    equal((await run('protect', 'notes', '--yes', '--client', 'qwen')).code, 0);
    equal((await run('protect', 'notes', '--yes')).code, 0, 'the one that is left is meant');
    assertNames((await run('protect', 'note')).stderr, 'notes');
    const broken = async () =>
      (await (await world.observer({ runDir: env.MCP_RUN_DIR ?? '' })).survey()).problems.map(({ message }) => message);
    deepEqual(await broken(), []);
    rmSync(join(env.MCP_RUN_DIR ?? '', 'shepherd', 'bin'), { recursive: true });
    assertNames((await broken()).join(), 'notes starts through');
    equal((await run('protect', 'notes', '--yes', '--client', 'qwen')).code, 0);
    deepEqual(await broken(), [], 'the launcher is back');
  });

  it('refuses --portable while npm has no such package, also in a file of one’s own, and undoes what an older version wrote', async () => {
    const entry = { command: 'npx', args: ['-y', servers.memory.name] };
    const file = world.write('.cursor/mcp.json', { mcpServers: { notes: entry } });
    const before = readFileSync(file, 'utf8');
    const refused = await run('protect', 'notes', '--yes', '--portable');
    equal(refused.code, 2);
    assertNames(refused.stderr, 'npm');
    assertNames(refused.stderr, 'launcher');
    equal(readFileSync(file, 'utf8'), before);
    const portable = { command: 'npx', args: ['-y', 'mcp-shepherd', 'guard', '--', 'npx', ...entry.args] };
    world.write('.cursor/mcp.json', { mcpServers: { notes: portable } });
    equal((await run('unprotect', 'notes', '--yes')).code, 0);
    deepEqual(JSON.parse(readFileSync(file, 'utf8')).mcpServers.notes, entry);
  });

  it('in its portable form is a launcher in the process list, and the server behind it the one that counts', async () => {
    const project = join(world.root, 'shop');
    await makeProject(project, [`${servers.memory.name}@${older}`]);
    const own = join(project, 'node_modules', 'mcp-shepherd');
    mkdirSync(join(own, 'dist'), { recursive: true });
    mkdirSync(join(project, 'node_modules', '.bin'), { recursive: true });
    writeFileSync(
      join(own, 'package.json'),
      JSON.stringify({ name: 'mcp-shepherd', version: '1.0.0', bin: { 'mcp-shepherd': 'dist/cli.cjs' } }),
    );
    cpSync(dist, join(own, 'dist'), { recursive: true });
    chmodSync(join(own, 'dist', 'cli.cjs'), 0o755);
    symlinkSync('../mcp-shepherd/dist/cli.cjs', join(project, 'node_modules', '.bin', 'mcp-shepherd'));
    const command = 'npx';
    const args = ['-y', 'mcp-shepherd', 'guard', '--', 'npx', '-y', servers.memory.name];
    world.write('.cursor/mcp.json', { mcpServers: { notes: { command, args, cwd: project } } });
    const transport = new StdioClientTransport({
      command,
      args,
      cwd: project,
      env: { ...(await npmEnv()), MCP_RUN_DIR: env.MCP_RUN_DIR ?? '' } as Record<string, string>,
      stderr: 'ignore',
    });
    const client = new Client({ name: 'test', version: '1' });
    open.push(client);
    await client.connect(transport);
    const snapshot = await settled(await world.observer({ runDir: env.MCP_RUN_DIR ?? '' }));
    const instance = instanceOf(snapshot, transport.pid ?? 0);
    deepEqual([instance.name, instance.guarded, instance.package?.name], ['notes', true, servers.memory.name]);
    const kinds = instance.launchers.map(({ kind }) => kind);
    ok(kinds[0] === 'npm exec' && kinds.includes('mcp-shepherd guard'), kinds.join());
  });

  it('keeps the launcher in one place and its programs current', async () => {
    world.write('.cursor/mcp.json', { mcpServers: { notes: { command: process.execPath, args: [server] } } });
    equal((await run('protect', 'notes', '--yes')).code, 0);
    const bin = join(env.MCP_RUN_DIR ?? '', 'shepherd', 'bin');
    const launcher = join(bin, 'mcp-shepherd');
    const first = readFileSync(launcher, 'utf8');
    const programs = (): string[] => readdirSync(bin).filter((name) => /^\d/.test(name));
    equal(programs().length, 1);
    // Another build of the same version; what is there stays for the guards that run from it.
    writeFileSync(join(dist, 'guard.cjs'), `${readFileSync(join(dist, 'guard.cjs'), 'utf8')}\n// another\n`);
    equal((await run('unprotect', 'notes', '--yes')).code, 0);
    equal((await run('protect', 'notes', '--yes')).code, 0);
    equal(programs().length, 2);
    ok(readFileSync(launcher, 'utf8') !== first);
    const started = spawnSync(launcher, ['--version'], { env: { HOME: world.home }, encoding: 'utf8' });
    match(started.stdout, /^\d+\.\d+\.\d+/, started.stderr);
  });
});
