/** A language that is made from the English texts: each letter has another shape. What is still written in plain letters was not translated. */
export const pseudoLanguage = 'qps-ploc';

const plain = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const shapes = [...'ÀßÇÐÉƑĜĤÎĴĶĻḾÑÖÞǪŔŠŢÛṼŴẊÝŽàƀçðéƒĝĥîĵķļɱñöþǫŕšţûṽŵẋýž'];
/** What a translator must keep: icons, commands and settings of links, and `NAME` in the steps of clients. */
const kept = /(\$\([\w~-]+\)|\]\([^)]*\)|`#[^`]+#`|\bNAME\b|\bVERSION\b)/;

/** An English text in the pseudo-language. */
export function pseudo(text: string): string {
  return text
    .split(kept)
    .map((part, index) => (index % 2 === 1 ? part : [...part].map((letter) => shapes[plain.indexOf(letter)] ?? letter).join('')))
    .join('');
}

/** A bundle in the pseudo-language. @param texts English texts by key */
export function pseudoBundle(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, pseudo(text)]));
}

/**
 * The words of a shown text that are still English.
 * @param names what stays as it is: names, versions, paths and command lines of other programs
 */
export function englishWords(shown: string, names: readonly string[]): string[] {
  const rest = [...names].sort((a, b) => b.length - a.length).reduce((text, name) => text.replaceAll(name, ' '), shown);
  return rest.match(/(?<![\p{L}\p{N}/~._@-])[A-Za-z]{2,}(?![\p{L}\p{N}/_@])/gu) ?? [];
}
