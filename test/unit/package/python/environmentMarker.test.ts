import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { markerHolds, markerValues } from '../../../../src/package/python/environmentMarker.ts';

/** A marker as a tree; `holds` is undefined where a variable is not known. */
type Marker =
  | { readonly kind: 'comparison'; readonly text: string; readonly holds: boolean | undefined }
  | { readonly kind: 'and' | 'or'; readonly left: Marker; readonly right: Marker; readonly inParentheses: boolean };

const values = { os_name: 'posix', sys_platform: 'linux', python_version: '3.11' };
const names = ['os_name', 'sys_platform', 'platform_release'] as const;
const literals = ['posix', 'linux', 'nt', 'posix linux', ''];

const textComparison = fc
  .tuple(fc.constantFrom(...names), fc.constantFrom('==', '!=', 'in', 'not in'), fc.constantFrom(...literals), fc.boolean(), fc.boolean())
  .map(([name, operator, literal, reversed, single]): Marker => {
    const value = { ...values, platform_release: undefined }[name];
    const quoted = single ? `'${literal}'` : `"${literal}"`;
    const [a, b] = reversed ? [literal, value] : [value, literal];
    const compared = (left: string, right: string): boolean => (operator.endsWith('in') ? right.includes(left) : left === right);
    const negated = operator === '!=' || operator === 'not in';
    return {
      kind: 'comparison',
      text: reversed ? `${quoted} ${operator} ${name}` : `${name} ${operator} ${quoted}`,
      holds: a === undefined || b === undefined ? undefined : compared(a, b) !== negated,
    };
  });

const versionComparison = fc
  .tuple(fc.constantFrom('<', '<=', '==', '!=', '>=', '>'), fc.integer({ min: 2, max: 4 }), fc.integer({ min: 0, max: 20 }))
  .map(([operator, major, minor]): Marker => {
    const order = Math.sign(3 - major || 11 - minor);
    const holds = { '<': order < 0, '<=': order <= 0, '==': order === 0, '!=': order !== 0, '>=': order >= 0, '>': order > 0 }[operator];
    return { kind: 'comparison', text: `python_version${operator}"${major}.${minor}"`, holds };
  });

const { marker } = fc.letrec<{ marker: Marker }>((tie) => ({
  marker: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    textComparison,
    versionComparison,
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      left: tie('marker'),
      right: tie('marker'),
      inParentheses: fc.boolean(),
    }),
  ),
}));

/** @param within the operator around it: `and` binds stronger than `or`, so that an `or` in it needs parentheses */
function written(tree: Marker, within?: 'and' | 'or'): string {
  if (tree.kind === 'comparison') {
    return tree.text;
  }
  const text = `${written(tree.left, tree.kind)} ${tree.kind} ${written(tree.right, tree.kind)}`;
  return tree.inParentheses || (within === 'and' && tree.kind === 'or') ? `( ${text})` : text;
}

/** Kleene's logic: unknown unless the known side decides. */
function evaluated(tree: Marker): boolean | undefined {
  if (tree.kind === 'comparison') {
    return tree.holds;
  }
  const sides = [evaluated(tree.left), evaluated(tree.right)];
  const deciding = tree.kind === 'or';
  return sides.includes(deciding) ? deciding : sides.includes(undefined) ? undefined : !deciding;
}

describe('markerHolds', () => {
  it('agrees with an evaluation of the tree that a marker was written from', () => {
    fc.assert(
      fc.property(marker, (tree) => {
        assert.equal(markerHolds(written(tree), values, ''), evaluated(tree) === true, written(tree));
      }),
      { numRuns: 300 },
    );
  });

  it('holds for the extra that is asked for, however its name is written', () => {
    for (const [text, extra, holds] of [
      ['extra == "Big_Thing"', 'big-thing', true],
      ['extra == "big"', '', false],
      ['extra != "big"', '', true],
    ] as const) {
      assert.equal(markerHolds(text, values, extra), holds, text);
    }
  });

  it('does not hold, and does not throw, for any other text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          marker.map(written).map((text) => `${text} and`),
        ),
        (text) => {
          assert.equal(markerHolds(text, values, ''), false);
        },
      ),
      { numRuns: 300 },
    );
    assert.equal(markerHolds(`${'('.repeat(100)}os_name == "posix"${')'.repeat(100)}`, values, ''), false);
  });
});

describe('a marker about the full version of Python', () => {
  const operators = ['<', '<=', '==', '!=', '>=', '>'] as const;
  const holds = (marker: string, version: string): boolean => markerHolds(marker, markerValues(version, 'linux', 'x64'), '');

  it('holds without the patch level where it holds for each patch level, on whichever side the variable stands', () => {
    for (const literal of ['3.10.9', '3.11', '3.11.0', '3.11.3', '3.12', '3.12.1']) {
      for (const operator of operators) {
        for (const marker of [`python_full_version ${operator} "${literal}"`, `"${literal}" ${operator} python_full_version`]) {
          const known = Array.from({ length: 30 }, (_, patch) => holds(marker, `3.11.${patch}`));
          assert.equal(holds(marker, '3.11'), known.every(Boolean), marker);
        }
      }
    }
    assert.equal(holds('"3.11" ~= python_full_version', '3.11'), false);
    assert.equal(holds('"3.11" <= python_full_version', '3.11.2'), true);
  });
});
