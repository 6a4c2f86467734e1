import { t } from '../../base/language/translate.ts';
import { listText, singleLine } from '../../base/singleLine.ts';

/**
 * Names and messages come from files and processes that we do not control. Each place that shows them interprets some characters
 * (codicons, links, commands); these functions remove that meaning and keep the text readable.
 */

/** One line of bounded length, without control characters and without marks that change the reading direction. A text of which nothing would be seen is `""`. */
export function oneLine(text: string, limit = 300): string {
  const line = singleLine(text, Number.POSITIVE_INFINITY).trim() || (text === '' ? '' : '""');
  return line.length > limit ? `${line.slice(0, limit - 1)}…` : line;
}

/**
 * A name as the label of a row: a longer one is cut in its middle, because names such as `io.github.owner/server` differ at their end, and the versions that stand
 * behind the name must fit, too.
 */
export function shortName(name: string, limit = 36): string {
  const line = oneLine(name);
  const end = Math.floor(limit * 0.6);
  return line.length > limit ? `${line.slice(0, limit - end - 1)}…${line.slice(-end)}` : line;
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

/** "a, b and c", each once and on one line; at most four, then "and N more". @param limit characters of each */
export function listedNames(all: readonly string[], limit = 40): string {
  return listText([...new Set(all.map((name) => oneLine(name, limit)))], 4);
}

/**
 * The machine whose servers a remote window shows: "on build-7 (ssh-remote)"; undefined in a local window.
 * @param remote the editor's name of the connection; in a browser the address of the page, which the user sees anyway
 */
export function machineText(remote: string | undefined, host: string): string | undefined {
  return remote === undefined || /[:.]|^localhost$/.test(remote) ? undefined : t('on {0} ({1})', oneLine(host, 60), oneLine(remote, 30));
}
