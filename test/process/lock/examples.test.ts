// The protocol without our code: the examples exclude other processes and are listed.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Ajv } from 'ajv';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { clearDeadRecords } from '../../../src/lock/clearDeadRecords.ts';
import { holdResources } from '../../../src/lock/holdResources.ts';
import { type InstanceRecord, listInstanceRecords, newInstanceId, writeInstanceRecord } from '../../../src/lock/instanceRecord.ts';
import { livenessOf } from '../../../src/lock/liveness.ts';
import { lockHolders } from '../../../src/lock/lockHolders.ts';
import { type ProcessStarts, readProcessStarts } from '../../../src/lock/processStarts.ts';
import { resourceKey } from '../../../src/lock/resourceKey.ts';
import { assertNames } from '../../names.ts';
import { someRecord } from '../../unit/lock/records.ts';
import { until } from '../../until.ts';
import { guardBundle, strictServer } from '../guard/guardedServer.ts';
import { findPython } from '../package/pythonWheels.ts';
import { ended, LockHome } from './lockHome.ts';
import { examples, installNotesServer } from './notesServer.ts';

const validate = new Ajv().compile(JSON.parse(readFileSync('schema/instance-record.schema.json', 'utf8')));

type Adopter = 'Python' | 'Node' | 'sh' | 'ours';
const adopters: readonly Adopter[] = ['Python', 'Node', 'sh', 'ours'];
const others = ['Python', 'Node', 'sh'] as const;

/** Each takes a lock, says "held", and keeps it until its input ends; says why not, and ends with 75, when it is held. */
function commandOf(adopter: Adopter, kind: string, resource: string): [string, ...string[]] {
  const base = ['-', kind, resource, `by-${adopter}`] as const;
  switch (adopter) {
    case 'Python':
      return [
        '/usr/bin/python3',
        '-B',
        '-c',
        `import sys; sys.path.insert(0, ${JSON.stringify(join(examples, 'python'))})
from instance_lock import hold
try: hold(*sys.argv[2:])
except BlockingIOError as error: sys.exit(print(error, file=sys.stderr) or 75)
print("held", flush=True); sys.stdin.read()`,
        ...base,
      ];
    case 'Node':
      return [
        process.execPath,
        '--input-type=module',
        '-e',
        `import { hold } from ${JSON.stringify(join(examples, 'node', 'instanceLock.mjs'))};
try { hold(...process.argv.slice(2)); console.log('held'); } catch (error) { console.error(error.message); process.exit(error.code === 'EHELD' ? 75 : 1); }
process.stdin.resume(); process.stdin.once('end', () => process.exit());`,
        ...base,
      ];
    case 'sh':
      return ['sh', join(examples, 'sh', 'hold.sh'), ...base.slice(1), '--', 'sh', '-c', 'echo held; read -r line || :'];
    default:
      return [process.execPath, '--no-warnings', join(import.meta.dirname, 'holder.ts'), ...base.slice(1)];
  }
}

