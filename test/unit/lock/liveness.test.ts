import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { livenessOf } from '../../../src/lock/liveness.ts';
import { someRecord, someWitness } from './records.ts';

describe('livenessOf', () => {
  it('believes PID and start together', async () => {
    assert.equal((await livenessOf(someRecord(), someWitness({ 4242: 'lx:1000' }))).life, 'alive');
    assert.equal((await livenessOf(someRecord(), someWitness({}))).life, 'dead');
  });

  it('test 9: a reused PID is another process', async () =>
    assert.equal((await livenessOf(someRecord(), someWitness({ 4242: 'lx:1001' }))).life, 'dead'));

  it('test 12: another boot is dead, whatever runs with that PID', async () =>
    assert.equal((await livenessOf(someRecord(), someWitness({ 4242: 'lx:1000' }, 'boot-2'))).life, 'dead'));

  it('test 13: another PID namespace is unknown, and not dead', async () =>
    assert.equal((await livenessOf(someRecord(), someWitness({}, 'boot-1', '4026532000'))).life, 'unknown'));

  it('an unknown boot, an unknown start, counts of another system and no process at all are unknown', async () => {
    assert.equal((await livenessOf(someRecord({ host: { boot: '-', pidns: '-' } }), someWitness({}))).life, 'unknown');
    assert.equal((await livenessOf(someRecord({ server: { pid: 4242, start: '?' } }), someWitness({ 4242: 'lx:1' }))).life, 'unknown');
    assert.equal((await livenessOf(someRecord({ server: { pid: 4242, start: 'ps:1' } }), someWitness({ 4242: 'lx:1' }))).life, 'unknown');
    const { server: _, ...none } = someRecord();
    assert.equal((await livenessOf(none, someWitness({}))).life, 'unknown');
    // … but without a process with that PID the instance is dead, whatever the form of its start.
    assert.equal((await livenessOf(someRecord({ server: { pid: 4242, start: '?' } }), someWitness({}))).life, 'dead');
  });

  it('test 18: is unknown, and not dead, while its group has members', async () => {
    const record = someRecord({ server: { pid: 4242, start: 'lx:1000', pgid: 4242 } });
    const starts = (group: number) => ({ ...someWitness({}), groupRuns: async (asked: number) => asked === group });
    assert.deepEqual(await livenessOf(record, starts(4242)), {
      life: 'unknown',
      guard: 'none',
      server: 'dead',
      reason: 'its server has ended, but processes of its group 4242 still run',
    });
    assert.equal((await livenessOf(record, starts(4243))).life, 'dead');
    // No process survives a reboot, and a group of another namespace does not count.
    assert.equal((await livenessOf({ ...record, host: { boot: 'boot-2', pidns: '4026531836' } }, starts(4242))).life, 'dead');
  });

  it('lives while its guard or its server does, and says which', async () => {
    const record = someRecord({ guard: { pid: 4000, start: 'lx:900' } });
    assert.deepEqual(await livenessOf(record, someWitness({ 4242: 'lx:1000' })), { life: 'alive', guard: 'dead', server: 'alive' });
    assert.deepEqual(await livenessOf(record, someWitness({ 4000: 'lx:900' })), { life: 'alive', guard: 'alive', server: 'dead' });
  });
});
