import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { restartOwner } from '../../../src/clients/restartOwner.ts';

describe('restartOwner', () => {
  const record = { id: 'r' };
  for (const [id, control, kind] of [
    ['vscode', undefined, 'window'],
    ['code-server', undefined, 'window'],
    ['cursor', undefined, 'user'],
    ['vscode-agent-host', undefined, 'user'],
    ['unknown', undefined, 'user'],
    [undefined, undefined, 'none'],
    ['vscode', record, 'control'],
    [undefined, record, 'control'],
  ] as const) {
    it(`${id ?? 'no client'}${control ? ', which can be asked' : ''} → ${kind}`, () =>
      assert.equal(restartOwner(id === undefined ? null : { id }, control).kind, kind));
  }
});
