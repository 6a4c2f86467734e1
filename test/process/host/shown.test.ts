// What a scan says of relays, the host and servers that were not started, and that actions reach a server through its relay.
import assert from 'node:assert/strict';
import { mkdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type ActionContext, executePlan } from '../../../src/action/execute/executePlan.ts';
import { makePlan } from '../../../src/action/plan/makePlan.ts';
import { pruneCandidates } from '../../../src/action/plan/pruneCandidates.ts';
import { installLauncher } from '../../../src/action/protect/launcher.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { Instance, NotStarted, Snapshot } from '../../../src/model/snapshot.ts';
import { findInstance } from '../../../src/presentation/findInstance.ts';
import { hostTexts } from '../../../src/presentation/relayHost.ts';
import { ProcTable } from '../../../src/process/linux/procTable.ts';
import type { Clock } from '../../../src/survey/facts/bootClock.ts';
import type { Surveyor } from '../../../src/survey/surveyor.ts';
import { until } from '../../until.ts';
import { GuardHome, guardBundle, isRunning, processesWith, publishedGuards, type RawClient } from '../guard/guardedServer.ts';
import { onlyOnLinux } from '../onlyOnLinux.ts';
import { makeSurveyor } from '../survey/world.ts';

const minute = 60_000;
const installed = 'node_modules/notes-mcp/index.js';

/** A client that starts servers on request, makes the handshake, and keeps them. */
const codex = `
const { spawn } = require('node:child_process');
const { createInterface } = require('node:readline');
const servers = new Map();
const handshake = [
  { id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'codex', version: '1' } } },
  { method: 'notifications/initialized' },
  { id: 2, method: 'tools/list' },
];
createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, method, params } = JSON.parse(line);
  const tell = (result) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
  if (method === 'start') {
    const [program, ...args] = params.command;
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const server = { child, waiting: new Map(), last: 2 };
    servers.set(child.pid, server);
    createInterface({ input: child.stdout }).on('line', (text) => {
      const message = JSON.parse(text);
      server.waiting.get(message.id)?.(message.result);
    });
    const listed = new Promise((resolve) => server.waiting.set(2, resolve));
    for (const message of handshake) child.stdin.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
    await listed;
    return tell(child.pid);
  }
  const { child, waiting } = servers.get(params.pid);
  if (method === 'end') {
    child.once('exit', () => tell('ended'));
    return child.stdin.end();
  }
  const own = ++servers.get(params.pid).last;
  waiting.set(own, tell);
  child.stdin.write(JSON.stringify({ jsonrpc: '2.0', id: own, method: 'tools/call', params: { name: 'pid', arguments: {} } }) + '\\n');
});
`;

/** Answers a call with its PID. With \`deaf\` it outlives its input. */
const server = `
const results = {
  initialize: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'notes', version: '1.0.0' } },
  'tools/list': { tools: [{ name: 'pid', inputSchema: { type: 'object' } }] },
};
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line);
  if (id === undefined) return;
  const result = method === 'tools/call' ? { content: [{ type: 'text', text: String(process.pid) }] } : results[method] ?? {};
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
}).on('close', () => process.argv[2] === 'deaf' ? setInterval(() => {}, 1000) : process.exit(0));
`;

