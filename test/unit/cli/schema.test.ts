import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { snapshotJsonSchema, snapshotSchemaFile } from '../../../scripts/snapshotSchema.ts';
import { busySnapshot, snapshot } from './fixture.ts';
import { fullSnapshot } from './fullSnapshot.ts';
import { schemaErrors } from './schemaErrors.ts';

describe('the schema of the snapshot', () => {
  const published: unknown = JSON.parse(readFileSync(snapshotSchemaFile, 'utf8'));

  it('is published as scripts/snapshotSchema.ts makes it', () => {
    assert.deepEqual(published, JSON.parse(JSON.stringify(snapshotJsonSchema())), 'run: node scripts/snapshotSchema.ts && npm run format');
  });

  it('accepts a snapshot in which everything occurs, a busy one and an empty one', () => {
    assert.deepEqual(schemaErrors(fullSnapshot), []);
    assert.deepEqual(schemaErrors(busySnapshot()), []);
    assert.deepEqual(schemaErrors(snapshot()), []);
  });

  it('refuses a field that it does not describe, at any depth', () => {
    for (const path of objectPaths(fullSnapshot)) {
      const changed: unknown = structuredClone(fullSnapshot);
      Object.assign(at(changed, path) as object, { surplus: true });
      assert.ok(
        schemaErrors(changed).some((error) => error.includes('surplus') || error.includes('anyOf') || error.includes('oneOf')),
        `a surplus field in /${path.join('/')}`,
      );
    }
  });

  it('describes every field', () => {
    const fields = objectPaths(published).filter((path) => path.at(-2) === 'properties');
    assert.ok(fields.length > 100);
    const plain = fields.filter((path) => {
      const { description, $ref } = at(published, path) as { description?: string; $ref?: string };
      return !description && $ref === undefined;
    });
    assert.deepEqual(plain, []);
  });
});

type Path = (string | number)[];

/** Every object in a value, from the outside in. */
function objectPaths(value: unknown, path: Path = []): Path[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => objectPaths(item, [...path, index]));
  }
  if (value === null || typeof value !== 'object') {
    return [];
  }
  return [path, ...Object.entries(value).flatMap(([key, inner]) => objectPaths(inner, [...path, key]))];
}

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Readonly<Record<string | number, unknown>>)[key], value);
}
