import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { decideEnsure, type EnsureRequest } from '../../../../src/action/ensure/ensureDecision.ts';
import type { Instance } from '../../../../src/model/snapshot.ts';
import { assertNames } from '../../../names.ts';
import { instance } from '../../cli/fixture.ts';

const request: EnsureRequest = { name: 'notes', port: 8700, passive: false };
const npm = (running: string | null, installed = '2.0.0'): NonNullable<Instance['package']> => ({
  ecosystem: 'npm',
  name: 'notes-mcp',
  root: '/x',
  running,
  installed,
});

function decide(over: Partial<Instance>, more: Partial<EnsureRequest> = {}): string {
  const decision = decideEnsure(
    { ...request, ...more },
    { kind: 'server', instance: instance({ name: 'notes', pid: 9, package: null, ...over }) },
  );
  return decision.kind === 'done' ? decision.result.server_status : decision.kind;
}

describe('decideEnsure', () => {
  const health = (version: string): Partial<Instance> => ({ listens: { port: 8700, health: { status: 'ok', version } } });
  const cases: readonly [string, Partial<Instance>, Partial<EnsureRequest>, string][] = [
    ['the installed version runs', { package: npm('2.0.0') }, {}, 'reused'],
    ['an older one than installed runs', { package: npm('1.0.0') }, {}, 'replace'],
    ['the same, asked passively', { package: npm('1.0.0') }, { passive: true }, 'older'],
    ['a newer one than wanted runs', { package: npm('2.0.0') }, { version: '1.0.0' }, 'newer'],
    ['C8: nothing is known', {}, { version: '1.0.0' }, 'unknown'],
    ['C8: what runs is not known', { package: npm(null) }, {}, 'unknown'],
    ['C8: "unknown" is no version, and equal to nothing', health('unknown'), { version: 'unknown' }, 'unknown'],
    ['what it says and what is found out differ', { package: npm('1.0.0'), ...health('1.5.0') }, {}, 'unknown'],
    ['both say the same', { package: npm('1.0.0'), ...health('v1.0.0') }, { version: '1.0.0' }, 'reused'],
    ['only it says', health('1.0.0'), { version: '1.0.1' }, 'replace'],
    ['Python writes versions its own way', health('1.0rc1'), { version: '1.0' }, 'replace'],
    ['nothing is wanted', health('1.0.0'), {}, 'reused'],
    ['C14: another package', { package: npm('1.0.0') }, { version: '2.0.0', package: 'other-mcp' }, 'foreign'],
    ['C14: the same package', { package: npm('1.0.0') }, { version: '2.0.0', package: 'notes-mcp' }, 'replace'],
  ];
  for (const [what, over, more, expected] of cases) {
    it(`${what}: ${expected}`, () => assert.equal(decide(over, more), expected));
  }
  it('C14: an older one that only says so is replaced when it runs what the name is started by, and left alone otherwise', () => {
    const launch = { command: 'python3', args: ['/srv/notes/server.py', '--port', '{port}', '8700'] };
    const older = (command: string): string => decide({ command, ...health('0.1.0') }, { version: '2.0.0', launch });
    assert.equal(older('/usr/bin/python3.11 server.py --port 8700'), 'replace');
    assert.equal(older('python3 /srv/other/another.py --port 8700'), 'foreign');
    assert.equal(older('python3 8700'), 'foreign');
    assert.equal(
      decide(
        { command: '/opt/notes/notesd --listen', ...health('0.1.0') },
        { version: '2.0.0', launch: { command: 'notesd', args: ['--http'] } },
      ),
      'replace',
    );
  });
  it('a restart replaces exactly the process that was meant, whatever its version, and no other', () => {
    assert.equal(decide({ tree: [9, 10] }, { replace: 9 }), 'replace');
    assert.equal(decide({ tree: [9, 10] }, { replace: 10 }), 'replace');
    assert.equal(decide({ tree: [9] }, { replace: 8 }), 'unknown');
    assert.equal(decide({ tree: [9], package: npm('2.0.0') }, { replace: 9 }), 'replace');
    assert.equal(decide({ tree: [9], package: npm('2.0.0') }, { replace: 8 }), 'reused');
    assert.equal(decide({ tree: [9] }, { replace: 9, passive: true }), 'unknown');
    assert.equal(decide({ tree: [9], package: npm('1.0.0') }, { replace: 9, version: '2.0.0', package: 'other-mcp' }), 'foreign');
  });
  it('starts on a free port, and leaves an external server alone', () => {
    assert.equal(decideEnsure(request, { kind: 'free' }).kind, 'start');
    const decision = decideEnsure(request, { kind: 'external', pid: 7, command: 'nginx', reason: 'it is a server for something else' });
    assert.ok(decision.kind === 'done');
    assert.deepEqual([decision.result.server_status, decision.result.pid], ['foreign', 7]);
    assertNames(decision.result.message, '8700', 'PID 7 (nginx)');
  });
});
