import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { until } from '../../until.ts';
import { buildCli, RunningCli } from '../cli/bundle.ts';
import { GuardHome, guardBundle, type RawClient, strictServer } from './guardedServer.ts';

/** The server says something at its start, with a secret of its environment and one in the text. */
const speaks = `echo "listening as $API_TOKEN, password=hunter2hunter2" >&2; exec python3 ${strictServer}`;
const fails = 'echo "the config file is missing" >&2; exit 3';

describe('what a guarded server writes to standard error', () => {
  let home: GuardHome;
  let folder = '';
  let cli = '';
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'output-cli-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    cli = await buildCli(folder);
  });
  beforeEach(() => {
    home = new GuardHome();
    home.variables = { API_TOKEN: 'a-token-that-nobody-sees-77', CLAUDE_CONFIG_DIR: undefined };
  });
  afterEach(() => home.clean());

  /** Starts a guarded server as its entry says. */
  const start = async (name: string, script: string): Promise<RawClient> => {
    const words = ['--on-stale', 'off', '--', 'sh', '-c', script];
    const entry = { command: process.execPath, args: [await guardBundle(), ...words] };
    writeFileSync(home.path('.claude.json'), JSON.stringify({ mcpServers: { [name]: entry } }));
    return home.guard(words);
  };
  const logs = (...args: string[]): RunningCli =>
    new RunningCli(process.execPath, cli, ['logs', ...args], { cwd: home.root, env: home.env });

  it('is passed on and kept: `logs NAME` shows it without secrets, `-f` also what the next server writes', async () => {
    const client = await start('speaker', speaks);
    await client.handshake();
    await until('the client has it', () => client.stderr.includes('listening as a-token-that-nobody-sees-77, password=hunter2hunter2\n'));
    const kept = join(home.run, 'shepherd', 'logs');
    await until('it is kept', () => readdirSync(kept).length === 1);
    const [name = ''] = readdirSync(kept);
    assert.equal(statSync(join(kept, name)).mode & 0o777, 0o600);
    const shown = await logs('speaker').ended();
    assert.match(shown.stdout, /^==> .*guard-.*\.log <==\nlistening as \S+, password=\S+\n$/);
    assert.ok(!/nobody|hunter2/.test(shown.stdout), shown.stdout);
    const following = logs('speaker', '-f');
    await until('it shows the first line', () => following.stdout.includes('listening'));
    client.child.kill('SIGUSR2');
    await until('it shows the line of the second server', () => following.stdout.split('listening as').length === 3);
    following.child.kill('SIGTERM');
    await following.ended();
  });

  it('is kept of a server that failed, after its guard has ended; what it wrote last reaches the client', async () => {
    const client = await start('broken', fails);
    assert.deepEqual([(await client.ended).code, client.stderr], [3, 'the config file is missing\n']);
    const shown = await logs('broken').ended();
    assert.match(shown.stdout, /\nthe config file is missing\n$/, shown.stderr);
    const other = await logs('other').ended();
    assert.equal(other.code, 2);
    assert.ok(other.stderr.includes('no output of "other" is kept'), other.stderr);
  });
});
