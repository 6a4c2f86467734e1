import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { IndexTarget, ScopedAuthorization } from '../../../src/registry/indexRoute.ts';
import { questionKey } from '../../../src/registry/lookUp.ts';

describe('questionKey', () => {
  const key = (more: Partial<IndexTarget> = {}): string =>
    questionKey({
      ecosystem: 'npm',
      name: 'notes',
      tag: 'latest',
      targets: [{ base: new URL('https://acme.example/'), isPublic: false, ...more }],
    });

  it('differs by all that may change the answer', () => {
    const keys = [
      key(),
      key({ base: new URL('http://acme.example/') }),
      key({ proxy: new URL('http://one.example:1') }),
      key({ proxy: new URL('http://two.example:1') }),
      key({ proxy: new URL('https://one.example:1') }),
      key({ caFile: '/a.pem' }),
      key({ caFile: '/b.pem' }),
      key({ unverified: true }),
    ];
    assert.equal(new Set(keys).size, keys.length, keys.join('\n'));
  });

  it('has no secret', () => {
    const secret = key({ authorization: 'Bearer abc123' as ScopedAuthorization, proxy: new URL('http://ada:abc123@one.example:1') });
    assert.ok(!secret.includes('abc123'));
    assert.equal(secret, key({ proxy: new URL('http://one.example:1') }));
  });

  it('fits into a record, however long the settings of a project are', () => {
    const [one, other] = ['a', 'b'].map((end) => key({ caFile: `/${'x'.repeat(9_000)}${end}` }));
    assert.ok(one && other && one.length < 3_000 && one !== other);
  });
});
