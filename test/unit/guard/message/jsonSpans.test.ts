import { deepEqual, equal, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { elementsOf, membersOf, type Span } from '../../../../src/guard/message/jsonSpans.ts';

const value = fc.jsonValue({ maxDepth: 3 });
const key = fc.oneof(fc.string({ unit: 'binary', maxLength: 4 }), fc.constantFrom('id', 'method', '__proto__', '"', '\\', '{', '\u2028'));
/** White space between the parts, as RFC 8259 allows it. */
const space = fc.constantFrom('', ' ', '\n', '\r\n\t ');
const parsed = (bytes: Buffer, { start, end }: Span): unknown => JSON.parse(bytes.subarray(start, end).toString());

describe('JSON spans', () => {
  it('have the members of an object at the places where they are written, the last of equal keys', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(key, value), { maxLength: 5 }), space, (members, gap) => {
        const inside = members.map(([name, item]) => `${gap}${JSON.stringify(name)}${gap}:${gap}${JSON.stringify(item)}${gap}`).join(',');
        const bytes = Buffer.from(`${gap}{${inside || gap}}${gap}`);
        const spans = membersOf(bytes);
        ok(spans);
        const last = new Map(members.map(([name, item]) => [JSON.parse(JSON.stringify(name)), JSON.parse(JSON.stringify(item))]));
        deepEqual(new Map([...spans].map(([name, span]) => [name, parsed(bytes, span)])), last);
      }),
      { numRuns: 200 },
    );
  });

  it('have the elements of an array in their order', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 6 }), fc.nat(4), (items, indent) => {
        const bytes = Buffer.from(JSON.stringify(items, undefined, indent));
        const spans = elementsOf(bytes);
        ok(spans);
        deepEqual(
          spans.map((span) => parsed(bytes, span)),
          JSON.parse(JSON.stringify(items)),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('are found in nothing that is cut off', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ maxLength: 4 }), value, { minKeys: 1, maxKeys: 4 }), fc.nat(), (object, at) => {
        const bytes = Buffer.from(JSON.stringify(object));
        equal(membersOf(bytes.subarray(0, at % bytes.length)), undefined);
      }),
      { numRuns: 200 },
    );
  });
});
