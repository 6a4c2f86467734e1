import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { judgeLockConflicts, type LockClaim } from '../../../src/diagnosis/lockConflicts.ts';
import { assertNames } from '../../names.ts';

const now = Date.parse('2026-11-22T08:00:00Z');
const noHolder = () => [];

function claim(pid: number, changes: Partial<LockClaim> = {}): LockClaim {
  return {
    id: `record-${pid}`,
    instance: `instance-${pid}`,
    pid,
    name: `server-${pid}`,
    tree: [pid],
    startedAt: now - 60_000,
    state: 'running',
    exclusion: 'flock',
    certain: true,
    locks: [{ key: 'k', resource: '/data', dev: '1', ino: '2' }],
    ...changes,
  };
}

const verdicts = (claims: readonly LockClaim[], holders: Parameters<typeof judgeLockConflicts>[1] = noHolder): string[] =>
  [...judgeLockConflicts(claims, holders, now)].map(([id, { confidence }]) => `${id} ${confidence}`);

describe('judgeLockConflicts', () => {
  it('says nothing of one server, of two with different things, or of two names and ports without inode', () => {
    assert.deepEqual(verdicts([claim(10)]), []);
    assert.deepEqual(verdicts([claim(10), claim(11, { locks: [{ key: 'l', resource: '/other', dev: '1', ino: '3' }] })]), []);
    assert.deepEqual(
      verdicts([claim(10, { locks: [{ key: 'a', resource: 'tcp:1' }] }), claim(11, { locks: [{ key: 'b', resource: 'tcp:2' }] })]),
      [],
    );
  });

  it('is proven where one runs without exclusion or under another name, likely where both trust the kernel', () => {
    const both = (confidence: string): string[] => [`instance-10 ${confidence}`, `instance-11 ${confidence}`];
    assert.deepEqual(verdicts([claim(10), claim(11, { exclusion: 'none' })]), both('proven'));
    assert.deepEqual(verdicts([claim(10), claim(11, { locks: [{ key: 'l', resource: '/mnt', dev: '1', ino: '2' }] })]), both('proven'));
    assert.deepEqual(verdicts([claim(10), claim(11)]), both('likely'));
    assert.deepEqual(verdicts([claim(10), claim(11, { state: 'compromised' })]), both('likely'));
    // Another PID namespace: it may be dead.
    assert.deepEqual(verdicts([claim(10), claim(11, { exclusion: 'none', certain: false })]), both('unknown'));
  });

  it('leaves out who starts or stops, and a guard with the server below it', () => {
    assert.deepEqual(verdicts([claim(10), claim(11, { state: 'starting' })]), []);
    assert.deepEqual(verdicts([claim(10), claim(11, { state: 'stopping' })]), []);
    assert.deepEqual(verdicts([claim(10, { tree: [10, 11] }), claim(11)]), []);
    assert.deepEqual(verdicts([claim(10), claim(10, { id: 'its-own-record' })]), []);
  });

  it('names a process that is no server of ours on the side of the one that is', () => {
    const { instance: _, ...stranger } = claim(11, { exclusion: 'none' });
    const findings = judgeLockConflicts([claim(10), stranger], noHolder, now);
    assert.deepEqual([...findings.keys()], ['instance-10']);
    assertNames(findings.get('instance-10')?.message, 'PID 10', 'server-11 (PID 11)');
  });

  it('asks the kernel about a server without exclusion, and never takes its own tree for another server', () => {
    const holders = (pid: number) => () => [{ pid, name: 'python3' }];
    const alone = claim(10, { exclusion: 'none', tree: [10, 12] });
    assert.deepEqual(verdicts([alone], holders(12)), []);
    assert.deepEqual(verdicts([alone], holders(99)), ['instance-10 proven']);
    assert.deepEqual(
      verdicts([alone], () => undefined),
      [],
    );
    // Who has the lock by the kernel's word is not asked after.
    assert.deepEqual(verdicts([claim(10)], holders(99)), []);
  });
});
