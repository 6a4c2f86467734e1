import type { RawDefinition } from '../model/definition.ts';
import { createRedactor, namedValues, type Redactor, redactDefinition } from './redactor.ts';

const redactors = new WeakMap<readonly RawDefinition[], Redactor>();
const fileRedactors = new WeakMap<readonly RawDefinition[], Redactor>();
const redacted = new WeakMap<RawDefinition, { readonly redactor: Redactor; readonly definition: ReturnType<typeof redactDefinition> }>();

/** A redactor for the secrets of all entries. The same list of entries gives the same redactor. */
export function redactorOf(definitions: readonly RawDefinition[]): Redactor {
  const redactor = redactors.get(definitions) ?? createRedactor(definitions.flatMap(({ secrets }) => secrets));
  redactors.set(definitions, redactor);
  return redactor;
}

/** An entry as it may be shown (see `redactDefinition`). The result is kept for as long as the redactor is the same. */
export function shownDefinition(raw: RawDefinition, redactor: Redactor): ReturnType<typeof redactDefinition> {
  const known = redacted.get(raw);
  if (known?.redactor === redactor) {
    return known.definition;
  }
  const definition = redactDefinition(raw, redactor);
  redacted.set(raw, { redactor, definition });
  return definition;
}

/**
 * A redactor for lines of the entries' own files, where secrets are written with JSON escapes and a value may stand on a line without its name. The same list of entries
 * gives the same redactor.
 */
export function fileRedactor(definitions: readonly RawDefinition[]): Redactor {
  const values = (): string[] =>
    definitions.flatMap(({ args, secrets }) =>
      [...secrets, ...namedValues(args)].flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]),
    );
  const redactor = fileRedactors.get(definitions) ?? createRedactor(values());
  fileRedactors.set(definitions, redactor);
  return redactor;
}
