import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { isPythonName, normalizePythonName, parsePythonSpec } from '../../../src/version/pythonSpec.ts';

/** What ends as an archive does is taken for a file. */
const name = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,10}[A-Za-z0-9])?$/).filter((text) => !/\.(whl|zip|tar\.gz)$/i.test(text));
const version = fc
  .tuple(fc.nat(99), fc.nat(99), fc.constantFrom('', 'rc1', '.post2', '+local.1'))
  .map(([major, minor, rest]) => `${major}.${minor}${rest}`);
const clause = fc.tuple(fc.constantFrom('==', '>=', '<=', '!=', '~=', '===', '<', '>'), version).map((parts) => parts.join(''));
const space = fc.constantFrom('', ' ', '  ');
const marker = fc.constantFrom(undefined, "python_version < '3.12'", 'sys_platform == "win32" and extra == "a;b"');

describe('parsePythonSpec', () => {
  it('gives back name, extras, version clauses and marker of a requirement, with or without spaces and brackets', () => {
    fc.assert(
      fc.property(
        fc.record({
          name,
          extras: fc.array(name, { maxLength: 3 }),
          clauses: fc.array(clause, { maxLength: 3 }),
          marker,
          space,
          old: fc.boolean(),
        }),
        (made) => {
          const gap = made.space;
          const extras = made.extras.length === 0 ? '' : `${gap}[${made.extras.join(`${gap},${gap}`)}]`;
          const clauses = made.clauses.join(`${gap},${gap}`);
          const specifier = made.old && clauses !== '' ? `${gap}(${clauses})` : gap + clauses;
          const text = `${gap}${made.name}${extras}${specifier}${made.marker === undefined ? '' : `${gap};${gap}${made.marker}`}${gap}`;
          assert.deepEqual(
            parsePythonSpec(text),
            {
              kind: 'registry',
              name: made.name,
              extras: made.extras.map(normalizePythonName),
              specifier: made.clauses.join(','),
              ...(made.marker === undefined ? {} : { marker: made.marker }),
            },
            text,
          );
        },
      ),
    );
  });

  it('gives back the address behind the @, and what uvx takes behind a lone @', () => {
    const address = fc.tuple(
      fc.constantFrom(['url', 'https://host/a;b.whl'], ['git', 'git+ssh://git@host/r'], ['file', './wheels/x.zip']),
      marker,
    );
    fc.assert(
      fc.property(name, address, version, space, (own, [[kind, source], behind], tag, gap) => {
        const found = parsePythonSpec(`${own}${gap}@${gap}${source}${behind === undefined ? '' : ` ; ${behind}`}`);
        assert.ok('source' in found, found.kind);
        assert.deepEqual([found.kind, found.name, found.source, found.marker], [kind, own, source, behind]);
        assert.deepEqual(parsePythonSpec(`${own}@${tag}`), { kind: 'registry', name: own, extras: [], specifier: '', tag });
      }),
    );
  });

  it('never throws, takes no name that is unsafe as an argument or as a path, and quotes nothing in a reason', () => {
    const texts = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'@/.-:;,[]()=<>! ~abc1\\"\'') }));
    fc.assert(
      fc.property(texts, (text) => {
        const spec = parsePythonSpec(text);
        if (spec.kind === 'invalid') {
          assert.ok(text.trim().length < 4 || !spec.reason.includes(text.trim()), text);
        } else if (spec.name !== undefined) {
          assert.ok(isPythonName(spec.name) && !/^[-.]|[\\/\s]/.test(spec.name), text);
        }
      }),
      { numRuns: 500 },
    );
  });
});
