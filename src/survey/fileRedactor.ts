import type { RawDefinition } from '../types/definition.ts';
import { createRedactor, type Redactor } from '../types/redaction.ts';

/** Hides the secrets of entries in lines of the files that they stand in: there they are written with escapes. */
export function fileRedactor(definitions: readonly RawDefinition[]): Redactor {
  return createRedactor(definitions.flatMap(({ secrets }) => secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])));
}
