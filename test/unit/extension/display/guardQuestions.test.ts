import assert from 'node:assert/strict';
import { isCutByEditor } from '../../../../src/extension/display/guardQuestions.ts';

describe('the preview of a change in the editor', () => {
  it('is not shown where the line that changes is longer than the editor shows, and a long line elsewhere does not matter', () => {
    const long = `"history": "${'x'.repeat(20_000)}"`;
    assert.equal(isCutByEditor(`a\n${long}\nb`, `c\n${long}\nb`), false);
    assert.equal(isCutByEditor(`{${long},"command":"npx"}`, `{${long},"command":"guard"}`), true);
    assert.equal(isCutByEditor(`${long}\nb`, 'b'), true);
    assert.equal(isCutByEditor('a'.repeat(9_000), 'b'.repeat(9_000)), false);
  });
});
