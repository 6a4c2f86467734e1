import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { closedMs } from '../../../../src/diagnosis/unresponsive.ts';
import type { ListenerTable } from '../../../../src/model/process.ts';
import type { Snapshot } from '../../../../src/model/snapshot.ts';
import { ProcListeners } from '../../../../src/process/linux/procListeners.ts';
import { ProcTable } from '../../../../src/process/linux/procTable.ts';
import { LsofListeners } from '../../../../src/process/otherSystems/lsofListeners.ts';
import { systemClock } from '../../../../src/survey/facts/bootClock.ts';
import type { Surveyor } from '../../../../src/survey/surveyor.ts';
import { assertNames } from '../../../names.ts';
import { makeProject, npm, npmEnv, servers } from '../../package/npmServers.ts';
import { findPython } from '../../package/pythonWheels.ts';
import { headlines, instanceOf, makeWorld, settled, type World } from '../world.ts';
import { freePort, imitation, type RunningHttp, startImitation, startListening } from './httpServer.ts';

/** A machine that does not tell who listens. */
const blind: ListenerTable = { source: 'blind', read: async () => undefined };

describe('HTTP servers', function () {
  this.timeout(120_000);
  let world: World;
  const running: RunningHttp[] = [];
  const children: ChildProcess[] = [];
  let ahead = 0;
  /** Both clocks together: time passes, the clock is not set. */
  const clock = { now: () => systemClock.now() + ahead, uptime: () => systemClock.uptime() + ahead };

  before(async function () {
    if (!(await findPython())) {
      console.log('No python3: HTTP servers are not tried.');
      this.skip();
    }
  });
  beforeEach(() => {
    world = makeWorld();
    ahead = 0;
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      // A starter may have ended with what it started.
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      }
    }
    for (const one of running.splice(0)) {
      await one.stop();
    }
    await world.remove();
  });

  async function imitate(...args: readonly string[]): Promise<RunningHttp> {
    const one = await startImitation(args);
    running.push(one);
    return one;
  }

  function entry(name: string, port: number, host = '127.0.0.1'): void {
    world.write('.claude.json', { mcpServers: { [name]: { type: 'http', url: `http://${host}:${port}/mcp` } } });
  }

  const observer = (listeners?: ListenerTable): Promise<Surveyor> => world.observer({ clock, ...(listeners ? { listeners } : {}) });

  const portsOf = (snapshot: Snapshot) => snapshot.definitions.map(({ name, port }) => [name, port?.holder, port?.pid]);

  it('are joined with the entries of all clients, their package and their findings; an upgrade under them is stale', async () => {
    const { everything } = servers;
    const [older, newer] = everything.versions;
    const project = join(world.root, 'project');
    await makeProject(project, [`${everything.name}@${older}`]);
    const port = await freePort();
    const bin = join(project, 'node_modules', '.bin', everything.bin);
    const server = await startListening(process.execPath, [bin, 'streamableHttp'], port, {
      cwd: project,
      env: { ...(await npmEnv()), PORT: String(port) },
    });
    running.push(server);
    entry('everything at home', port, 'localhost');
    world.write('.cursor/mcp.json', { mcpServers: { everywhere: { url: `http://127.0.0.1:${port}/mcp` } } });
    const surveyor = await observer();
    const before = await settled(surveyor);
    const instance = instanceOf(before, server.pid);
    assert.deepEqual(
      {
        names: before.definitions.filter(({ id }) => instance.definitions.includes(id)).map(({ name, client }) => `${client}: ${name}`),
        transport: instance.transport,
        background: instance.background,
        package: [instance.package?.name, instance.package?.running, instance.package?.installed],
        port: instance.listens?.port,
        findings: instance.findings,
      },
      {
        names: ['claude-code: everything at home', 'cursor: everywhere'],
        transport: 'http',
        background: true,
        package: [everything.name, older, older],
        port,
        findings: [],
      },
    );
    assert.deepEqual(portsOf(before), [
      ['everything at home', 'server', server.pid],
      ['everywhere', 'server', server.pid],
    ]);
    await npm(project, 'install', '--save-exact', `${everything.name}@${newer}`);
    assert.deepEqual(headlines(instanceOf(await settled(surveyor), server.pid)), ['stale/package/proven']);
    const alone = instanceOf(await settled(await observer(blind)), server.pid);
    assert.deepEqual(alone.definitions, [], '(control) without its port it belongs to no entry');
  });

  it('are found by their port alone, with what /health says of a PID of their own; serverInfo is no version', async () => {
    const server = await imitate('--version', '3.1.4');
    entry('notes', server.port);
    const instance = instanceOf(await settled(await observer()), server.pid);
    assert.equal(instance.name, 'notes');
    assert.equal(instance.listens?.health?.version, '3.1.4');
    assert.equal(instance.listens?.health?.status, 'ok');
    assert.ok(!JSON.stringify(instance).includes('9.9.9'));
    assertNames(instance.evidence?.match.why.join(), '/health', 'PID');
    const without = await settled(await observer(blind));
    assert.ok(!without.instances.some(({ pid }) => pid === server.pid), '(control) without its port it is nothing to us');
  });

  it('are asked at no port that no entry names, and only for /health', async () => {
    const log = join(world.root, 'requests');
    const named = await imitate('--log', log);
    const other = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    let connections = 0;
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    entry('notes', named.port);
    await settled(await observer());
    other.close();
    assert.equal(connections, 0);
    assert.deepEqual([...new Set(readFileSync(log, 'utf8').trim().split('\n'))], ['GET /health']);
  });

  it('C7: a program that answers with another PID is not the server, and is left alone', async () => {
    const server = await imitate('--health', 'other');
    entry('notes', server.port);
    const snapshot = await settled(await observer());
    assert.deepEqual(portsOf(snapshot), [['notes', 'stranger', server.pid]]);
    const [finding] = snapshot.definitions[0]?.findings ?? [];
    assertNames(finding?.message, `port ${server.port}`, `PID ${server.pid}`, 'imitation.py');
    assert.deepEqual([finding?.kind, finding?.confidence], ['port-taken', 'likely']);
    assert.ok(!snapshot.instances.some(({ pid }) => pid === server.pid));
    assert.equal(server.child.exitCode, null);
  });

  it('C6: a program for something else on the port is said to be there, with port and PID', async () => {
    const port = await freePort();
    const python = (await findPython()) ?? '';
    const web = await startListening(python, ['-m', 'http.server', String(port), '--bind', '127.0.0.1'], port, { cwd: world.root });
    running.push(web);
    entry('notes', port);
    const snapshot = await settled(await observer());
    assert.deepEqual(portsOf(snapshot), [['notes', 'stranger', web.pid]]);
    assertNames(snapshot.definitions[0]?.findings[0]?.message, `port ${port}`, `PID ${web.pid}`);
    assert.deepEqual(
      snapshot.instances.filter(({ pid }) => pid === web.pid),
      [],
    );
    // Information, never the headline: nothing of ours is wrong.
    assert.deepEqual(
      snapshot.definitions.flatMap(({ findings }) => findings.map(({ kind }) => kind)),
      ['port-taken'],
    );
  });

  it('that do not run are said not to, and a server that begins to listen is noticed without a new process', async () => {
    const port = await freePort();
    entry('notes', port);
    const surveyor = await observer();
    assert.deepEqual(portsOf(await settled(surveyor)), [['notes', 'nobody', undefined]]);
    assert.equal(await surveyor.processesChanged(), false);
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    assert.equal(await surveyor.processesChanged(), true);
    server.close();
  });

  it('that hang are unresponsive, proven, once /health was answered before; not for a single miss, nor when they go on', async () => {
    const server = await imitate();
    const mute = await imitate('--health', 'none');
    world.write('.claude.json', {
      mcpServers: {
        notes: { type: 'http', url: `http://127.0.0.1:${server.port}/mcp` },
        mute: { type: 'http', url: `http://127.0.0.1:${mute.port}/mcp` },
      },
    });
    const surveyor = await observer();
    const well = await settled(surveyor);
    assert.deepEqual([headlines(instanceOf(well, server.pid)), headlines(instanceOf(well, mute.pid))], [[], []]);
    server.child.kill('SIGSTOP');
    mute.child.kill('SIGSTOP');
    ahead += 20_000;
    const once = await surveyor.survey();
    assert.deepEqual(headlines(instanceOf(once, server.pid)), [], 'one miss is no proof');
    const hung = await settled(surveyor);
    assert.deepEqual(headlines(instanceOf(hung, server.pid)), ['unresponsive/proven']);
    assert.deepEqual(headlines(instanceOf(hung, mute.pid)), [], 'who never answered /health is not accused');
    const later = await settled(await observer());
    assert.deepEqual(headlines(instanceOf(later, server.pid)), ['unresponsive/proven'], 'a later observer knows that it answered before');
    server.child.kill('SIGCONT');
    mute.child.kill('SIGCONT');
    assert.deepEqual(headlines(instanceOf(await settled(surveyor), server.pid)), []);
  });

  it('that hold their port no more and still run are unresponsive, after a while', async () => {
    const server = await imitate();
    entry('notes', server.port);
    const surveyor = await observer();
    await settled(surveyor);
    server.child.kill('SIGUSR1');
    for (let listening = true; listening; ) {
      listening = (await new ProcListeners().read(new Set([server.port])))?.listeners.length !== 0;
    }
    assert.deepEqual(headlines(instanceOf(await surveyor.survey(), server.pid)), []);
    ahead += closedMs;
    const [finding] = instanceOf(await surveyor.survey(), server.pid).findings;
    assert.deepEqual([finding?.kind, finding?.confidence], ['unresponsive', 'proven']);
    assertNames(finding?.message, `port ${server.port}`);
    assert.deepEqual(
      headlines(instanceOf(await (await observer()).survey(), server.pid)),
      ['unresponsive/proven'],
      'for a later observer too',
    );
  });

  it('are not one with the script that started them and goes on with other things', async () => {
    const port = await freePort();
    entry('notes', port);
    const script = world.write('start.sh', `python3 '${imitation}' ${port} & sleep 1000 & wait`);
    const starter = spawn('sh', [script], { stdio: 'ignore' });
    children.push(starter);
    const table = new ProcListeners();
    let pid: number | undefined;
    while (pid === undefined) {
      pid = (await table.read(new Set([port])))?.listeners[0]?.pids[0];
    }
    const instance = instanceOf(await settled(await observer()), pid);
    const others = (await new ProcTable().list()).filter((row) => row.ppid === starter.pid && row.pid !== pid);
    for (const other of others) {
      process.kill(other.pid, 'SIGKILL');
    }
    process.kill(pid, 'SIGKILL');
    assert.deepEqual([instance.launchers, instance.tree, instance.client], [[], [pid], null]);
    assert.equal(others.length, 1);
    await once(starter, 'exit');
  });

  it('name the clients that are connected to them', async () => {
    const server = await imitate();
    entry('notes', server.port);
    const folder = join(world.root, 'node_modules', '@anthropic-ai', 'claude-code');
    mkdirSync(folder, { recursive: true });
    const script = join(folder, 'cli.mjs');
    writeFileSync(
      script,
      `import { connect } from 'node:net';\nconst socket = connect(${server.port}, '127.0.0.1', () => console.log('connected'));\nsocket.on('error', () => {});\n`,
    );
    const client = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(client);
    for await (const line of createInterface({ input: client.stdout })) {
      assert.equal(line, 'connected');
      break;
    }
    const { usedBy } = instanceOf(await settled(await observer()), server.pid);
    assert.deepEqual(
      usedBy?.map(({ id, name, pid }) => ({ id, name, pid })),
      [{ id: 'claude-code', name: 'Claude Code', pid: client.pid }],
    );
  });

  it('are seen alike by the two ways to look, /proc and lsof', async function () {
    const server = await imitate();
    const ports = new Set([server.port]);
    const byLsof = await new LsofListeners().read(ports);
    if (!byLsof) {
      console.log('No lsof on this machine.');
      this.skip();
    }
    assert.deepEqual(byLsof, await new ProcListeners().read(ports));
    assert.deepEqual(byLsof.listeners, [{ port: server.port, address: '127.0.0.1', pids: [server.pid] }]);
    const free = await freePort();
    assert.deepEqual(await new LsofListeners().read(new Set([free])), { listeners: [], clients: [] }, 'a free port is an answer');
  });
});
