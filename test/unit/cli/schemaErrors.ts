import { readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { snapshotSchemaFile } from '../../../scripts/snapshotSchema.ts';

const validate = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true }).compile(
  JSON.parse(readFileSync(snapshotSchemaFile, 'utf8')),
);

/** How a value differs from the published schema, a line each. */
export function schemaErrors(value: unknown): string[] {
  validate(value);
  return (validate.errors ?? []).map((error: ErrorObject) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`);
}
