/** Longest version that is kept, in characters. */
const maxLength = 64;

/**
 * Returns the text when it can be a version, else undefined, so that other text in a metadata file (a paragraph, 5,000 digits, instructions to a model) is never
 * stored or shown. A version has an optional `v`, an optional epoch, a leading digit, then version characters with at most three words
 * ("0.0.0-experimental-2f8f60ca8" has one).
 */
export function versionShaped(text: unknown): string | undefined {
  if (typeof text !== 'string') {
    return undefined;
  }
  const trimmed = text.length > maxLength * 2 ? '' : text.trim();
  if (trimmed.length > maxLength || !/^v?(\d+!)?\d[0-9A-Za-z.+_-]*$/.test(trimmed)) {
    return undefined;
  }
  const words = trimmed.match(/[A-Za-z]{3,}/g) ?? [];
  return words.length <= 3 && words.every((word) => word.length <= 16) ? trimmed : undefined;
}
