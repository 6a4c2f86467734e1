import type { RawDefinition } from '../model/definition.ts';
import { createRedactor, type Redactor, redactDefinition } from './redactor.ts';

const redactors = new WeakMap<readonly RawDefinition[], Redactor>();
const redacted = new WeakMap<RawDefinition, { readonly redactor: Redactor; readonly definition: ReturnType<typeof redactDefinition> }>();

/** Hides the secrets of all entries; made once for each reading of the configuration. */
export function redactorOf(definitions: readonly RawDefinition[]): Redactor {
  const redactor = redactors.get(definitions) ?? createRedactor(definitions.flatMap(({ secrets }) => secrets));
  redactors.set(definitions, redactor);
  return redactor;
}

/** An entry as it may be shown (`redactDefinition`); made once for each redactor. */
export function shownDefinition(raw: RawDefinition, redactor: Redactor): ReturnType<typeof redactDefinition> {
  const known = redacted.get(raw);
  if (known?.redactor === redactor) {
    return known.definition;
  }
  const definition = redactDefinition(raw, redactor);
  redacted.set(raw, { redactor, definition });
  return definition;
}

/** Hides the secrets of entries in lines of the files that they stand in: there they are written with escapes. */
export function fileRedactor(definitions: readonly RawDefinition[]): Redactor {
  return createRedactor(definitions.flatMap(({ secrets }) => secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])));
}
