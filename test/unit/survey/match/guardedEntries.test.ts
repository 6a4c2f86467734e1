import { equal } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { isReachedThroughGuard } from '../../../../src/survey/match/guardedEntries.ts';
import { row } from '../../../fixtures/argv/processRows.ts';

describe('isReachedThroughGuard', () => {
  const server = row(30, 20, ['node', '/srv/index.js', '--http', '8700']);
  const guard = row(20, 10, ['node', '/opt/shepherd/dist/guard.cjs', '--http', '8700', '--', 'node', '/srv/index.js']);
  const external = row(20, 10, ['node', '/opt/shepherd/dist/cli.cjs', 'guard', '--http', '8700', '--url', 'http://127.0.0.1:8701/mcp']);

  it('is a server that the guard started, and the guard in front of a server that it did not start', () => {
    equal(isReachedThroughGuard({ server, launchers: [guard] }), true);
    equal(isReachedThroughGuard({ server: external, launchers: [] }), true);
  });

  it('is no server beside the guard', () => equal(isReachedThroughGuard({ server, launchers: [] }), false));
});
