import assert from 'node:assert/strict';
import { Admissions, type Admitted, type Refused } from '../../../../../src/guard/http/session/admission.ts';
import { SessionTable } from '../../../../../src/guard/http/session/sessionTable.ts';

describe('Admissions', () => {
  const newTable = () => new SessionTable({ load: () => undefined, save() {}, forget() {}, prune() {} }, { max: 10, idleMs: 60_000 });
  const letIn = (outcome: Admitted | Refused): Admitted => {
    assert.ok(!('fault' in outcome));
    return outcome;
  };

  it('requests that try the same id with the same credential at the same time share a session, others do not', () => {
    const admissions = new Admissions(newTable(), 'recover');
    const first = letIn(admissions.enter('a', 'me', '/mcp'));
    const second = letIn(admissions.enter('a', 'me', '/mcp'));
    assert.equal(second.session, first.session);
    assert.notEqual(letIn(admissions.enter('a', 'you', '/mcp')).session, first.session);
    assert.notEqual(letIn(admissions.enter('b', 'me', '/mcp')).session, first.session);
    admissions.leave(first, 'me');
    assert.equal(letIn(admissions.enter('a', 'me', '/mcp')).session, first.session);
    admissions.leave(first, 'me');
    admissions.leave(second, 'me');
    // No request tries it: it is not kept.
    assert.notEqual(letIn(admissions.enter('a', 'me', '/mcp')).session, first.session);
  });

  it('a session that the server took is known from then on, to its credential alone', () => {
    const table = newTable();
    const admissions = new Admissions(table, '404');
    const first = letIn(admissions.enter('a', 'me', '/mcp'));
    assert.deepEqual([first.isNew, first.recoverable], [true, false]);
    table.adopt(first.session);
    const later = letIn(admissions.enter('a', 'me', '/mcp'));
    assert.deepEqual([later.session, later.isNew, later.recoverable], [first.session, false, true]);
    assert.deepEqual(admissions.enter('a', 'you', '/mcp'), { fault: 'session-of-another' });
    table.end(first.session);
    assert.deepEqual(admissions.enter('a', 'me', '/mcp'), { fault: 'session-ended' });
    assert.deepEqual(admissions.enter('a b', 'me', '/mcp'), { fault: 'bad-session-id' });
  });
});
