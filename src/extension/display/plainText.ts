/**
 * Names and messages come from files and processes that we do not control. Each place that shows them interprets some characters
 * (codicons, links, commands); these functions remove that meaning and keep the text readable.
 */

const invisible = /[\p{Cc}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+/gu;

/** One line of bounded length, without control characters and without marks that change the reading direction. */
export function oneLine(text: string, limit = 300): string {
  const line = text.replace(invisible, ' ').trim();
  return line.length > limit ? `${line.slice(0, limit - 1)}…` : line;
}

/** The first sentence of a message without its full stop, for the status bar. The log and the history keep the rest. */
export function firstSentence(text: string): string {
  return text.replace(/\.(?:\s+(?=\p{Lu}).*)?$/su, '');
}

/** For status bar texts and quick pick items, which turn `$(name)` into an icon. */
export function withoutIcons(text: string, limit?: number): string {
  return oneLine(text, limit).replaceAll('$(', '$ (');
}

/** For notifications, which turn `[text](address)` into a link that may even run a command. */
export function withoutLinks(text: string, limit?: number): string {
  return oneLine(text, limit).replaceAll('](', '] (');
}

/** For Markdown with theme icons: escapes every character that Markdown, HTML, a table, a bare address or an icon could interpret. */
export function asMarkdown(text: string, limit?: number): string {
  return withoutIcons(text, limit).replace(/[\\`*_{}[\]()<>&#+\-.!|~$:@/"']/g, '\\$&');
}
