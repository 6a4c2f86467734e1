/**
 * Names and messages come from other people's files and processes. Each place that shows them gives some characters a meaning
 * (codicons, links, commands); these functions take that meaning away and leave the text readable.
 */

const invisible = /[\p{Cc}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+/gu;

/** One line of bounded length, without control characters or marks that turn the reading direction. */
export function oneLine(text: string, limit = 300): string {
  const line = text.replace(invisible, ' ').trim();
  return line.length > limit ? `${line.slice(0, limit - 1)}…` : line;
}

/** What a status bar has room for: a message's first sentence, without its full stop. The log and the history keep the rest. */
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

/** For Markdown with theme icons: every character that Markdown, HTML, a table, a bare address or an icon could take for its own is written out. */
export function asMarkdown(text: string, limit?: number): string {
  return withoutIcons(text, limit).replace(/[\\`*_{}[\]()<>&#+\-.!|~$:@/"']/g, '\\$&');
}
