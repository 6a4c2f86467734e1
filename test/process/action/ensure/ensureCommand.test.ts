import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertNames, assertOmits } from '../../../names.ts';
import { buildCli, type Ended, RunningCli } from '../../cli/bundle.ts';
import { findPython } from '../../package/pythonWheels.ts';
import { freePort, imitation } from '../../survey/ports/httpServer.ts';
import { clearPort, listenersOf } from './ensureWorld.ts';

describe('mcp-shepherd ensure', function () {
  this.timeout(180_000);
  let folder = '';
  let bundle = '';
  let port = 0;

  before(async function () {
    if (process.platform !== 'linux' || !(await findPython())) {
      console.log('skipped: ensure is tried with /proc and python3');
      this.skip();
    }
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'ensure-')));
    bundle = await buildCli(folder);
  });
  beforeEach(async () => {
    port = await freePort();
  });
  afterEach(() => clearPort(port));
  after(() => rmSync(folder, { recursive: true, force: true }));

  const run = (...args: readonly string[]): Promise<Ended> => cli(folder, 'ensure', ...args);

  function cli(cwd: string, ...args: readonly string[]): Promise<Ended> {
    return cliWith({}, cwd, ...args);
  }

  function cliWith(more: Readonly<Record<string, string>>, cwd: string, ...args: readonly string[]): Promise<Ended> {
    const env = {
      ...more,
      PATH: process.env.PATH,
      HOME: folder,
      MCP_RUN_DIR: join(folder, 'run'),
      MCP_SHEPHERD_START_TIMEOUT: 'garbage',
    };
    return new RunningCli(process.execPath, bundle, args, { cwd, env }).ended();
  }

  function openNew(file: string): string {
    writeFileSync(file, '');
    return file;
  }

  function setting(version: string, more: readonly string[] = []): void {
    const args = [imitation, '{port}', '--version', version, ...more];
    const server = { url: `http://127.0.0.1:${port}/mcp`, version, command: 'python3', args };
    writeFileSync(join(folder, 'mcp-shepherd.json'), JSON.stringify({ servers: { notes: server } }));
  }

  it('a server that no client’s file names is in status everywhere, while it runs', async () => {
    setting('1.0.0');
    const [started] = JSON.parse(`[${(await run('notes', '--json', '--yes')).stdout}]`);
    assert.equal(started.server_status, 'started', started.message);
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere, { recursive: true });
    const shown = async () => JSON.parse((await cli(elsewhere, 'status', '--json')).stdout);
    const { instances, definitions } = await shown();
    const instance = instances.find(({ pid }: { pid: number }) => pid === started.pid);
    assert.ok(instance, JSON.stringify(instances));
    assert.deepEqual([instance.name, instance.listens?.port], ['notes', port]);
    assert.ok(
      definitions.some(
        ({ id, file }: { id: string; file: string }) => instance.definitions.includes(id) && file.endsWith('mcp-shepherd.json'),
      ),
    );
    await clearPort(port);
    assert.deepEqual((await shown()).definitions, [], 'it has ended');
  });

  it('C12, C21: two at once, as processes of their own, start once and print one JSON object each', async () => {
    setting('1.0.0');
    const results = await Promise.all([run('notes', '--json', '--yes'), run('notes', '--json', '-y')]);
    assert.deepEqual(
      results.map(({ code, stderr }) => [code, stderr]),
      [
        [0, ''],
        [0, ''],
      ],
    );
    const answers = results.map(({ stdout }) => JSON.parse(stdout));
    assert.deepEqual(answers.map((answer) => answer.server_status).sort(), ['reused', 'started']);
    assert.deepEqual(await listenersOf(port), [answers[0].pid]);
    setting('2.0.0');
    const upgraded = await run('notes', '--yes');
    assert.deepEqual([upgraded.code, upgraded.stderr], [0, '']);
    assertNames(upgraded.stdout, 'notes', '1.0.0', '2.0.0', `PID ${(await listenersOf(port))[0]}`, `port ${port}`);
    const older = JSON.parse((await run('notes', '--json', '--want', '1.5.0')).stdout);
    assert.deepEqual([older.server_status, older.version, older.wanted], ['newer', '2.0.0', '1.5.0']);
  });

  it('takes the address from an entry of a client, and the command from behind --', async () => {
    rmSync(join(folder, 'mcp-shepherd.json'), { force: true });
    const nothing = await run('notes');
    assert.deepEqual([nothing.code, nothing.stderr.split('\n')[0]], [2, 'mcp-shepherd: no entry called "notes" has a URL']);
    writeFileSync(
      join(folder, '.mcp.json'),
      JSON.stringify({ mcpServers: { notes: { type: 'http', url: `http://localhost:${port}/mcp` } } }),
    );
    const unknown = await run('notes');
    assert.deepEqual([unknown.code, unknown.stdout], [2, '']);
    assert.match(unknown.stderr, /^mcp-shepherd: notes .*\n.*mcp-shepherd\.json/);
    const started = await run('notes', '--want', '1.0.0', '--', 'python3', imitation, '{port}', '--version', '1.0.0');
    assert.deepEqual([started.code, started.stderr], [0, ''], started.stdout);
    assertNames(started.stdout, 'version 1.0.0', 'PID');
    rmSync(join(folder, '.mcp.json'));
  });

  it('restart of a server without a client does what mcp-shepherd.json of the folder says, once for several callers; elsewhere it says so (control)', async () => {
    setting('1.0.0');
    // The survey takes a server that an entry names.
    writeFileSync(
      join(folder, '.mcp.json'),
      JSON.stringify({ mcpServers: { notes: { type: 'http', url: `http://127.0.0.1:${port}/mcp` } } }),
    );
    const { pid } = JSON.parse((await run('notes', '--json', '--yes')).stdout);
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere, { recursive: true });
    const refused = await cli(elsewhere, 'restart', String(pid), '--yes');
    assert.equal(refused.code, 2, refused.stdout + refused.stderr);
    assert.deepEqual(await listenersOf(port), [pid]);
    const shown = await cli(folder, 'restart', String(pid));
    assert.equal(shown.code, 3, shown.stdout + shown.stderr);
    assertNames(shown.stdout.replace(/\s+/g, ' '), '--replace', '--version 1.0.0');
    assert.deepEqual(await listenersOf(port), [pid]);
    const both = await Promise.all([1, 2].map(() => cli(folder, 'restart', String(pid), '--yes', '--json')));
    assert.deepEqual(
      both.map(({ code, stderr }) => [code, stderr]),
      [
        [0, ''],
        [0, ''],
      ],
      both.map(({ stdout }) => stdout).join(''),
    );
    const outcomes = both.map(({ stdout }) => JSON.parse(stdout).outcome);
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['already', 'done']);
    const [now] = await listenersOf(port);
    assert.notEqual(now, pid);
    assert.equal(outcomes.find(({ status }) => status === 'done').after.pid, now);
    rmSync(join(folder, '.mcp.json'));
  });

  it('starts a command of mcp-shepherd.json only when this content was confirmed, and names the step where there is no terminal', async () => {
    setting('1.0.0', ['--start-delay', '0']);
    const asked = await run('notes', '--json');
    assert.deepEqual([asked.code, asked.stderr, await listenersOf(port)], [3, '', []], asked.stdout);
    const { server_status: status, message } = JSON.parse(asked.stdout);
    assert.equal(status, 'unconfirmed');
    assertNames(message, 'mcp-shepherd ensure notes', '--yes');
    const { pid } = JSON.parse((await run('notes', '--json', '--yes')).stdout);
    assert.deepEqual(await listenersOf(port), [pid]);
    const reused = await run('notes', '--json');
    assert.equal(JSON.parse(reused.stdout).server_status, 'reused', 'a running server needs no command');
    await clearPort(port);
    const again = await run('notes', '--json');
    assert.equal(JSON.parse(again.stdout).server_status, 'started', 'the same content was confirmed');
    setting('2.0.0', ['--start-delay', '0.1']);
    const changed = await run('notes', '--json');
    assert.equal(JSON.parse(changed.stdout).server_status, 'unconfirmed', 'another content');
    assert.deepEqual(await listenersOf(port), [JSON.parse(again.stdout).pid], 'the running server is left alone');
    const own = await run('notes', '--want', '2.0.0', '--json', '--', 'python3', imitation, '{port}', '--version', '2.0.0');
    assert.equal(JSON.parse(own.stdout).server_status, 'replaced', 'a command of the command line needs no confirmation');
  });

  it('hides values of the entry, and of inherited variables with names of secrets, in the end of the log', async () => {
    const script =
      'import os, sys; print("own", os.environ["OWN"], "token", os.environ["NOTES_TOKEN"], "plain", os.environ["PLAIN_WORD"]); sys.exit(3)';
    const server = {
      url: `http://127.0.0.1:${port}/mcp`,
      command: 'python3',
      args: ['-c', script],
      env: { OWN: 'canary-{port}-own' },
    };
    writeFileSync(join(folder, 'mcp-shepherd.json'), JSON.stringify({ servers: { notes: server } }));
    const inherited = { NOTES_TOKEN: 'canary-inherited-token', PLAIN_WORD: 'plain-word-of-the-environment' };
    const { code, stdout } = await cliWith(inherited, folder, 'ensure', 'notes', '--json', '--yes');
    assert.equal(code, 2, stdout);
    const tail = JSON.parse(stdout).log_tail.join('\n');
    assertNames(tail, 'own', 'token', 'plain plain-word-of-the-environment');
    assertOmits(stdout, 'canary');
  });

  it('restart refuses a command that was not confirmed, and keeps the server', async () => {
    setting('1.0.0');
    writeFileSync(
      join(folder, '.mcp.json'),
      JSON.stringify({ mcpServers: { notes: { type: 'http', url: `http://127.0.0.1:${port}/mcp` } } }),
    );
    const { pid } = JSON.parse((await run('notes', '--json', '--yes')).stdout);
    setting('1.0.0', ['--start-delay', '0.2']);
    const refused = await cli(folder, 'restart', String(pid), '--yes', '--json');
    const { status, message } = JSON.parse(refused.stdout).outcome;
    assert.deepEqual([refused.code, status, await listenersOf(port)], [2, 'refused', [pid]], refused.stdout);
    assertNames(message, 'mcp-shepherd ensure notes');
    rmSync(join(folder, '.mcp.json'));
  });

  it('reads only a regular file of this user or root that other users cannot write', async () => {
    const file = join(folder, 'mcp-shepherd.json');
    const set = (version: string): string => {
      setting(version);
      return file;
    };
    const cases: readonly (readonly [string, () => void, RegExp])[] = [
      ['a named pipe', () => execFileSync('mkfifo', [file]), /named pipe/],
      ['a device', () => symlinkSync('/dev/zero', file), /not a regular file/],
      ['a huge file', () => truncateSync(openNew(file), 2 ** 40), /too large/],
      ['a file that all users may write', () => chmodSync(set('1.0.0'), 0o666), /written by other users.*chmod/],
      ...(process.getuid?.() === 0
        ? ([
            ['a file of another user', () => chownSync(set('1.0.0'), 65_534, 65_534), /belongs to user 65534/],
            [
              'a link of another user',
              () => {
                setting('1.0.0');
                renameSync(file, `${file}.own`);
                symlinkSync(`${file}.own`, file);
                lchownSync(file, 65_534, 65_534);
              },
              /belongs to user 65534/,
            ],
          ] as const)
        : []),
    ];
    for (const [what, make, reason] of cases) {
      rmSync(file, { force: true });
      make();
      for (const args of [
        ['ensure', 'notes'],
        ['ensure', 'notes', '--json'],
      ]) {
        const { code, stderr } = await cli(folder, ...args);
        assert.equal(code, 2, `${what}: ${stderr}`);
        assert.match(stderr, reason, what);
      }
      assert.deepEqual(await listenersOf(port), [], what);
    }
    rmSync(file);
  });

  it('says in words what is wrong with mcp-shepherd.json', async () => {
    writeFileSync(join(folder, 'mcp-shepherd.json'), '{"servers": {"notes": {"comand": "x"}}}');
    const { code, stderr } = await run('notes');
    assert.equal(code, 2);
    assertNames(stderr, 'servers.notes.comand');
    rmSync(join(folder, 'mcp-shepherd.json'));
  });
});
