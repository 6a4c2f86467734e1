import type { Definition } from '../types/definition.ts';
import type { Finding } from '../types/finding.ts';
import type { Instance, Snapshot } from '../types/snapshot.ts';
import { findingsText, findingWord } from './findingWords.ts';
import { ageText, memoryText } from './instanceText.ts';
import { oneLine } from './plainText.ts';
import { pathText } from './sourceText.ts';
import { localRoute, ownerText, type WindowFacts } from './windowFacts.ts';

/** Fits beside the side bar of a small window. */
const width = 84;
const indent = ' '.repeat(14);

/**
 * Everything known of one running server, set for reading as plain text: no markup, so nothing in a hostile name can act.
 *
 * @param now epoch ms
 */
export function evidenceText(instance: Instance, snapshot: Snapshot, facts: WindowFacts, now: number): string {
  const title = `${oneLine(instance.name, 80)} (PID ${instance.pid}): ${findingsText(instance.findings) ?? 'nothing found to be wrong'}`;
  const sections = [
    [title, '='.repeat(Math.min(title.length, width))].join('\n'),
    ...instance.findings.map(findingSection),
    cureSection(instance, snapshot, facts),
    section('Process', processRows(instance, facts, now)),
    section('Package', packageRows(instance, facts.home)),
    ...instance.definitions.flatMap((id) => {
      const definition = snapshot.definitions.find((item) => item.id === id);
      return definition ? [section('Configuration', definitionRows(definition, facts))] : [];
    }),
  ];
  if (instance.definitions.length === 0) {
    sections.push(section('Configuration', [['entry', 'none of the configuration files that were read has it']]));
  }
  return `${sections.join('\n\n')}\n\nAs of ${new Date(now).toLocaleString('en-GB')}. Arguments and addresses are shown without secrets.\n`;
}

/** What the document says once its process is gone. */
export function goneText(): string {
  return 'This server process has ended. Its evidence is no longer kept.\n';
}

function findingSection(finding: Finding): string {
  const certainty = { proven: 'proven', likely: 'likely, not proven', unknown: 'cannot be told' }[finding.confidence];
  const heading = `${findingWord(finding)[0]?.toUpperCase()}${findingWord(finding).slice(1)} (${certainty})`;
  const lines = [finding.message, ...finding.evidence].map((line) => wrap(oneLine(line, 2_000), '  ', '    '));
  return [heading, ...lines].join('\n');
}

function cureSection(instance: Instance, snapshot: Snapshot, facts: WindowFacts): string {
  const route = localRoute(instance, snapshot, facts);
  const text = route.kind === 'here' ? 'This window can restart it: “Restart” on its row in the view “MCP Servers”.' : route.step;
  return ['How to restart it', wrap(oneLine(text, 1_000), '  ', '  ')].join('\n');
}

type Row = readonly [name: string, value: string | undefined];

function section(heading: string, rows: readonly Row[]): string {
  const lines = rows.flatMap(([name, value]) =>
    value === undefined ? [] : [wrap(oneLine(value, 2_000), `  ${name.padEnd(indent.length - 2)}`, indent)],
  );
  return [heading, ...lines].join('\n');
}

function processRows(instance: Instance, facts: WindowFacts, now: number): Row[] {
  const started = new Date(instance.startedAt);
  const { client } = instance;
  return [
    ['client', client ? `${ownerText(instance, facts)} (PID ${client.pid})` : instance.background ? 'none: it runs on its own' : 'none'],
    ['started', `${started.toLocaleString('en-GB')} (${ageText(instance.startedAt, now)})`],
    [
      'memory',
      `${memoryText(instance.memoryBytes) ?? 'unknown'}${instance.tree.length > 1 ? `, with ${instance.tree.length - 1} more in its tree` : ''}`,
    ],
    ['command', instance.command],
    ...instance.launchers.map((launcher): Row => ['through', `${launcher.kind} (PID ${launcher.pid}): ${launcher.command}`]),
    ['directory', instance.cwd === null ? undefined : pathText(instance.cwd, facts.home)],
  ];
}

function packageRows(instance: Instance, home: string): Row[] {
  const { package: own, changedDependencies, unknown } = instance;
  return [
    ['name', own ? `${own.name} (${own.ecosystem})` : 'unknown'],
    ['runs', own ? (own.running ?? 'unknown') : undefined],
    ['installed', own ? (own.installed ?? 'unknown') : undefined],
    ['from', own ? pathText(own.root, home) : undefined],
    ...changedDependencies.map(
      (change): Row => ['changed', `${change.name}: ${change.running ?? 'not there'} when it started, ${change.installed ?? 'gone'} now`],
    ),
    ['not known', unknown],
  ];
}

function definitionRows(definition: Definition, facts: WindowFacts): Row[] {
  return [
    ['entry', `${definition.name}, in ${pathText(definition.file, facts.home)}, line ${definition.line}`],
    ['scope', definition.scope],
    ['command', definition.command === undefined ? undefined : [definition.command, ...definition.args].join(' ')],
    ['address', definition.url],
    ['environment', definition.envNames.length === 0 ? undefined : `${definition.envNames.join(', ')} (values are not read out)`],
  ];
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
