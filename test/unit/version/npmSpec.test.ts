import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { isNpmName, parseNpmSpec } from '../../../src/version/npmSpec.ts';

/** What ends as an archive does is taken for a file. */
const part = fc
  .stringMatching(/^[A-Za-z0-9_~][A-Za-z0-9._~-]{0,10}$/)
  .filter((text) => text !== 'node_modules' && !/\.(tgz|tar|tar\.gz)$/.test(text));
const name = fc.oneof(
  part,
  fc.tuple(part, part).map(([scope, own]) => `@${scope}/${own}`),
);
const version = fc
  .tuple(fc.nat(99), fc.nat(99), fc.nat(99), fc.constantFrom('', '-rc.1', '+build'))
  .map(([major, minor, patch, rest]) => `${major}.${minor}.${patch}${rest}`);
const selector = fc.oneof(
  version.map((value) => ({ kind: 'version' as const, value })),
  fc.tuple(fc.constantFrom('^', '~', '>=', '<'), version).map(([sign, value]) => ({ kind: 'range' as const, value: `${sign}${value}` })),
  fc.stringMatching(/^[a-z]{4,10}$/).map((value) => ({ kind: 'tag' as const, value })),
);

describe('parseNpmSpec', () => {
  it('takes `~1.2.3` for a range, and a path in the home folder for a file', () => {
    assert.deepEqual(parseNpmSpec('notes@~1.2.3'), { kind: 'registry', name: 'notes', selector: { kind: 'range', value: '~1.2.3' } });
    assert.deepEqual(parseNpmSpec('notes@~/notes'), { kind: 'file', name: 'notes', source: '~/notes' });
    assert.deepEqual(parseNpmSpec('~\\notes'), { kind: 'file', source: '~\\notes' });
  });

  it('gives back the name and the selector that a specification is made of', () => {
    fc.assert(
      fc.property(name, selector, (written, chosen) => {
        assert.ok(isNpmName(written));
        assert.deepEqual(parseNpmSpec(`${written}@${chosen.value}`), { kind: 'registry', name: written, selector: chosen });
        assert.deepEqual(parseNpmSpec(` ${written} `), { kind: 'registry', name: written });
        assert.deepEqual(parseNpmSpec(`alias@npm:${written}@${chosen.value}`), {
          kind: 'alias',
          alias: 'alias',
          target: { name: written, selector: chosen },
        });
      }),
    );
  });

  it('never throws, and takes no name that is unsafe as an argument or as a path', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'@/.-: ~abc1') })), (text) => {
        const spec = parseNpmSpec(text);
        const found = spec.kind === 'alias' ? spec.target.name : 'name' in spec ? spec.name : undefined;
        assert.ok(found === undefined || (isNpmName(found) && !/^[-.]|\.\.\/|\s/.test(found)), text);
      }),
      { numRuns: 500 },
    );
  });
});
