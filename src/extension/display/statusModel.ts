import { type Message, msg, t, translated } from '../../base/language/translate.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { isUndecided } from '../../presentation/findingLabels.ts';
import { roundedMemory } from '../../presentation/quantities.ts';
import { commands } from '../manifestNames.ts';
import { doingWord, shortOwnerText, staleHere, type WindowFacts } from '../window/windowFacts.ts';
import { type Attention, attentions, copiesText, itemCounts, serversOf, stateText, updates } from './attention.ts';
import { versionAndState } from './instanceText.ts';
import { asMarkdown, shortName } from './plainText.ts';

/** The status bar item as plain data. */
export interface StatusModel {
  readonly visible: boolean;
  readonly text: string;
  /** Markdown with theme icons and links to `tooltipCommands` only. */
  readonly tooltip: string;
  readonly warning: boolean;
  /** For screen readers. */
  readonly spoken: string;
}

/** The only commands that links in the tooltip may run. */
export const tooltipCommands: readonly string[] = [
  commands.restartInstance,
  commands.upgradeInstance,
  commands.howToRestart,
  commands.stopInstance,
  commands.stopCopies,
  commands.revealDefinition,
  commands.restartAllStale,
  commands.killDuplicatesAndOrphans,
  commands.fixProblems,
  commands.showServers,
];

/** Longer tooltips do not fit on a screen. The list that a click opens has the rest. */
const mostLines = 10;
/** Longer names are cut, to leave room for the state beside them. */
const longestName = 24;

/** @param showWhenCurrent the user's setting */
export function statusModel(snapshot: Snapshot, facts: WindowFacts, showWhenCurrent: boolean): StatusModel {
  const items = attentions(snapshot, facts);
  const counts = itemCounts(items);
  const newer = updates(snapshot, facts, items);
  const running = snapshot.instances.length;
  const summary = counts ?? quietText(snapshot, newer.length);
  return {
    visible: counts !== undefined || showWhenCurrent,
    text: statusText(items),
    tooltip: tooltip({ items, newer, summary }, snapshot, facts),
    warning: items.some(({ urgent }) => urgent),
    spoken: counts === undefined ? t('MCP servers: {0}', summary) : t('MCP servers: {0}, {1} running', counts, running),
  };
}

/** "$(warning) MCP: 3 stale"; of several kinds the number alone, because the status bar has little room. An icon alone when all is well. */
function statusText(items: readonly Attention[]): string {
  const icon = items.some(({ urgent }) => urgent) ? '$(warning) MCP:' : '$(mcp)';
  const kinds = new Set(items.map(({ finding }) => finding.kind));
  return items.length === 0 ? icon : `${icon} ${kinds.size === 1 ? itemCounts(items) : items.length}`;
}

/** "3 servers running, all current" only when every version is known and none is newer. @param newer for how many servers an update can be installed */
function quietText({ instances }: Snapshot, newer: number): string {
  if (instances.length === 0) {
    return t('none running');
  }
  const one = instances.length === 1;
  const servers = one ? t('1 server running') : t('{0} servers running', instances.length);
  // Of findings that the user ignores, and of information.
  const toldOf = instances.some(({ findings }) => findings.some(({ confidence }) => confidence !== 'unknown'));
  const unknown = instances.filter((instance) => !isKnown(instance)).length;
  const undecided = instances.filter((instance) => isKnown(instance) && isUndecided(instance)).length;
  if (!toldOf && unknown + undecided === 0) {
    return one ? t('1 server running, current') : t('{0} servers running, all current', instances.length);
  }
  const state = newer === 0 ? t('no problems found') : newer === 1 ? t('1 update available') : t('{0} updates available', newer);
  if (unknown + undecided === 0) {
    return t('{0}, {1}', servers, state);
  }
  const told = undecided === 0 ? unknownText(unknown, instances.length) : t('{0} not certain', unknown + undecided);
  return t('{0}, {1} ({2})', servers, state, told);
}

/** @param unknown how many of the servers have an unknown version */
function unknownText(unknown: number, servers: number): string {
  if (unknown === servers) {
    return unknown === 1 ? t('version unknown') : t('versions unknown');
  }
  return unknown === 1 ? t('1 version unknown') : t('{0} versions unknown', unknown);
}

interface Told {
  readonly items: readonly Attention[];
  /** Servers with an update. */
  readonly newer: readonly Attention[];
  readonly summary: string;
}

