// A reader, a holder, an actor and a client of the control endpoint that were written from the document alone, in a language that nothing else here uses.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Ajv } from 'ajv';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { actOnce, readActor } from '../../../src/lock/actOnce.ts';
import { holdResources } from '../../../src/lock/holdResources.ts';
import { listInstanceRecords, newInstanceId, writeInstanceRecord } from '../../../src/lock/instanceRecord.ts';
import { livenessOf } from '../../../src/lock/liveness.ts';
import { type ProcessStarts, readProcessStarts } from '../../../src/lock/processStarts.ts';
import { resourceKey } from '../../../src/lock/resourceKey.ts';
import { assertNames } from '../../names.ts';
import { someRecord } from '../../unit/lock/records.ts';
import { until } from '../../until.ts';
import { onlyOnLinux } from '../onlyOnLinux.ts';
import { ControlHome } from './control/controlHome.ts';
import { ended } from './lockHome.ts';

const script = join(import.meta.dirname, 'fromTheDocument.pl');

describe('The protocol as its document tells it, in Perl', function () {
  this.timeout(60_000);
  let home: ControlHome;
  let starts: ProcessStarts;

  onlyOnLinux('the program in Perl was written for Linux');
  before(async function () {
    if (!existsSync('/usr/bin/perl')) {
      console.log('skipped: there is no perl');
      this.skip();
    }
    starts = await readProcessStarts();
  });
  beforeEach(() => {
    home = new ControlHome();
  });
  afterEach(() => home.clean());

  const env = (): NodeJS.ProcessEnv => ({ ...process.env, MCP_RUN_DIR: join(home.root, 'run') });
  const perl = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)('/usr/bin/perl', [script, ...args], { env: env(), cwd: home.root })).stdout;
  /** Starts it and gives its first line; undefined when it ends without one. */
  const start = async (
    ...args: readonly string[]
  ): Promise<{ child: ChildProcess & { readonly pid: number }; line?: string; said: () => string }> => {
    const child = home.start('/usr/bin/perl', [script, ...args], env());
    let said = '';
    child.stderr?.on('data', (chunk) => {
      said += chunk;
    });
    const line = await new Promise<string | undefined>((resolve) => {
      child.stdout?.once('data', (chunk) => resolve(String(chunk).trim()));
      child.once('close', () => resolve(undefined));
    });
    return { child, ...(line === undefined ? {} : { line }), said: () => said };
  };
  const ours = (path: string, serverId = 'ours') =>
    (async () => {
      const server = { pid: process.pid, start: (await starts.startOf(process.pid)) ?? '?' };
      return holdResources({ directory: home.directory, starts, resources: [resourceKey('path', path)], facts: { serverId, server } });
    })();

  it('test 25: names every resource by the same key', async () => {
    const real = join(home.root, 'some data é');
    mkdirSync(join(real, 'deep'), { recursive: true });
    symlinkSync(real, join(home.root, 'link'));
    symlinkSync(join(home.root, 'nowhere'), join(home.root, 'dangling'));
    const names: ['path' | 'port' | 'name', string][] = [
      ...[
        real,
        `${real}/`,
        join(home.root, 'link'),
        `${home.root}/link/deep/..`,
        `${home.root}/link/../link/deep//`,
        `${home.root}/link/not/../there/yet/`,
        `${home.root}/dangling/x`,
        `${home.root}/dangling`,
        '/',
        '//tmp',
        '~',
        '~/a b',
        '~nobody',
      ].map((path): ['path', string] => ['path', path]),
      ['port', '8931'],
      ['port', 'tcp:08931'],
      ['name', 'mempalace:default'],
    ];
    for (const [kind, name] of names) {
      const { key, resource } = resourceKey(kind, name.startsWith('~n') ? join(home.root, name) : name);
      assert.equal(await perl('key', kind, name), `${key} ${resource}\n`, name);
    }
    await assert.rejects(perl('key', 'port', '65536'));
    assert.throws(() => resourceKey('port', '65536'));
  });

  it('test 3: keeps us away and is kept away, names the holder, and publishes by the schema', async () => {
    const data = join(home.root, 'data');
    mkdirSync(data);
    const { child, line } = await start('hold', 'path', data, 'in-perl');
    assert.equal(line, 'held');
    const [reading] = listInstanceRecords(home.directory);
    assert.ok(reading?.status === 'ok', JSON.stringify(reading));
    const validate = new Ajv().compile(JSON.parse(readFileSync('schema/instance-record.schema.json', 'utf8')));
    assert.ok(
      validate(JSON.parse(readFileSync(join(home.directory.instances, `${reading.id}.json`), 'utf8'))),
      JSON.stringify(validate.errors),
    );
    assert.deepEqual([reading.record.server?.pid, (await livenessOf(reading.record, starts)).life], [child.pid, 'alive']);
    assert.equal(reading.record.locks[0]?.ino, resourceKey('path', data).ino);
    const refused = await ours(data);
    assert.ok(refused.status === 'held', JSON.stringify(refused));
    assert.deepEqual(
      refused.by.map(({ serverId }) => serverId),
      ['in-perl'],
    );
    await ended(child);
    const held = await ours(data);
    assert.ok(held.status === 'held-by-us', JSON.stringify(held));
    const second = await start('hold', 'path', data, 'in-perl');
    await until('it has ended', () => second.child.exitCode !== null);
    assert.deepEqual([second.line, second.child.exitCode], [undefined, 75]);
    assertNames(second.said(), `PID ${process.pid} (ours)`);
    held.instance.close();
    const third = await start('hold', 'path', data, 'in-perl');
    assert.equal(third.line, 'held', third.said());
  });

  it('tests 7 to 13: reads every record as we do, hostile ones and those of the dead among them', async () => {
    const host = { boot: starts.boot, pidns: starts.pidns };
    const self = { pid: process.pid, start: (await starts.startOf(process.pid)) ?? '?' };
    const thread = Number(readdirSync('/proc/self/task').find((id) => id !== String(process.pid)));
    const parent = home.start('perl', ['-e', '$| = 1; my $pid = fork(); exit 0 unless $pid; print "$pid\n"; sleep 60']);
    const zombie = await new Promise<number>((resolve) => parent.stdout?.once('data', (chunk) => resolve(Number(chunk))));
    await until('it is a zombie', () => readFileSync(`/proc/${zombie}/stat`, 'utf8').includes(') Z '));
    const startOf = (stat: string): string =>
      `lx:${
        readFileSync(stat, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ')[19]
      }`;
    const group = home.start('setsid', ['sleep', '60']);
    await until(
      'it leads a group',
      () => readFileSync(`/proc/${group.pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[2] === String(group.pid),
    );
    const good = { host, server: self };
    const expected = new Map<string, string>();
    const add = (name: string, changes: Parameters<typeof someRecord>[0]): void => {
      const id = newInstanceId();
      writeInstanceRecord(home.directory, someRecord({ ...changes, id }));
      expected.set(id, name);
    };
    add('alive', good);
    add('alive', { host, server: { pid: 3, start: 'lx:1' }, guard: self });
    add('dead', { host, server: { ...self, start: 'lx:1' } });
    add('dead', { host: { ...host, boot: 'another' }, server: self });
    add('unknown', { host: { ...host, pidns: '1' }, server: self });
    add('unknown', { host, server: { ...self, start: '?' } });
    add('unknown', { host, server: { ...self, start: 'win:5' } });
    add('unknown', { host, server: undefined });
    add('dead', { host, server: { pid: thread, start: startOf(`/proc/self/task/${thread}/stat`) } });
    add('dead', { host, server: { pid: zombie, start: startOf(`/proc/${zombie}/stat`) } });
    add('unknown', { host, server: { pid: group.pid, start: 'lx:1', pgid: group.pid } });
    const plant = (what: string, content: string): void => {
      const id = newInstanceId();
      writeFileSync(join(home.directory.instances, `${id}.json`), content.replaceAll('THE-ID', id), { mode: 0o600 });
      expected.set(id, what);
    };
    const withField = (part: object): string => JSON.stringify({ ...someRecord(good), id: 'THE-ID', ...part });
    plant('newer', '{"ilp":2,"minReader":2}');
    plant('newer', withField({ minReader: 7 }));
    for (const bad of [0, 1, -1, '5', 2 ** 53, 5.5, null, true]) {
      plant('unreadable', withField({ server: { pid: bad, start: 'lx:1' } }));
    }
    for (const content of [
      '',
      '{',
      '[]',
      'null',
      '\0',
      '\ufeff{}',
      withField({ id: 'f'.repeat(32) }),
      withField({ serverId: 'a\nb' }),
      withField({ state: 'ready' }),
    ]) {
      plant('unreadable', content);
    }
    writeFileSync(join(home.directory.instances, `${'e'.repeat(32)}.json`), Buffer.from([0x7b, 0xff, 0xfe]));
    expected.set('e'.repeat(32), 'unreadable');
    const at = (digit: string): string => join(home.directory.instances, `${digit.repeat(32)}.json`);
    execFileSync('mkfifo', [at('a')]);
    symlinkSync(join(home.directory.instances, `${[...expected.keys()][0]}.json`), at('b'));
    writeFileSync(at('c'), '');
    truncateSync(at('c'), 2 ** 30);
    mkdirSync(at('d'));
    for (const digit of ['a', 'b', 'c', 'd']) {
      expected.set(digit.repeat(32), 'unreadable');
    }
    const own = await Promise.all(
      listInstanceRecords(home.directory).map(
        async (reading) => `${reading.id} ${reading.status === 'ok' ? (await livenessOf(reading.record, starts)).life : reading.status}`,
      ),
    );
    assert.deepEqual(own.sort(), [...expected].map(([id, what]) => `${id} ${what}`).sort());
    assert.deepEqual((await perl('list')).trim().split('\n').sort(), own);
  });

  it('test 30: proves itself at the control endpoint, asks, and learns nothing without the secret', async () => {
    const opened = await home.open({ status: ({ by }) => ({ asked: by ?? '' }) });
    writeInstanceRecord(home.directory, someRecord({ id: opened.id, control: { ...opened.control, caps: ['status'] }, server: undefined }));
    assert.deepEqual(JSON.parse(await perl('ask', opened.id, 'status')), { result: { asked: 'a program in Perl' } });
    writeFileSync(join(home.directory.instances, `${opened.id}.secret`), 'a'.repeat(64));
    await assert.rejects(perl('ask', opened.id, 'status'), /closed/);
  });

  it('tests 20, 22: acts under an intent while we wait, is named, and lets us in when it is done', async () => {
    const target = 'a'.repeat(32);
    const { child, line } = await start('intend', target, 'the-one', 'restart');
    assert.equal(line, 'acting');
    assert.deepEqual([readActor(home.directory, target)?.by, readActor(home.directory, target)?.pid], ['a program in Perl', child.pid]);
    const actor = { by: 'the test', pid: process.pid, start: 'lx:1', verb: 'restart', since: 'now' } as const;
    const wish = { directory: home.directory, target, expect: 'the-one', actor, current: async () => 'the-one' };
    const busy = await actOnce({ ...wish, waitMs: 200 }, async () => 'ours');
    assert.ok(busy.status === 'busy' && busy.actor?.by === 'a program in Perl');
    child.stdin?.end();
    assert.deepEqual(await actOnce({ ...wish, waitMs: 10_000 }, async () => 'ours'), { status: 'acted', result: 'ours' });
    let said = '';
    await actOnce({ ...wish, waitMs: 1_000 }, async () => {
      const other = await start('intend', target, 'the-one', 'restart');
      said = other.line ?? '';
    });
    assertNames(said, '"by":"the test"');
  });
});
