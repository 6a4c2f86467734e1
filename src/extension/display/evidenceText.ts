import { t } from '../../base/language/translate.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { type ExplanationSection, explanationOf } from '../../presentation/explanation.ts';
import { localRoute, ownerText, type WindowFacts } from '../window/windowFacts.ts';
import { findingsText } from './attention.ts';
import { oneLine } from './plainText.ts';

/** Columns; fits beside the side bar of a small window. */
const width = 76;
const indent = ' '.repeat(14);

/**
 * Everything known about one running server, as plain text without markup, so that no text in a name or a file becomes a link. The content is
 * that of `mcp-shepherd explain`, except that the restart hint is the one of this window.
 *
 * @param now epoch ms
 */
export function evidenceText(instance: Instance, snapshot: Snapshot, facts: WindowFacts, now: number): string {
  const title = t('{0} (PID {1}): {2}', oneLine(instance.name, 80), instance.pid, findingsText(instance.findings) ?? t('OK'));
  const texts = [
    [title, '='.repeat(Math.min(title.length, width))].join('\n'),
    ...evidenceSections(instance, snapshot, facts).map(sectionText),
  ];
  return `${texts.join('\n\n')}\n\n${t('As of {0}. Secrets in arguments and addresses are hidden.', new Date(now).toLocaleString('en-GB'))}\n`;
}

/** The same as `mcp-shepherd explain`, with the restart hint of this window. */
export function evidenceSections(instance: Instance, snapshot: Snapshot, facts: WindowFacts): ExplanationSection[] {
  const route = localRoute(instance, snapshot, facts);
  return explanationOf(instance, snapshot, {
    restart: route.kind === 'here' ? t('Choose “Restart” on its row in the view “MCP Servers”.') : route.step,
    home: facts.home,
    owner: ownerText(instance, facts),
  });
}

/** The content of the document once the process has ended. */
export function endedProcessText(): string {
  return `${t('This server is no longer running, and its evidence is no longer kept.')}\n`;
}

function sectionText({ heading, rows }: ExplanationSection): string {
  const lines = rows.map(({ name, text }) =>
    name === '' ? wrap(oneLine(text, 2_000), '  ', '    ') : wrap(oneLine(text, 2_000), `  ${name.padEnd(indent.length - 2)}`, indent),
  );
  return [oneLine(heading), ...lines].join('\n');
}

/** Breaks a text at spaces into lines of at most `width` columns; a longer word gets a line of its own. */
function wrap(text: string, first: string, rest: string): string {
  const lines: string[] = [];
  let line = first;
  let fresh = true;
  for (const word of text.split(' ')) {
    if (!fresh && line.length + 1 + word.length > width) {
      lines.push(line);
      line = rest;
      fresh = true;
    }
    line += fresh ? word : ` ${word}`;
    fresh = false;
  }
  return [...lines, line].join('\n');
}