function tooltip({ items, newer, summary }: Told, snapshot: Snapshot, facts: WindowFacts): string {
  const listed = [...items, ...newer].slice(0, mostLines);
  const rest = items.length + newer.length - listed.length;
  const blocks = [`**${t('MCP servers')}** — ${asMarkdown(summary)}`];
  if (listed.length > 0) {
    blocks.push(['| | | | | |', '|:--|:--|:--|:--|:--|', ...listed.map((item) => serverLine(item, facts))].join('\n'));
  }
  if (rest > 0) {
    blocks.push(t('and [{0} more]({1})', rest, `command:${commands.fixProblems}`));
  }
  const other = restText([...items, ...newer], snapshot);
  if (other !== undefined && snapshot.instances.length > 0) {
    blocks.push(other);
  }
  blocks.push(footer(items, snapshot, facts));
  return blocks.join('\n\n');
}

/** "14 healthy · 588 MB": the servers without a line of their own. */
function restText(items: readonly Attention[], snapshot: Snapshot): string | undefined {
  const told = new Set(items.flatMap(serversOf).map(({ id }) => id));
  const others = snapshot.instances.filter(({ id }) => !told.has(id));
  // A finding that the user ignores is not health.
  const quiet = others.filter((one) => stateText(one.findings) !== undefined || isUndecided(one)).length;
  const memory = roundedMemory(others.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0));
  const counts = [others.length > quiet && t('{0} healthy', others.length - quiet), quiet > 0 && t('{0} other', quiet)];
  return others.length === 0 ? undefined : [...counts, memory].filter(Boolean).join(' · ');
}

function footer(items: readonly Attention[], snapshot: Snapshot, facts: WindowFacts): string {
  const orphans = items.filter(({ finding }) => finding.kind === 'orphan').length;
  return [
    staleHere(snapshot, facts).length > 1 && `[${t('Restart All Stale')}](command:${commands.restartAllStale})`,
    orphans > 0 && `[${t('Stop Orphans…')}](command:${commands.killDuplicatesAndOrphans})`,
    `[${t('Open')}](command:${commands.showServers})`,
  ]
    .filter(Boolean)
    .join(' · ');
}

/** One row of the tooltip's table: state, name, versions and owner, icon of the link, link. The words are those of its row in the view. */
function serverLine(item: Attention, facts: WindowFacts): string {
  const { instance, definition, finding } = item;
  const state = instance && (item.copies ? copiesText(item.copies) : versionAndState(instance, stateText(instance.findings)));
  const told = instance
    ? [state, item.process, shortOwnerText(instance, facts)].filter(Boolean).join(' · ')
    : stateText(definition?.findings ?? [finding]);
  const icon = finding.kind === 'update-available' ? '$(arrow-circle-up)' : '$(warning)';
  return `| ${[icon, `**${asMarkdown(shortName(item.name, longestName))}**`, unbroken(asMarkdown(told ?? '', 160)), ...link(item, facts)].join(' | ')} |`;
}

/** "restart needed · Claude Code" with line breaks between its parts only. Versions and long names may take more than a line. */
function unbroken(told: string): string {
  const parts = told.split(' · ');
  return parts.map((part) => (part.includes('→') || part.length > longestName ? part : part.replaceAll(' ', '\u00a0'))).join(' · ');
}

function isKnown({ package: own }: Instance): boolean {
  return own !== null && own.running !== null && own.installed !== null;
}

const links: Readonly<Record<Attention['fix'], readonly [icon: string, label: Message, command: string]>> = {
  restart: ['$(debug-restart)', msg('Restart'), commands.restartInstance],
  upgrade: ['$(cloud-download)', msg('Upgrade…'), commands.upgradeInstance],
  stop: ['$(debug-stop)', msg('Stop…'), commands.stopInstance],
  'stop-copies': ['$(debug-stop)', msg('Stop…'), commands.stopCopies],
  step: ['', msg('How to Restart'), commands.howToRestart],
  open: ['$(go-to-file)', msg('Open'), commands.revealDefinition],
};

/** Icon and link in cells of their own: a line may break beside an icon, whatever stands there. */
function link({ instance, definition, fix }: Attention, facts: WindowFacts): readonly [icon: string, link: string] {
  const doing = instance && facts.busy.get(instance.id);
  const [icon, words, command] = links[fix];
  // No-break spaces: the column is as narrow as its longest word.
  const label = translated(words).replaceAll(' ', '\u00a0');
  return doing ? ['$(loading~spin)', doingWord(doing)] : [icon, commandLink(label, command, instance?.id ?? definition?.id ?? '')];
}

/** A Markdown link that runs a command with one argument. Parentheses are encoded too: they would end the address. */
export function commandLink(label: string, command: string, argument: string): string {
  const encoded = encodeURIComponent(JSON.stringify([argument]))
    .replaceAll('(', '%28')
    .replaceAll(')', '%29');
  return `[${label}](command:${command}?${encoded})`;
}
