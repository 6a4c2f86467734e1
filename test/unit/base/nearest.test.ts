import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { nearest } from '../../../src/base/nearest.ts';

describe('a suggestion', () => {
  it('is near, or is not made', () => {
    const words = ['status', 'watch', 'restart', 'doctor'];
    assert.equal(nearest('statsu', words), 'status');
    assert.equal(nearest('wach', words), 'watch');
    assert.equal(nearest('re', words), 'restart');
    assert.equal(nearest('DOCTER', words), 'doctor');
    assert.equal(nearest('x', words), undefined);
    assert.equal(nearest('explain', words), undefined);
    assert.equal(nearest('', words), undefined);
  });
});
