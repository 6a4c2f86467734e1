import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import type { ProcessRow, ProcessTable } from '../../../../src/model/process.ts';
import type { Instance } from '../../../../src/model/snapshot.ts';
import { ProcTable } from '../../../../src/process/linux/procTable.ts';
import { systemClock } from '../../../../src/survey/facts/bootClock.ts';
import { instanceOf, makeWorld, type World } from '../world.ts';

const nested = ['--pid', '--fork', '--kill-child'];
/** Starts the server with a pipe to it and goes, as a client that was ended does. */
const goer = `
import { spawn } from 'node:child_process';
const child = spawn(process.execPath, [process.argv[2]], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
child.once('spawn', () => process.exit());
`;
/** Old enough for a verdict, though it started a moment ago. */
const later = { now: () => systemClock.now() + 60_000, uptime: () => systemClock.uptime() + 60_000 };

/** The same machine as it looked before the first processes of containers were told from others. */
class TableWithoutInits extends ProcTable {
  override async list(): Promise<readonly ProcessRow[]> {
    return (await super.list()).map(({ namespaceInit: _, ...row }) => row);
  }
}

describe('a server that the first process of a container took up', function () {
  this.timeout(60_000);
  let world: World;
  let container: ChildProcess | undefined;

  before(function () {
    const trial = spawnSync('unshare', [...nested, 'true'], { encoding: 'utf8' });
    if (trial.status !== 0) {
      console.log(`No PID namespace can be made: ${(trial.error?.message ?? trial.stderr).trim()}`);
      this.skip();
    }
  });
  beforeEach(() => {
    world = makeWorld();
  });
  afterEach(async () => {
    if (container && container.exitCode === null && container.signalCode === null) {
      const gone = new Promise((resolve) => container?.once('close', resolve));
      container.kill('SIGKILL');
      await gone;
    }
    container = undefined;
    await world.remove();
  });

  /** A shell as the first process of a PID namespace, below it a server whose starter has gone. @returns the server's PID out here */
  async function startContainer(): Promise<number> {
    const server = world.write('server.mjs', 'setInterval(() => {}, 1e6);');
    world.write('.claude.json', { mcpServers: { adopted: { command: process.execPath, args: [server] } } });
    const script = `'${process.execPath}' '${world.write('goer.mjs', goer)}' '${server}'; while :; do sleep 1000; done`;
    container = spawn('unshare', [...nested, 'sh', '-c', script], { stdio: 'ignore', env: { PATH: process.env.PATH, HOME: world.home } });
    const table = new ProcTable();
    for (;;) {
      const rows = await table.list();
      const init = rows.find((row) => row.commandLine.startsWith('sh -c') && row.commandLine.includes(server));
      const found = rows.find((row) => row.argv[1] === server && row.argv.length === 2);
      if (found && init && found.ppid === init.pid) {
        assert.equal(init.namespaceInit, true);
        assert.equal(found.namespaceInit, undefined);
        return found.pid;
      }
      assert.equal(container.exitCode, null, 'the container runs');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async function see(pid: number, table: ProcessTable): Promise<Instance> {
    const observer = await world.observer({ clock: later, table });
    return instanceOf(await observer.survey(), pid);
  }

  it('has no client and no launcher, and is an orphan', async () => {
    const instance = await see(await startContainer(), new ProcTable());
    assert.deepEqual(
      { name: instance.name, client: instance.client, launchers: instance.launchers },
      { name: 'adopted', client: null, launchers: [] },
    );
    assert.deepEqual(
      instance.findings.map(({ kind }) => kind),
      ['orphan'],
    );
  });

  it('(control) would be taken for a server of the program that started the container', async () => {
    const instance = await see(await startContainer(), new TableWithoutInits());
    assert.notEqual(instance.client, null);
    assert.equal(instance.launchers.at(-1)?.kind, 'sh');
    assert.deepEqual(instance.findings, []);
  });
});
