import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { type ExplanationSection, explanationOf } from '../../presentation/explanation.ts';
import { localRoute, ownerText, type WindowFacts } from '../window/windowFacts.ts';
import { findingsText } from './findingWords.ts';
import { oneLine } from './plainText.ts';

/** Fits beside the side bar of a small window. */
const width = 84;
const indent = ' '.repeat(14);

/**
 * Everything known of one running server, set for reading as plain text: no markup, so nothing in a hostile name can act. The content is that of
 * `mcp-shepherd explain`; only the way to restart it is this window's.
 *
 * @param now epoch ms
 */
export function evidenceText(instance: Instance, snapshot: Snapshot, facts: WindowFacts, now: number): string {
  const title = `${oneLine(instance.name, 80)} (PID ${instance.pid}): ${findingsText(instance.findings) ?? 'nothing found to be wrong'}`;
  const route = localRoute(instance, snapshot, facts);
  const sections = explanationOf(instance, snapshot, {
    cure: route.kind === 'here' ? 'This window can restart it: “Restart” on its row in the view “MCP Servers”.' : route.step,
    home: facts.home,
    owner: ownerText(instance, facts),
  });
  const texts = [[title, '='.repeat(Math.min(title.length, width))].join('\n'), ...sections.map(sectionText)];
  return `${texts.join('\n\n')}\n\nAs of ${new Date(now).toLocaleString('en-GB')}. Arguments and addresses are shown without secrets.\n`;
}

/** What the document says once its process is gone. */
export function endedProcessText(): string {
  return 'This server process has ended. Its evidence is no longer kept.\n';
}

function sectionText({ heading, rows }: ExplanationSection): string {
  const lines = rows.map(({ name, text }) =>
    name === '' ? wrap(oneLine(text, 2_000), '  ', '    ') : wrap(oneLine(text, 2_000), `  ${name.padEnd(indent.length - 2)}`, indent),
  );
  return [oneLine(heading), ...lines].join('\n');
}

/** Breaks a text at spaces so that it fits; a longer word keeps its line. */
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
