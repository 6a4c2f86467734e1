import { deepEqual, equal, ok } from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { askInstance } from '../../../../src/lock/control/controlClient.ts';
import { type InstanceRecord, readInstanceRecord } from '../../../../src/lock/instanceRecord.ts';
import { findLockDirectory } from '../../../../src/lock/lockDirectory.ts';
import { knownUpdateFile } from '../../../../src/package/knownUpdate.ts';
import { createRedactor } from '../../../../src/redaction/redactor.ts';
import { guardMarks } from '../../../../src/survey/records/guardMarks.ts';
import { until } from '../../../until.ts';
import { buildPrograms } from '../../cli/bundle.ts';
import { run } from '../../package/command.ts';
import { cleanEnv, findPython, makeVenv, pip, venvPath } from '../../package/pythonWheels.ts';
import { GuardHome, guardBundle, type Message, publishedGuards, type RawClient, resultText, stalePackages } from '../guardedServer.ts';

describe('guard: stale code at call time, through the bundle that ships', function () {
  this.timeout(120_000);
  let root: string;
  let venv: string;
  let home: GuardHome;

  before(async function () {
    if (process.platform !== 'linux' || (await findPython()) === undefined) {
      console.log('skipped: no Python with venv and ensurepip here');
      this.skip();
    }
    root = realpathSync(mkdtempSync(join(tmpdir(), 'stale-guard-')));
    venv = join(root, 'venv');
    await makeVenv(venv);
    await install('stale-mcp==0.1.0', 'stalelib==1.0.0');
  });
  beforeEach(() => {
    home = new GuardHome();
  });
  afterEach(() => home.clean());
  after(() => {
    if (root) {
      rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    }
  });

  const install = (...specs: readonly string[]): Promise<string> => pip(venv, 'install', '--quiet', ...specs);
  const server = (): string => venvPath(venv, 'stale-mcp');
  const metadata = (): string => {
    const site = join(venv, 'lib', readdirSync(join(venv, 'lib'))[0] ?? '', 'site-packages');
    const info = readdirSync(site).find((name) => /^stalelib-.*\.dist-info$/.test(name)) ?? '';
    return join(site, info, 'METADATA');
  };
  /** What an upgrade of the library changes, without the seconds that pip takes; undone by `put`. */
  const pretend = (version: string): (() => void) => {
    const file = metadata();
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(/^Version: .*$/m, `Version: ${version}`));
    return () => writeFileSync(file, text);
  };
  const guarded = async (...options: readonly string[]): Promise<RawClient> => {
    const client = await home.guard([...options, '--', server()]);
    await client.handshake();
    // What the guard records of a server it records after its first answer.
    await client.request('ping');
    return client;
  };
  const notes = (): string[] => (existsSync(home.path('notes')) ? readFileSync(home.path('notes'), 'utf8').trim().split('\n') : []);
  const note = (client: RawClient, tool = 'note'): Promise<Message> => client.call(tool, { file: home.path('notes') });
  const metaOf = (message: Message): Message => (message.result as { _meta?: Message })._meta ?? {};

  it('A1 A2 A3 A9 A10 A23 A32: refused until it is restarted, by the command that the refusal names', async () => {
    const client = await guarded('--on-stale', 'refuse-writes');
    const direct = home.start(server(), []);
    await direct.handshake();
    await client.request('tools/list');
    equal(resultText(await note(client)), 'written');
    await install('stalelib==1.1.0');

    // The control: without the guard, old code writes.
    equal(resultText(await note(direct)), 'written');
    equal(notes()[1], '{"stale-mcp": "0.1.0", "stalelib": "1.0.0"}');

    const refused = await client.request('tools/call', { name: 'note', arguments: { file: home.path('notes') } }, 'an-id');
    deepEqual([refused.id, (refused.result as Message).isError, metaOf(refused).action_required], ['an-id', true, 'restart_mcp_server']);
    deepEqual(stalePackages(refused), ['stalelib 1.0.0 1.1.0 upgrade']);
    ok(!('structuredContent' in (refused.result as Message)));
    await note(client);
    equal(notes().length, 2);
    equal(await client.text('version'), '{"stale-mcp": "0.1.0", "stalelib": "1.0.0"}');
    // A notification never gets an answer, whatever it says; but the server may carry it out.
    const before = client.messages.length;
    client.send({ method: 'tools/call', params: { name: 'note', arguments: {} } });
    await client.request('ping');
    equal(client.messages.length, before + 1);
    ok(client.stderr.includes('a call without an id'), client.stderr);
    equal(client.stderr.split('\n').filter((line) => line.includes('stale:')).length, 1, client.stderr);

    // Status and record, as the command line and the extension see them.
    await until('it is published', () => publishedGuards(home.run).some(({ control, record }) => control && record.package !== undefined));
    const [published] = publishedGuards(home.run);
    const directory = findLockDirectory(join(home.run, 'v1'));
    ok(published && directory && 'directory' in directory);
    const reading = readInstanceRecord(directory.directory, published.id);
    ok(reading.status === 'ok');
    const { record } = reading;
    deepEqual(record.package, { ecosystem: 'pypi', name: 'stale-mcp', version: '0.1.0', root: venv });
    deepEqual(record.deps?.versions, { stalelib: '1.0.0' });
    const status = await askInstance({ directory: directory.directory, record, verb: 'status', handshakeMs: 20_000 });
    ok(status.status === 'ok');
    const stale = status.result.stale as Message;
    deepEqual([stale.stale, stale.packages], [true, [{ package: 'stalelib', serving: '1.0.0', installed: '1.1.0', change: 'upgrade' }]]);
    equal(stale.refusedCalls, 3, 'B26: refusals are counted');

    // The restart, over the endpoint that the command of the refusal uses. The session continues.
    const restarted = await askInstance({ directory: directory.directory, record, verb: 'restart', handshakeMs: 20_000 });
    equal(restarted.status, 'ok', JSON.stringify(restarted));
    equal(resultText(await note(client)), 'written');
    equal(notes()[2], '{"stale-mcp": "0.1.0", "stalelib": "1.1.0"}');
    ok(
      client.lines.every((line) => JSON.parse(line.toString('utf8')).jsonrpc === '2.0'),
      'standard output carries protocol alone',
    );
    await install('stalelib==1.0.0');
  });

  it('A1: the command that the refusal names exists, and restarts the server from any terminal', async () => {
    const programs = mkdtempSync(join(tmpdir(), 'stale-programs-'));
    try {
      await buildPrograms(programs);
      const client = home.start(process.execPath, [
        join(programs, 'guard.cjs'),
        '--on-stale',
        'refuse-writes',
        '--write-tools',
        'note',
        '--',
        server(),
      ]);
      await client.handshake();
      await client.request('ping');
      const put = pretend('1.1.0');
      try {
        const refused = metaOf(await note(client))['mcp-shepherd/stale'] as { cure: string };
        await until('it is published', () => publishedGuards(home.run).some(({ control }) => control));
        const command = refused.cure;
        ok(command.includes(`restart ${publishedGuards(home.run)[0]?.server} --run-dir ${home.run}`), command);
        const typed = (): Promise<string> => run('sh', ['-c', `${command} || true`], { cwd: home.root, env: home.env });
        // Two users run the command of the same refusal: one acts. The other is told so or, when it starts late, finds no such process.
        const said = await Promise.all([typed(), typed()]);
        equal(said.filter((text) => /was restarted by its guard: PID \d+ now.*keeps the session/s.test(text)).length, 1, said.join('\n'));
        equal(said.filter((text) => text === '' || /already (being )?restarted by "?terminal/.test(text)).length, 1, said.join('\n'));
        equal(resultText(await note(client)), 'written');
        // And one who comes late restarts nothing either.
        const late = await typed();
        ok(!/was restarted by its guard/.test(late), late);
        equal(client.stderr.split('restarting').length, 2, client.stderr);
        // To stop it, the guard is asked too: it gives everything back, and starts nothing again.
        const pid = publishedGuards(home.run)[0]?.server ?? -1;
        const stopped = await run(process.execPath, [join(programs, 'cli.cjs'), 'stop', String(pid), '--force'], {
          cwd: home.root,
          env: home.env,
        });
        ok(stopped.includes(`(PID ${pid}) was stopped by its guard`), stopped);
        await client.ended;
        deepEqual(publishedGuards(home.run), []);
      } finally {
        put();
      }
    } finally {
      rmSync(programs, { recursive: true, force: true });
    }
  });

  it('A11: an upgrade right before the call is seen, and a roll-back clears it', async () => {
    const client = await guarded('--on-stale', 'refuse-writes', '--write-tools', 'note');
    for (let round = 0; round < 50; round += 1) {
      const put = pretend('1.0.1');
      deepEqual(stalePackages(await note(client)), ['stalelib 1.0.0 1.0.1 upgrade']);
      put();
      equal(resultText(await note(client)), 'written');
    }
    equal(notes().length, 50);
  });

  it('A24 A26: who never listed the tools is asked for nothing; the guard asks, and swallows what it asked', async () => {
    const client = await guarded('--on-stale', 'refuse-writes');
    const put = pretend('1.1.0');
    try {
      const [read, refused, unknown] = await Promise.all([client.call('version'), note(client), client.call('nothing')]);
      equal(resultText(read), '{"stale-mcp": "0.1.0", "stalelib": "1.0.0"}');
      deepEqual(stalePackages(refused), ['stalelib 1.0.0 1.1.0 upgrade']);
      equal(resultText(unknown), 'no tool nothing');
      equal(resultText(await note(client, 'peek')), 'written');
      // The tool that lied takes it back: the list is read again.
      equal(await client.text('confess'), 'confessed');
      equal(client.notifications('notifications/tools/list_changed').length, 1);
      deepEqual(stalePackages(await note(client, 'peek')), ['stalelib 1.0.0 1.1.0 upgrade']);
      const ids = client.messages.filter((message) => !('method' in message)).map(({ id }) => id);
      deepEqual([new Set(ids).size, ids.every((id) => typeof id === 'number')], [ids.length, true], 'nothing but answers to our own ids');
      ok(JSON.stringify(await client.request('tools/call', {})).includes('no tool None'), 'the server refuses it');
    } finally {
      put();
    }
  });

  it('A25 A26: warn, refuse, off and the user’s own lists', async () => {
    const policies = {
      warn: await guarded('--on-stale', 'warn'),
      refuse: await guarded('--on-stale', 'refuse'),
      off: await guarded('--on-stale', 'off'),
    };
    const listed = await guarded('--on-stale', 'refuse-writes', '--write-tools', 'peek', '--read-tools', 'note');
    const put = pretend('1.1.0');
    try {
      equal(resultText(await note(policies.warn)), 'written');
      ok(policies.warn.stderr.includes('stalelib 1.0.0'), policies.warn.stderr);
      deepEqual(stalePackages(await policies.refuse.call('version')), ['stalelib 1.0.0 1.1.0 upgrade']);
      equal(resultText(await note(policies.off)), 'written');
      equal(policies.off.stderr, '');
      equal(resultText(await note(listed)), 'written');
      deepEqual(stalePackages(await note(listed, 'peek')), ['stalelib 1.0.0 1.1.0 upgrade']);
      equal(resultText(await note(policies.warn)), 'written');
      await until('the records tell which writing calls old code got', () => {
        const marks = new Map(
          publishedGuards(home.run).map(
            (one) => [one.guard, guardMarks(one.record as InstanceRecord, createRedactor([])).staleWrites] as const,
          ),
        );
        const [warn, refuse, off] = [policies.warn, policies.refuse, policies.off].map(({ pid }) => marks.get(pid));
        return (
          warn?.calls === 2 &&
          JSON.stringify(warn.tools) === '[{"name":"note","calls":2}]' &&
          Date.parse(warn.from ?? '') <= Date.parse(warn.to ?? '') &&
          refuse?.calls === 0 &&
          off === undefined
        );
      });
    } finally {
      put();
    }
  });

  it('A29 A31: restart replaces the server before the call, but never by an older version', async () => {
    const client = await guarded('--on-stale', 'restart');
    await install('stalelib==1.1.0');
    equal(await client.text('version'), '{"stale-mcp": "0.1.0", "stalelib": "1.1.0"}');
    equal(resultText(await note(client)), 'written');
    equal(notes()[0], '{"stale-mcp": "0.1.0", "stalelib": "1.1.0"}');
    await install('stalelib==1.0.0');
    deepEqual(stalePackages(await note(client)), ['stalelib 1.1.0 1.0.0 downgrade']);
    ok(client.messages.every((message) => !('method' in message) || message.method === 'notifications/tools/list_changed'));
  });

  it('without --on-stale the server is restarted before the next call, also a reading one; to an older version it is not', async () => {
    const client = await guarded();
    equal(await client.text('version'), '{"stale-mcp": "0.1.0", "stalelib": "1.0.0"}');
    await install('stalelib==1.1.0');
    const both = await Promise.all([client.text('version'), client.text('version'), note(client).then(resultText)]);
    deepEqual(both, [...Array.from({ length: 2 }, () => '{"stale-mcp": "0.1.0", "stalelib": "1.1.0"}'), 'written']);
    equal(client.stderr.split('restarting').length, 2, `one restart: ${client.stderr}`);
    await install('stalelib==1.0.0');
    deepEqual(stalePackages(await note(client)), ['stalelib 1.1.0 1.0.0 downgrade']);
    equal(await client.text('version'), '{"stale-mcp": "0.1.0", "stalelib": "1.1.0"}', 'reads pass');
  });

  it('without --on-stale a call that comes at any moment of the restart waits for the new server', async () => {
    // The delay is the subject: at some of these moments the old server is gone from the process table, and the new one is not there.
    const moments = [10, 18, 26, 34, 42, 50, 62];
    for (const ms of process.env.TEST_LONG === '1' ? [...moments, 14, 22, 30, 38, 46, 56, 70] : moments) {
      const client = await guarded();
      await client.text('version');
      const put = pretend('1.1.0');
      try {
        const [, , written] = await Promise.all([client.text('version'), client.text('version'), delay(ms).then(() => note(client))]);
        equal(resultText(written), 'written', `${ms} ms: ${client.stderr}`);
      } finally {
        put();
        client.child.stdin?.end();
      }
    }
  });

  it('without --on-stale a server with a child process is restarted only before its first call; then writes are refused', async () => {
    const start = async (): Promise<RawClient> => {
      const client = await home.guard(['--', 'sh', '-c', `sleep 600 >/dev/null & exec ${server()}`]);
      await client.handshake();
      await client.request('ping');
      return client;
    };
    const [uncalled, called] = [await start(), await start()];
    const pid = await called.text('version');
    const put = pretend('1.1.0');
    try {
      equal(resultText(await note(uncalled)), 'written');
      ok(uncalled.stderr.includes('restarting'), uncalled.stderr);
      const refused = await note(called);
      deepEqual(stalePackages(refused), ['stalelib 1.0.0 1.1.0 upgrade']);
      equal(await called.text('version'), pid, 'reads pass');
      ok(called.stderr.includes('child process'), called.stderr);
    } finally {
      put();
    }
  });

  it('A27: the protocol of 2026-07-28 gets a complete result, and a client library takes both', async () => {
    const client = await home.guard(['--on-stale', 'refuse-writes', '--', server()]);
    const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
    const call = (): Promise<Message> =>
      client.request('tools/call', { name: 'note', arguments: { file: home.path('notes') }, _meta: meta });
    equal(resultText(await call()), 'written');
    const library = new Client({ name: 'test', version: '1' });
    const { HOME, PATH } = cleanEnv(home.root);
    await library.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [await guardBundle(), '--run-dir', home.run, '--on-stale', 'refuse-writes', '--', server()],
        env: { HOME: HOME ?? '', PATH: PATH ?? '' },
        stderr: 'ignore',
      }),
    );
    try {
      await library.listTools();
      const put = pretend('1.1.0');
      try {
        const refused = await call();
        deepEqual([(refused.result as Message).resultType, metaOf(refused).action_required], ['complete', 'restart_mcp_server']);
        const result = await library.callTool({ name: 'note', arguments: {} });
        deepEqual([result.isError, result._meta?.action_required], [true, 'restart_mcp_server']);
      } finally {
        put();
      }
    } finally {
      await library.close();
    }
  });

  it('--update-note: one block in the first result of a session, from what is kept on this machine; none without the option', async () => {
    const ref = { ecosystem: 'python', name: 'stale-mcp', environment: venv } as const;
    const file = knownUpdateFile(home.run, ref);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(
      file,
      JSON.stringify({ schema: 1, ...ref, installed: '0.1.0', newest: '0.2.0', how: 'run: pip install x', at: Date.now() }),
    );
    const told = await guarded('--update-note');
    const untold = await guarded();
    await until('it knows what it runs', () => publishedGuards(home.run).every(({ record }) => record.package !== undefined));
    const texts = async (client: RawClient): Promise<string[]> =>
      ((await client.call('version')).result as { content: { text: string }[] }).content.map(({ text }) => text);
    const version = '{"stale-mcp": "0.1.0", "stalelib": "1.0.0"}';
    const [answer, added, ...others] = await texts(told);
    deepEqual([answer, others], [version, []]);
    for (const part of ['stale-mcp', '0.1.0', '0.2.0', 'pip install x']) {
      ok(added?.includes(part), added);
    }
    deepEqual(await texts(told), [version]);
    deepEqual(await texts(untold), [version]);
  });
});
