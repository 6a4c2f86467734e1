import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { UsageError } from '../../../../src/cli/exitCodes.ts';
import { findDefinition } from '../../../../src/cli/session/findDefinition.ts';
import type { Problem } from '../../../../src/model/problem.ts';
import { definition, snapshot } from '../fixture.ts';

describe('findDefinition', () => {
  const hintOf = (problems: readonly Problem[]): string => {
    try {
      findDefinition(snapshot({ definitions: [definition({ name: 'other' })], problems }), { name: 'notes', prefers: () => true });
    } catch (error) {
      assert.ok(error instanceof UsageError);
      return error.hint;
    }
    return assert.fail('found');
  };

  it('names the files that could not be read: the entry may be in one of them', () => {
    const file = '/home/ada/.cursor/mcp.json';
    const hint = hintOf([
      { source: 'config', file, line: 4, message: 'This is not valid JSON.' },
      { source: 'process', message: 'of no matter here' },
    ]);
    assert.ok(hint.includes(`${file}:4: This is not valid JSON.`) && !hint.includes('of no matter'), hint);
    assert.equal(hintOf([]).split('\n').length, 1);
  });
});
