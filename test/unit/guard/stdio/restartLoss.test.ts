import { equal, match } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { restartLoss } from '../../../../src/guard/stdio/restartLoss.ts';
import type { ProcessDetail, ProcessRow } from '../../../../src/model/process.ts';
import { assertNames } from '../../../names.ts';

type Link = Parameters<typeof restartLoss>[0];
type Memory = Parameters<typeof restartLoss>[1];

const row = (pid: number, ppid: number, argv: readonly string[]): ProcessRow => ({
  identity: { bootId: 'b', pidNamespace: 'n', pid, start: `lx:${pid}` },
  pid,
  ppid,
  startedAt: pid,
  startErrorMs: 0,
  name: 'x',
  argv,
  argvExact: true,
  commandLine: argv.join(' '),
  rssBytes: 0,
  state: 'S',
});
const server = row(10, 1, ['/usr/bin/node', '/srv/index.js']);
const called = {
  process: { pid: 10 },
  isIdle: true,
  idle: async () => true,
  hasBeenCalled: true,
  asked: new Map(),
  listening: new Set(),
} as unknown as Link;
const plain: Memory = { isStateless: false, subscriptions: new Map(), hasTasks: false };
const loss = (
  link: Partial<Link> = {},
  memory: Partial<Memory> = {},
  rows: readonly ProcessRow[] = [server],
  exe?: string,
): Promise<string | undefined> => {
  const detail = async (): Promise<ProcessDetail> => ({
    stdin: 'unknown',
    listens: 'unknown',
    missing: [],
    ...(exe === undefined ? {} : { exe }),
  });
  return restartLoss({ ...called, ...link }, { ...plain, ...memory }, { list: async () => rows, detail }, 10);
};

describe('what a restart could lose', () => {
  it('is nothing of a server without child processes, subscriptions and tasks', async () => {
    equal(await loss(), undefined);
    equal(
      await loss({ process: { pid: 9 } as Link['process'] }, {}, [
        row(9, 1, ['sh', '-c', 'node /srv/index.js']),
        row(10, 9, server.argv as string[]),
      ]),
      undefined,
      'a launcher is no child',
    );
    const volta = row(9, 1, ['node', '/srv/index.js']);
    equal(
      await loss(
        { process: { pid: 9 } as Link['process'] },
        {},
        [volta, row(10, 9, server.argv as string[])],
        '/home/u/.volta/bin/volta-shim',
      ),
      undefined,
      'the child of Volta’s shim is the server',
    );
  });

  it('is what shows state, each by itself', async () => {
    assertNames(await loss({}, {}, [server, row(11, 10, ['/usr/bin/chromium'])]), 'PID 11');
    assertNames(await loss({}, { subscriptions: new Map([['file:///x', {}]]) }), 'subscriptions');
    assertNames(await loss({ listening: new Set([1]) }), 'subscriptions');
    assertNames(await loss({}, { hasTasks: true }), 'tasks');
    match((await loss({ asked: new Map([[1, 1]]) })) ?? '', /answer of the client/);
    assertNames(await loss({}, {}, []), 'not known');
    assertNames(
      await restartLoss(
        called,
        plain,
        { list: () => Promise.reject(new Error('no table')), detail: () => Promise.reject(new Error('no table')) },
        10,
      ),
      'not known',
    );
  });

  it('is nothing of a server that was not called, nor in protocol 2026-07-28, whatever else there is', async () => {
    const rows = [server, row(11, 10, ['/usr/bin/chromium'])];
    equal(await loss({ hasBeenCalled: false }, { hasTasks: true }, rows), undefined);
    equal(await loss({}, { isStateless: true }, rows), undefined);
  });

  it('is a call that does not end while a restart may wait', async () => {
    assertNames(await loss({ isIdle: false, idle: async () => false, hasBeenCalled: false }), 'in flight');
    equal(await loss({ isIdle: false, idle: async () => true }), undefined);
  });

  it('is also what the other clients of a shared server have', async () => {
    const rows = [server, row(11, 10, ['/usr/bin/chromium'])];
    const table = { list: async () => rows, detail: async () => ({ stdin: 'unknown', listens: 'unknown', missing: [] }) as const };
    const fresh = { ...called, hasBeenCalled: false };
    const other = (link: Partial<Link>, memory: Partial<Memory> = {}): Promise<string | undefined> =>
      restartLoss(fresh, plain, table, 10, [
        { link: fresh, memory: plain },
        { link: { ...called, ...link }, memory: { ...plain, ...memory } },
      ]);
    equal(await other({ hasBeenCalled: false }), undefined, 'control: no client has called it');
    assertNames(await other({}), 'PID 11');
    assertNames(await other({}, { subscriptions: new Map([['file:///x', {}]]) }), 'subscriptions');
    assertNames(await other({ isIdle: false, idle: async () => false, hasBeenCalled: false }), 'in flight');
  });
});