describe('The examples in other languages', function () {
  this.timeout(120_000);
  let home: LockHome;
  let starts: ProcessStarts;

  before(async function () {
    if (process.platform !== 'linux' || !existsSync('/usr/bin/flock') || !existsSync('/usr/bin/python3')) {
      console.log('skipped: the examples were run on Linux with flock(1) and python3 only');
      this.skip();
    }
    starts = await readProcessStarts();
  });
  beforeEach(() => {
    home = new LockHome();
  });
  afterEach(() => home.clean());

  interface Attempt {
    readonly child: ChildProcess & { readonly pid: number };
    readonly held: boolean;
    readonly said: string;
    readonly code: number | null;
  }
  const attempt = async (adopter: Adopter, resource: string, kind = 'path', runDir = join(home.root, 'run')): Promise<Attempt> => {
    const [program, ...args] = commandOf(adopter, kind, resource);
    const env = { ...process.env, MCP_RUN_DIR: runDir };
    const child = home.start(program, args, env);
    let said = '';
    child.stderr?.on('data', (chunk) => {
      said += chunk;
    });
    const held = await new Promise<boolean>((resolve) => {
      child.stdout?.once('data', () => resolve(true));
      child.once('close', () => resolve(false));
    });
    return { child, held, said, code: child.exitCode };
  };
  const records = (): InstanceRecord[] =>
    listInstanceRecords(home.directory).flatMap((reading) => {
      assert.equal(reading.status, 'ok', JSON.stringify(reading));
      return reading.status === 'ok' ? [reading.record] : [];
    });

  it('the one in Python has at most forty lines', () => {
    assert.ok(
      readFileSync(join(examples, 'python', 'instance_lock.py'), 'utf8')
        .trimEnd()
        .split('\n').length <= 40,
    );
  });

  for (const holder of adopters) {
    it(`B28, test 3: what ${holder} holds no other process gets, it is published by the schema and alive, and free and dead after kill −9`, async () => {
      const data = join(home.root, 'some data é');
      mkdirSync(data);
      const first = await attempt(holder, data);
      assert.ok(first.held, first.said);
      const [record] = records();
      assert.ok(record);
      assert.ok(
        validate(JSON.parse(readFileSync(join(home.directory.instances, `${record.id}.json`), 'utf8'))),
        JSON.stringify(validate.errors),
      );
      const { key, dev, ino } = resourceKey('path', data);
      assert.deepEqual(
        [record.server?.pid, record.serverId, record.state, record.exclusion, { ...record.locks[0] }],
        [first.child.pid, `by-${holder}`, 'running', 'flock', { key, kind: 'path', resource: data, dev, ino }],
      );
      assert.equal((await livenessOf(record, starts)).life, 'alive');

      await Promise.all(
        adopters.map(async (other) => {
          const second = await attempt(other, data);
          assert.deepEqual([second.held, second.code], [false, 75], `${other}: ${second.said}`);
          assert.match(
            second.said,
            other === 'sh' ? new RegExp(record.id) : new RegExp(`PID ${first.child.pid} \\(['"]?by-${holder}`),
            other,
          );
        }),
      );
      assert.deepEqual(
        records().map(({ id }) => id),
        [record.id],
      );

      await ended(first.child);
      assert.equal((await livenessOf(record, starts)).life, 'dead');
      const next = await attempt(holder === 'Python' ? 'sh' : 'Python', data);
      assert.ok(next.held, next.said);
      assert.deepEqual(await clearDeadRecords(home.directory, starts), [record.id]);
      next.child.stdin?.end();
      await until('it has ended', () => next.child.exitCode !== null);
    });
  }

  it('test 25: all name the same thing alike, through links, dots and slashes, and ports and names as well', async () => {
    const data = join(home.root, 'data');
    mkdirSync(join(data, 'inner'), { recursive: true });
    symlinkSync(join(data, 'inner'), join(home.root, 'link'));
    for (const [kind, resource] of [
      ['path', join(data, 'inner')],
      ['path', `${home.root}/link/`],
      ['path', `${home.root}/link/../inner//`],
      ['path', `${home.root}/link/not/yet`],
      ['port', 'tcp:8931'],
      ['name', 'mempalace:default'],
    ] as const) {
      const { key } = resourceKey(kind, resource);
      for (const adopter of adopters) {
        const { child, held, said } = await attempt(adopter, resource, kind);
        assert.ok(held, `${adopter} ${resource}: ${said}`);
        assert.equal(records().find((record) => record.server?.pid === child.pid)?.locks[0]?.key, key, `${adopter} ${resource}`);
        await ended(child);
      }
    }
  });

  it('test 17: a server that outlived its guard keeps the other adopters away, although the lock is free', async () => {
    const server = home.start('sleep', ['600']);
    const start = (await starts.startOf(server.pid)) ?? '?';
    const host = { boot: starts.boot, pidns: starts.pidns };
    const { key, resource } = resourceKey('path', home.root);
    const record = someRecord({ id: newInstanceId(), host, server: { pid: server.pid, start }, locks: [{ key, kind: 'path', resource }] });
    writeInstanceRecord(home.directory, record);
    // A record that cannot be read names no holder, and stops no other.
    for (const text of ['', '[['.repeat(20_000), 'null', '{"host":1}', JSON.stringify({ ...record, server: { pid: 'self' } })]) {
      writeFileSync(join(home.directory.instances, `${newInstanceId()}.json`), text, { mode: 0o600 });
    }
    for (const adopter of others) {
      const refused = await attempt(adopter, home.root);
      assert.deepEqual([refused.held, refused.code], [false, 75], refused.said);
      assertNames(refused.said, `PID ${server.pid}`);
    }
    // Written by another program: in lines, in another order.
    const { server: mark, ...rest } = record;
    writeFileSync(
      join(home.directory.instances, `${record.id}.json`),
      JSON.stringify({ server: { start: mark?.start, pid: mark?.pid }, ...rest }, undefined, '\t'),
      { mode: 0o600 },
    );
    for (const adopter of others) {
      const refused = await attempt(adopter, home.root);
      assert.deepEqual([refused.held, refused.code], [false, 75], `${adopter}: ${refused.said}`);
    }
    await ended(server);
    for (const adopter of others) {
      const free = await attempt(adopter, home.root);
      assert.ok(free.held, `${adopter}: ${free.said}`);
      await ended(free.child);
    }
  });

  it('test 17: a server that closed what it inherited keeps them away when its guard is killed, and a dead one whose client lives does not', async () => {
    const closing = 'import os, sys\nos.closerange(3, 64)\nos.execv(sys.executable, [sys.executable] + sys.argv[1:])';
    const words = ['--grace', '600', '--lock', `path:${home.root}`, '--', '/usr/bin/python3', '-c', closing, strictServer, '--ignore-eof'];
    const env = { ...process.env, MCP_RUN_DIR: join(home.root, 'run') };
    const guard = home.start(process.execPath, [await guardBundle(), ...words], env);
    let pid = 0;
    await until('it is published with its server', () => {
      pid = records().find((record) => record.guard?.pid === guard.pid)?.server?.pid ?? 0;
      return pid > 0;
    });
    try {
      const lock = join(home.directory.locks, `${resourceKey('path', home.root).key}.lock`);
      await until(
        'the server has closed the lock',
        () =>
          lockHolders(lock)
            ?.map((one) => one.pid)
            .join() === String(guard.pid),
      );
      await ended(guard);
      for (const adopter of others) {
        const refused = await attempt(adopter, home.root);
        assert.deepEqual([refused.held, refused.code], [false, 75], `${adopter}: ${refused.said}`);
        assertNames(refused.said, `PID ${pid}`);
      }
    } finally {
      process.kill(pid, 'SIGKILL');
    }
    await until('the server is gone', async () => (await starts.startOf(pid)) === undefined);
    assert.equal(records()[0]?.client?.pid, process.pid, 'the record names a client that lives');
    for (const adopter of others) {
      const free = await attempt(adopter, home.root);
      assert.ok(free.held, `${adopter}: ${free.said}`);
      await ended(free.child);
    }
  });

  it('B1: of forty that start at once, by several languages, one gets it and the others name it', async () => {
    const attempts = await Promise.all(Array.from({ length: 40 }, (_, index) => attempt(adopters[index % 3] ?? 'Python', home.root)));
    const winners = attempts.filter(({ held }) => held);
    assert.equal(winners.length, 1);
    assert.deepEqual([...new Set(attempts.filter(({ held }) => !held).map(({ code }) => code))], [75]);
    assert.deepEqual(
      records().map(({ server }) => server?.pid),
      winners.map(({ child }) => child.pid),
    );
  });

  it('a run folder that differs between working directories excludes no other process: refused by all, and not created', async () => {
    const runDir = `mcp-run-of-a-test-${process.pid}`;
    for (const adopter of adopters.filter((one) => one !== 'ours')) {
      const { held, code, said } = await attempt(adopter, home.root, 'path', runDir);
      const made = existsSync(runDir);
      rmSync(runDir, { recursive: true, force: true });
      assert.deepEqual([held, code === 0 || code === 75, made], [false, false, false], `${adopter}: ${said}`);
      assertNames(said, 'absolute path');
    }
  });

  it('test 27: a folder that others may enter is refused by all', async () => {
    chmodSync(home.directory.instances, 0o755);
    for (const adopter of adopters) {
      const { held, code, said } = await attempt(adopter, home.root);
      assert.deepEqual([held, code === 0 || code === 75], [false, false], `${adopter}: ${said}`);
      assert.match(said, /700|alone/, adopter);
    }
    chmodSync(home.directory.instances, 0o700);
  });
});

