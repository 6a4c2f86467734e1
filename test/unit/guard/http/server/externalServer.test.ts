import { deepEqual, equal } from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { ExternalServer } from '../../../../../src/guard/http/server/externalServer.ts';
import { ServerCode } from '../../../../../src/guard/stale/serverCode.ts';
import type { ProcessRow } from '../../../../../src/model/process.ts';
import type { Listener } from '../../../../../src/process/listenerTable.ts';

function row(pid: number, ppid = 1, start = pid): ProcessRow {
  return {
    identity: { bootId: 'b', pidNamespace: '-', pid, start: `lx:${start}` },
    pid,
    ppid,
    startedAt: start,
    startErrorMs: 0,
    name: 'node',
    argv: ['node'],
    argvExact: true,
    commandLine: 'node',
    rssBytes: 0,
    state: 'S',
  };
}

describe('ForeignServer', () => {
  let listeners: Listener[];
  let rows: ProcessRow[];
  let looks: number;
  let connections: { open: number; disturbances: number };
  let told: string[];
  let server: ExternalServer;

  const listening = (address: string, ...pids: number[]): Listener => ({ port: 8700, address, pids });

  beforeEach(() => {
    [listeners, rows, looks, told] = [[listening('127.0.0.1', 10)], [row(1, 0), row(10), row(20)], 0, []];
    connections = { open: 0, disturbances: 0 };
    server = new ExternalServer({
      url: new URL('http://localhost:8700'),
      // Not `proc`: its own watch would look in between.
      table: {
        source: 'test',
        list: async () => rows,
        pids: async () => rows.map(({ pid }) => pid),
        detail: async () => ({ stdin: 'unknown', listens: 'unknown', missing: [] }),
        isAlive: async (identity) => rows.some((one) => one.identity.start === identity.start && one.pid === identity.pid),
      },
      listeners: {
        source: 'test',
        read: async () => {
          looks += 1;
          return { listeners, clients: [] };
        },
      },
      connections: () => connections,
      read: async () => new ServerCode(),
      changed: (sighting, why) => told.push(sighting ? `PID ${sighting.row.pid}` : why),
    });
  });
  afterEach(() => server.close());

  it('looks again only when a connection broke or the process ended, and tells each change once', async () => {
    await server.settled();
    await server.settled();
    equal(looks, 1);
    connections = { open: 0, disturbances: 1 };
    await server.settled();
    equal(looks, 2);
    rows = [row(1, 0), row(20)];
    listeners = [listening('127.0.0.1', 20)];
    connections = { open: 1, disturbances: 1 };
    await server.settled();
    equal(looks, 2, 'as long as a connection stands, its process does');
    connections = { open: 0, disturbances: 1 };
    await server.settled();
    listeners = [];
    rows = [row(1, 0)];
    for (let count = 0; count < 3; count += 1) {
      await server.settled();
    }
    deepEqual(told, ['PID 10', 'PID 20', 'nobody listens on port 8700']);
  });

  it('the same PID with another start is another process', async () => {
    await server.look();
    rows = [row(1, 0), row(10, 1, 99)];
    await server.settled();
    deepEqual(told, ['PID 10', 'PID 10']);
  });

  it('of a socket that was passed on the topmost holder counts; a socket for this address stands before one for all', async () => {
    rows = [row(1, 0), row(10), row(11, 10), row(20)];
    listeners = [listening('0.0.0.0', 20), listening('127.0.0.1', 11, 10)];
    await server.look();
    equal(server.sighting?.row.pid, 10);
    listeners = [listening('::', 20)];
    await server.look();
    equal(server.sighting?.row.pid, 20);
  });

  it('several, hidden and foreign listeners are nobody that is known', async () => {
    for (const [seen, why] of [
      [[listening('127.0.0.1', 10), listening('::1', 20)], /several processes/],
      [[listening('127.0.0.1')], /out of sight/],
      [[listening('192.0.2.1', 10)], /nobody listens/],
    ] as const) {
      listeners = [...seen];
      await server.look();
      equal(server.sighting, undefined);
      equal(why.test(told.at(-1) ?? ''), true, told.at(-1));
    }
  });
});