for (const relay of ['perl', 'node'] as const) {
  describe(`host: what a scan shows of a relay in ${relay}`, function () {
    this.timeout(120_000);
    onlyOnLinux('processes are found in /proc');
    const table = new ProcTable();
    let home: GuardHome;
    let client: RawClient;
    let later = 0;
    const shifted = (ms: number): number => ms + later;
    const clock: Clock = {
      now: () => shifted(Date.now()),
      uptime: () => shifted(performance.now()),
      awake: () => shifted(performance.now()),
    };
    let surveyor: Surveyor;
    const commands: Record<string, readonly string[]> = {};
    const left: number[] = [];

    beforeEach(async () => {
      later = 0;
      home = new GuardHome();
      const root = realpathSync(home.root);
      const put = (path: string, text: string): string => {
        const file = join(root, path);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, text);
        return file;
      };
      const program = put(installed, server);
      put('node_modules/notes-mcp/package.json', JSON.stringify({ name: 'notes-mcp', version: '1.0.0', main: 'index.js' }));
      const bundle = await guardBundle();
      writeFileSync(join(dirname(bundle), 'cli.cjs'), '');
      // A user's entry names the launcher, which chooses perl.
      const launcher = installLauncher({
        ...{ runDir: home.run, dist: dirname(bundle), version: '1.0.0', execPath: process.execPath },
        ...{ electron: false, platform: process.platform, env: process.env },
      });
      const guard = relay === 'perl' ? [launcher, 'guard', '--relay'] : [process.execPath, bundle, '--relay'];
      const server_ = [process.execPath, program];
      Object.assign(commands, {
        notes: [...guard, '--', ...server_, 'notes'],
        lazy: [...guard, '--start', 'lazy', '--name', 'lazy', '--', ...server_, 'lazy'],
        sleepy: [...guard, '--sleep-after', '0.005', '--name', 'sleepy', '--', ...server_, 'sleepy'],
        shared: [...guard, '--share', '--name', 'shared', '--', ...server_, 'shared'],
        plain: [...server_, 'deaf'],
      });
      const entries = Object.entries(commands).map(
        ([name, [command, ...args]]) => `[mcp_servers.${name}]\ncommand = ${JSON.stringify(command)}\nargs = ${JSON.stringify(args)}\n`,
      );
      put('.codex/config.toml', entries.join('\n'));
      client = home.start(process.execPath, [put('bin/codex', codex)]);
      const limits = { copies: 3, memoryBytes: Number.POSITIVE_INFINITY };
      surveyor = await makeSurveyor(root, home.run, { clock, copyLimits: () => limits });
    });
    afterEach(async () => {
      surveyor.dispose();
      await home.clean();
      for (const pid of [...hosts(), ...left.splice(0)].filter(isRunning)) {
        process.kill(pid, 'SIGKILL');
      }
    });
    const hosts = (): number[] => processesWith(`\0host\0${home.run}`);
    const hostOf = ({ x }: { readonly x?: { readonly hostPid?: number } }): number | undefined => x?.hostPid;
    const start = async (name: string): Promise<number> => Number((await client.request('start', { command: commands[name] })).result);
    const call = async (pid: number): Promise<number> => {
      const { content } = (await client.request('call', { pid })).result as { content: { text: string }[] };
      return Number(content[0]?.text);
    };
    const published = (count: number): Promise<unknown> =>
      until('all are published', () => publishedGuards(home.run).filter(({ control }) => control).length === count);
    /** Code that has just changed may be half of an installation: it is not kept. */
    const keepAnswers = async (): Promise<void> => {
      const file = join(home.root, dirname(installed));
      await until('the code is two seconds old', () => Date.now() - statSync(file).ctimeMs > 2_100);
      await client.request('end', { pid: await start('lazy') });
    };
    /** Only what belongs to this test: other processes of the machine are seen too. */
    const ours = (snapshot: Snapshot): readonly Instance[] =>
      snapshot.instances.filter(
        ({ client: own, tree, command }) =>
          own?.pid === client.pid || command.includes(home.root) || tree.some((pid) => hosts().includes(pid)),
      );
    const kinds = (one: Instance | undefined): string[] => one?.findings.map(({ kind }) => kind) ?? ['no server'];
    const resting = (snapshot: Snapshot): NotStarted[] => (snapshot.notStarted ?? []).filter(({ client: own }) => own?.pid === client.pid);
    const candidates = (snapshot: Snapshot): number[] =>
      pruneCandidates(snapshot, { windows: new Set(), ownPids: new Set() }).flatMap(({ instance }) =>
        ours(snapshot).includes(instance) ? [instance.pid] : [],
      );

    const context = (): ActionContext => ({
      requester: { by: 'a test', runDir: home.run, explicitRunDir: true, log: silentLog },
      planContext: { windows: new Set(), ownPids: new Set([process.pid]), table, ownIdentity: undefined, windowIdentities: new Map() },
      scan: () => surveyor.survey(),
    });

    it('shows the server with its client, entry and relay, and the host; servers that were not started are no servers, no copies and no leftovers', async () => {
      await keepAnswers();
      const relayPid = await start('notes');
      const pid = await call(relayPid);
      const lazy = [await start('lazy'), await start('lazy'), await start('lazy'), await start('lazy'), await start('lazy')];
      await published(6);
      const [host = 0, ...others] = hosts();
      assert.deepEqual(others, []);
      for (later of [0, 5 * minute, 90 * minute]) {
        const snapshot = await surveyor.survey();
        const [one, ...more] = ours(snapshot);
        assert.deepEqual([one?.pid, more.map(({ pid: other }) => other)], [pid, []]);
        assert.deepEqual([one?.client?.id, one?.client?.pid, one?.name, one?.guarded], ['codex', client.pid, 'notes', true]);
        assert.deepEqual([one?.launchers.map((row) => row.pid), one?.tree], [[relayPid], [pid, relayPid]]);
        assert.deepEqual([one?.record?.guardPid, one?.record?.hostPid, one?.record?.control.includes('restart')], [relayPid, host, true]);
        assert.deepEqual([kinds(one), candidates(snapshot)], [[], []]);
        assert.deepEqual(
          resting(snapshot)
            .map(({ guardPid }) => guardPid)
            .sort(),
          [...lazy].sort(),
        );
        assert.ok(
          resting(snapshot).every(
            ({ name, record }) => name === 'lazy' && record.start?.state === 'not-started' && record.hostPid === host,
          ),
        );
        assert.deepEqual(
          snapshot.hosts?.map((row) => row.pid),
          [host],
        );
        assert.match(hostTexts(snapshot).join(), new RegExp(`\\b${host}\\b.*\\b6 servers`));
        assert.equal(findInstance(snapshot, String(host)).kind, 'host');
        assert.equal(findInstance(snapshot, String(relayPid)).kind, 'found');
        assert.equal(findInstance(snapshot, String(lazy[0])).kind, 'not-started');
      }
    });

    it('a server that several clients share is one server, with the first client and its relay; its relays are no copies and no leftovers', async () => {
      await until('the code is two seconds old', () => Date.now() - statSync(join(home.root, dirname(installed))).ctimeMs > 2_100);
      const relays = [await start('shared'), await start('shared'), await start('shared'), await start('shared'), await start('shared')];
      const [pid = 0, ...more] = await Promise.all(relays.map(call));
      assert.deepEqual(new Set(more), new Set([pid]));
      await published(5);
      for (later of [0, 5 * minute, 90 * minute]) {
        const snapshot = await surveyor.survey();
        const [one, ...others] = ours(snapshot);
        assert.deepEqual([one?.pid, others, kinds(one), candidates(snapshot)], [pid, [], [], []]);
        assert.deepEqual([one?.client?.id, one?.client?.pid, one?.name, one?.guarded], ['codex', client.pid, 'shared', true]);
        assert.deepEqual([one?.launchers.map((row) => row.pid), one?.tree], [[relays[0]], [pid, relays[0]]]);
        assert.deepEqual(
          one?.usedBy?.map((sharer) => sharer.pid),
          relays.map(() => client.pid),
        );
        assert.deepEqual([one?.record?.guardPid, one?.record?.control.includes('restart')], [relays[0], true]);
      }
      const plan = makePlan(
        'restart',
        ours(await surveyor.survey())[0] ?? assert.fail('not seen'),
        await surveyor.survey(),
        context().planContext,
      );
      assert.equal(plan.steps[0]?.kind, 'ask-control');
      const outcome = await executePlan(plan, context());
      assert.equal(outcome.status, 'done', JSON.stringify(outcome));
      const after = new Set(await Promise.all(relays.map(call)));
      assert.deepEqual([after.size, after.has(pid), isRunning(pid)], [1, false, false]);
    });

    it('control: copies behind relays are found, and without their host', async () => {
      const relays = [await start('notes'), await start('notes'), await start('notes'), await start('notes'), await start('notes')];
      await published(5);
      await until('five servers', async () => ours(await surveyor.survey()).length === 5);
      // Only the scan's clock is ahead. A guard writes after ten minutes without a call what is written here for it.
      for (const { id, record } of publishedGuards(home.run)) {
        const file = join(home.run, 'v1', 'instances', `${id}.json`);
        writeFileSync(file, JSON.stringify({ ...record, x: { ...(record.x ?? {}), idleSince: record.startedAt } }));
      }
      later = 5 * minute;
      await surveyor.survey();
      later = 90 * minute;
      const snapshot = await surveyor.survey();
      const copies = ours(snapshot).filter((one) => kinds(one).includes('copies'));
      assert.deepEqual(ours(snapshot).flatMap(kinds), ['copies', 'copies', 'copies', 'copies']);
      assert.deepEqual(copies.map(({ launchers }) => launchers[0]?.pid).sort(), relays.slice(0, 4).sort());
      assert.deepEqual(
        copies.map(({ tree }) => tree.length),
        [2, 2, 2, 2],
      );
    });

    it('a server that sleeps is shown with its relay', async () => {
      const relayPid = await start('sleepy');
      const pid = await call(relayPid);
      await until('it sleeps', () => !isRunning(pid));
      await published(1);
      const state = async (): Promise<unknown> => {
        const snapshot = await surveyor.survey();
        return resting(snapshot).map(({ guardPid, name, record }) => [guardPid, name, record.start?.state, ours(snapshot).length]);
      };
      let last: unknown;
      await until('it is published', async () => {
        last = await state();
        return JSON.stringify(last) === JSON.stringify([[relayPid, 'sleepy', 'asleep', 0]]);
      }).catch(() => assert.deepEqual(last, [[relayPid, 'sleepy', 'asleep', 0]]));
      assert.notEqual(await call(relayPid), pid);
    });

    it('restarts the server through its relay, also after the host was killed; the relay, the host and the other server stay', async () => {
      const [relayPid, other] = [await start('notes'), await start('notes')];
      const otherServer = await call(other);
      await published(2);
      for (const kill of [false, true]) {
        const [host = 0] = hosts();
        if (kill) {
          process.kill(host, 'SIGKILL');
          await until(
            'the next host has published both',
            () => publishedGuards(home.run).filter(({ control, record }) => control && hostOf(record) !== host).length === 2,
          );
        }
        const before = await call(relayPid);
        const snapshot = await surveyor.survey();
        const one = ours(snapshot).find(({ pid }) => pid === before) ?? assert.fail('not seen');
        const plan = makePlan('restart', one, snapshot, context().planContext);
        assert.equal(plan.steps[0]?.kind, 'ask-control');
        const outcome = await executePlan(plan, context());
        assert.equal(outcome.status, 'done', JSON.stringify(outcome));
        assert.notEqual(await call(relayPid), before);
        assert.ok(!isRunning(before) && isRunning(relayPid));
        assert.equal(await call(other), otherServer);
      }
    });

    it('after the end of the client no relay is left, and the host is no orphan; a server without a guard is one: the control', async () => {
      await start('notes');
      await start('plain');
      await published(1);
      await surveyor.survey();
      left.push(...processesWith('\0deaf'));
      const relays = processesWith('\0--relay\0').filter((pid) => publishedGuards(home.run).some(({ guard }) => guard === pid));
      await client.kill();
      await until('the relay has ended', () => !relays.some(isRunning));
      later = 5 * minute;
      await surveyor.survey();
      later = 6 * minute;
      const snapshot = await surveyor.survey();
      assert.deepEqual(
        ours(snapshot).map((one) => [left.includes(one.pid), kinds(one)]),
        [[true, ['orphan']]],
      );
      assert.equal(snapshot.hosts?.length, 1);
    });
  });
}