describe('The example of an MCP server in Python', function () {
  this.timeout(120_000);
  let home: LockHome;
  let command = '';
  let environment: LockHome | undefined;

  before(async function () {
    if (process.platform !== 'linux' || (await findPython()) === undefined) {
      console.log('skipped: needs Linux and a Python with venv and pip');
      this.skip();
    }
    environment = new LockHome();
    command = await installNotesServer(join(environment.root, 'venv'));
  });
  after(() => environment?.clean());
  beforeEach(() => {
    home = new LockHome();
  });
  afterEach(() => home.clean());

  /** A conversation: each request gets its answer. */
  const serve = (folder: string) => {
    const child = spawn(command, [folder], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, MCP_RUN_DIR: join(home.root, 'run') },
    });
    home.adopt(child);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    let id = 0;
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    return {
      child,
      said: () => said,
      async ask(method: string, params: object = {}): Promise<{ result?: Record<string, unknown>; error?: { message: string } }> {
        id += 1;
        child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
        const { value } = await lines.next();
        const answer = JSON.parse(value ?? 'null');
        assert.equal(answer?.id, id, said);
        return answer;
      },
    };
  };

  it('serves, says what it has loaded, and sends a second one away with the PID of the first', async () => {
    const folder = join(home.root, 'notes');
    const one = serve(folder);
    const hello = await one.ask('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    });
    assert.deepEqual(hello.result?.serverInfo, { name: 'notes-mcp', version: '1.0.0' });
    await one.ask('tools/call', { name: 'write_note', arguments: { name: 'a', text: 'b' } });
    assert.deepEqual((await one.ask('tools/call', { name: 'read_note', arguments: { name: 'a' } })).result?.content, [
      { type: 'text', text: 'b' },
    ]);
    assert.equal((await one.ask('tools/call', { name: 'read_note', arguments: { name: '../a' } })).result?.isError, true);

    const [reading] = listInstanceRecords(home.directory);
    assert.ok(reading?.status === 'ok', JSON.stringify(reading));
    const { package: own, deps, server } = reading.record;
    assert.deepEqual([own?.ecosystem, own?.name, own?.version], ['pypi', 'notes-mcp', '1.0.0']);
    assert.deepEqual([deps?.versions, server?.pid], [{ 'example-instance-lock': '1.0.0' }, one.child.pid]);

    const two = serve(folder);
    const refused = await two.ask('initialize', {});
    assertNames(refused.error?.message, `PID ${one.child.pid}`);
    await until('the second has ended', () => two.child.exitCode !== null);
    assert.equal(two.child.exitCode, 75);

    one.child.stdin.end();
    await until('the first has ended', () => one.child.exitCode !== null);
    assert.deepEqual(listInstanceRecords(home.directory), []);
    const { ask } = serve(folder);
    assert.ok((await ask('ping')).result);
  });

  it('excludes ours, and takes its record away when it is asked to end', async () => {
    const folder = join(home.root, 'notes');
    const one = serve(folder);
    await one.ask('ping');
    const request = { directory: home.directory, starts: await readProcessStarts(), facts: { serverId: 'ours' } };
    const held = await holdResources({ ...request, resources: [resourceKey('path', folder)] });
    assert.ok(held.status === 'held');
    assert.deepEqual(
      held.by.map((record) => record.server?.pid),
      [one.child.pid],
    );
    one.child.kill('SIGTERM');
    await until('it has ended', () => one.child.exitCode !== null);
    assert.deepEqual(listInstanceRecords(home.directory), []);
  });
});
