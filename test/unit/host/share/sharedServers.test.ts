import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { endServer } from '../../../../src/guard/process/endServer.ts';
import { isGroupAlive } from '../../../../src/guard/process/serverProcess.ts';
import { SharedServers, type ShareRequest } from '../../../../src/host/share/sharedServers.ts';
import { maxKept, type SharedView } from '../../../../src/host/share/sharedView.ts';
import { until } from '../../../until.ts';

/** Answers its first request, and ends with its input. */
const command = {
  command: '/bin/sh',
  args: ['-c', `read -r line; echo '{"jsonrpc":"2.0","id":1,"result":{}}'; while read -r line; do :; done`],
};

describe('servers that several clients share', function () {
  if (process.platform === 'win32') {
    return;
  }
  this.timeout(6_000);
  let running: readonly number[] = [];
  let restarted: string[] = [];
  let servers: SharedServers;
  const tell = (pids: readonly number[]): void => {
    running = [...pids];
  };
  beforeEach(() => {
    [running, restarted] = [[], []];
    servers = new SharedServers({
      ...{ endServer, isGroupAlive },
      watchdog: () => ({ tell, dismiss: () => tell([]) }),
    });
  });
  afterEach(async () => {
    mock.timers.reset();
    await servers.end();
  });
  async function join(name: string, more: Partial<ShareRequest> = {}): Promise<SharedView> {
    const place = { ...command, cwd: '/', env: process.env };
    const view = await servers.join(
      { key: 'key', command: place, name, before: undefined, wakes: false, ...more },
      { restart: () => void restarted.push(name), relay: () => undefined, later: (act) => act(), passErrors: () => undefined },
    );
    assert.ok(typeof view !== 'string');
    return view;
  }
  /** Two clients of one server. */
  async function two(): Promise<[SharedView, SharedView]> {
    const one = await join('1');
    one.stdin.write(Buffer.from('{"jsonrpc":"2.0","id":1,"method":"ping"}\n'));
    return [one, await join('2')];
  }

  it('two sessions that restart at once, beside the old server, get one new server', async () => {
    const [one, other] = await two();
    assert.equal(one.pid, other.pid);
    const [next, last] = [join('1', { before: one }), join('2', { before: other })];
    const first = await next;
    first.stdin.write(Buffer.from('{"jsonrpc":"2.0","id":1,"method":"ping"}\n'));
    assert.equal((await last).pid, first.pid);
    assert.notEqual(first.pid, one.pid);
    one.closeInput();
    other.closeInput();
    await until('the old server has ended', () => running.length === 1);
    assert.deepEqual(running, [first.pid]);
  });

  it('a session that restarts restarts the server for the others; the next one starts when it has ended', async () => {
    const [one, other] = await two();
    one.closeInput();
    const next = join('1', { before: one });
    await until('the other session is told', () => restarted.length > 0);
    assert.deepEqual([restarted, running], [['2'], [one.pid]]);
    other.closeInput();
    assert.notEqual((await next).pid, one.pid);
  });

  it('a client that was put out comes back to the same server, and takes it from no other client', async () => {
    const [one, other] = await two();
    one.stdin.write(Buffer.alloc(maxKept + 1, 'x'));
    assert.deepEqual(await one.exited, { code: 1, signal: null });
    assert.equal((await join('1', { before: one })).pid, other.pid);
    assert.deepEqual([restarted, other.ended], [[], undefined]);
  });

  it('a server whose last client leaves while the next one comes goes on', async () => {
    const [one, other] = await two();
    one.closeInput();
    mock.timers.enable({ apis: ['setTimeout'] });
    const next = join('3');
    other.closeInput();
    const third = await next;
    assert.equal(third.pid, other.pid);
    mock.timers.tick(10_000);
    mock.timers.reset();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(third.stdin.writable, true);
    assert.ok(isGroupAlive(third.pid) && third.ended === undefined);
    assert.equal((await join('4')).pid, third.pid);
  });

  it('a server without a client ends after its grace; a client that comes later gets another one', async () => {
    const [one, other] = await two();
    mock.timers.enable({ apis: ['setTimeout'] });
    one.closeInput();
    other.closeInput();
    mock.timers.tick(9_999);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(running, [one.pid]);
    mock.timers.tick(1);
    mock.timers.reset();
    assert.notEqual((await join('3')).pid, one.pid);
    await until('the old server has ended', () => running.length === 1 && running[0] !== one.pid);
  });
});
