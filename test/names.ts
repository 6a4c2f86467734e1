import assert from 'node:assert/strict';

/** Asserts that a text names facts: PIDs, versions, files, names. How it says so is the matter of the golden files. */
export function assertNames(text: string | null | undefined, ...facts: readonly (string | number)[]): void {
  const missing = facts.filter((fact) => !text?.includes(String(fact)));
  assert.deepEqual(missing, [], `not named in: ${text}`);
}

/** Asserts that a text does not hold any of some words. */
export function assertOmits(text: string | null | undefined, ...words: readonly string[]): void {
  const held = words.filter((word) => text?.includes(word));
  assert.deepEqual(held, [], `held by: ${text}`);
}
