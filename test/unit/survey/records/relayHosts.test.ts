import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { InstanceRecord } from '../../../../src/lock/instanceRecord.ts';
import type { ProcessRow } from '../../../../src/model/process.ts';
import { ofPresentHosts, relayHosts } from '../../../../src/survey/records/relayHosts.ts';
import { someRecord } from '../../lock/records.ts';

const row = (pid: number, argv: readonly string[], uid = process.geteuid?.()): ProcessRow => ({
  identity: { bootId: 'b', pidNamespace: '1', pid, start: 'lx:1' },
  ...{ pid, ppid: 1, startedAt: 0, startErrorMs: 0, name: 'node', argv, argvExact: true, commandLine: argv.join(' ') },
  ...{ rssBytes: 45_000_000, state: 'S', ...(uid === undefined ? {} : { uid }) },
});

describe('relayHosts', () => {
  it('finds the hosts of this run folder and this user', () => {
    const host = ['/usr/bin/node', '/run/bin/1.0.0/guard.cjs', 'host', '/run'];
    const rows = [
      row(10, host),
      row(11, [...host, 'own']),
      row(12, [...host.slice(0, 3), '/elsewhere']),
      row(13, ['/usr/bin/node', 'guard.cjs', '--', 'host', '/run']),
      ...(process.geteuid ? [row(14, host, process.geteuid() + 1)] : []),
    ];
    assert.deepEqual(
      relayHosts(rows, '/run').map(({ pid, memoryBytes }) => [pid, memoryBytes]),
      [
        [10, 45_000_000],
        [11, 45_000_000],
      ],
    );
  });
});

describe('ofPresentHosts', () => {
  const guard = { pid: 4_000, start: 'lx:900' };
  const recorded = (second: number, x: InstanceRecord['x']): InstanceRecord =>
    someRecord({ guard, startedAt: `2026-11-24T00:00:0${second}.000Z`, ...(x ? { x } : {}) });
  const kept = (...records: readonly InstanceRecord[]): InstanceRecord[] =>
    ofPresentHosts(
      records.map((record) => ({ record, liveness: { life: 'alive', guard: 'alive', server: 'alive' } })),
      [row(70, []), row(71, [])],
    ).map(({ record }) => record);

  it('drops the records of a host that has ended, and the older of two', () => {
    const [ended, older, newer] = [recorded(3, { hostPid: 69 }), recorded(1, { hostPid: 70 }), recorded(2, { hostPid: 71 })];
    assert.deepEqual(kept(older), [older]);
    assert.deepEqual(kept(older, newer), [newer]);
    assert.deepEqual(kept(recorded(0, { hostPid: 69 }), older, newer), [newer]);
    assert.deepEqual(kept(ended), []);
  });

  it('keeps all records without a host, and those with a mark that is not valid', () => {
    const records = [recorded(1, undefined), recorded(2, { hostPid: '70' }), recorded(3, { hostPid: 1 })];
    assert.deepEqual(kept(...records), records);
  });
});
