import assert from 'node:assert/strict';
import { renderBill } from '../../../src/cli/render/billView.ts';
import { billOf, billText } from '../../../src/presentation/bill.ts';
import { assertNames, assertOmits } from '../../names.ts';
import { client, instance, snapshot } from '../cli/fixture.ts';

const megabyte = 1024 ** 2;
const codex = client('codex', 'Codex', 50);
const other = client('codex', 'Codex', 51);
const server = (pid: number, name: string, owner: typeof codex | null, idle = false) =>
  instance({
    pid,
    name,
    client: owner,
    definitions: owner ? [name] : [],
    memoryBytes: 100 * megabyte,
    ...(idle ? { idleSince: '2026-11-21T00:00:00.000Z' } : {}),
  });
const servers = [server(1, 'memory', codex, true), server(2, 'memory', codex), server(3, 'notes', codex), server(4, 'memory', other)];

describe('bill', () => {
  it('counts copies under one client process only, and what is idle', () => {
    const bill = billOf([...servers, server(5, 'memory', null), server(6, 'memory', null)]);
    assert.deepEqual(bill, { servers: 6, copies: 1, memoryBytes: 600 * megabyte, idle: 1, idleBytes: 100 * megabyte });
    assertNames(billText(bill), '6 servers', '1 of them', '600 MB', '1 idle', '100 MB');
  });

  it('says so where nothing is a copy or known to be idle', () => {
    const text = billText(billOf([server(1, 'memory', codex), server(4, 'memory', other)]));
    assertNames(text, '2 servers', '200 MB', 'none');
    assertOmits(text, 'copies', 'copy');
  });

  it('has a row for each client process, server or package, the largest first', () => {
    const cellsOf = (by: 'client' | 'server' | 'package'): string[][] =>
      renderBill(snapshot({ instances: servers }), by, { width: Number.POSITIVE_INFINITY, color: false })
        .split('\n\n')[0]
        ?.split('\n')
        .slice(1)
        .map((line) => line.trim().split(/\s{2,}/)) ?? [];
    assert.deepEqual(cellsOf('client'), [
      ['Codex (PID 50)', '3', '1', '300 MB', '1', '100 MB'],
      ['Codex (PID 51)', '1', '0', '100 MB', '0', '–'],
    ]);
    assert.deepEqual(
      cellsOf('server').map(([name, count]) => [name, count]),
      [
        ['memory', '3'],
        ['notes', '1'],
      ],
    );
    assert.equal(cellsOf('package').length, 1);
  });
});
