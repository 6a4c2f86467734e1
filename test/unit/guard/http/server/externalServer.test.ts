import { deepEqual, equal } from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { ExternalServer } from '../../../../../src/guard/http/server/externalServer.ts';
import { ServerCode } from '../../../../../src/guard/stale/serverCode.ts';
import type { Listener, ProcessRow } from '../../../../../src/model/process.ts';

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

describe('ExternalServer', () => {
  let listeners: Listener[];
  let rows: ProcessRow[];
  let reads: number;
  let connections: { open: number; disturbances: number };
  let told: string[];
  let server: ExternalServer;

  const listening = (address: string, ...pids: number[]): Listener => ({ port: 8700, address, pids });

  beforeEach(() => {
    [listeners, rows, reads, told] = [[listening('127.0.0.1', 10)], [row(1, 0), row(10), row(20)], 0, []];
    connections = { open: 0, disturbances: 0 };
    server = new ExternalServer({
      url: new URL('http://localhost:8700'),
      // Not `proc`: its timer would read in between.
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
          reads += 1;
          return { listeners, clients: [] };
        },
      },
      connections: () => connections,
      read: async () => new ServerCode(),
      changed: (process, why) => told.push(process ? `PID ${process.row.pid}` : why),
    });
  });
  afterEach(() => server.close());

  it('reads again only when a connection ended or the process did, and reports each change once', async () => {
    await server.settled();
    await server.settled();
    equal(reads, 1);
    connections = { open: 0, disturbances: 1 };
    await server.settled();
    equal(reads, 2);
    rows = [row(1, 0), row(20)];
    listeners = [listening('127.0.0.1', 20)];
    connections = { open: 1, disturbances: 1 };
    await server.settled();
    equal(reads, 2, 'while a connection is open, its process runs');
    connections = { open: 0, disturbances: 1 };
    await server.settled();
    listeners = [];
    rows = [row(1, 0)];
    for (let count = 0; count < 3; count += 1) {
      await server.settled();
    }
    deepEqual(told, ['PID 10', 'PID 20', 'no process listens on port 8700']);
  });

  it('the same PID with another start is another process', async () => {
    await server.read();
    rows = [row(1, 0), row(10, 1, 99)];
    await server.settled();
    deepEqual(told, ['PID 10', 'PID 10']);
  });

  it('the topmost holder of an inherited socket counts; a socket for this address comes before one for all addresses', async () => {
    rows = [row(1, 0), row(10), row(11, 10), row(20)];
    listeners = [listening('0.0.0.0', 20), listening('127.0.0.1', 11, 10)];
    await server.read();
    equal(server.process?.row.pid, 10);
    listeners = [listening('::', 20)];
    await server.read();
    equal(server.process?.row.pid, 20);
  });

  it('several, hidden and remote listeners give no process', async () => {
    for (const [seen, why] of [
      [[listening('127.0.0.1', 10), listening('::1', 20)], /several processes/],
      [[listening('127.0.0.1')], /is not visible/],
      [[listening('192.0.2.1', 10)], /no process listens/],
    ] as const) {
      listeners = [...seen];
      await server.read();
      equal(server.process, undefined);
      equal(why.test(told.at(-1) ?? ''), true, told.at(-1));
    }
  });
});
