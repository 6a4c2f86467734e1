import { isOrphan } from '../../action/plan/restartRoute.ts';
import { isHeadline } from '../../model/finding.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { commands } from '../manifestNames.ts';
import { isRestartableHere, localRoute, ownerText, type WindowFacts } from '../window/windowFacts.ts';
import { countsText, findingsText, headlines, worstFinding } from './findingWords.ts';
import { versionsText } from './instanceText.ts';
import { asMarkdown } from './plainText.ts';

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
  commands.howToRestart,
  commands.stopInstance,
  commands.restartAllStale,
  commands.showServers,
];

const icon = '$(mcp)';
/** Longer tooltips do not fit on a screen. Servers with findings come first; the view has the rest. */
const mostLines = 12;
/** Longer names are cut, to leave room for the state beside them. */
const longestName = 24;

/** @param showWhenCurrent the user's setting */
export function statusModel(snapshot: Snapshot, facts: WindowFacts, showWhenCurrent: boolean): StatusModel {
  const counts = countsText(headlines(snapshot));
  const running = snapshot.instances.length;
  const summary = counts ?? quietText(snapshot);
  return {
    visible: counts !== undefined || showWhenCurrent,
    text: counts === undefined ? icon : `${icon} ${counts}`,
    tooltip: tooltip(snapshot, facts, summary),
    warning: counts !== undefined,
    spoken: `MCP servers: ${counts === undefined ? summary : `${counts}, ${running} running`}`,
  };
}

/** "3 servers running, all current" only when every version is known. */
function quietText(snapshot: Snapshot): string {
  const { instances } = snapshot;
  if (instances.length === 0) {
    return 'none running';
  }
  const servers = `${instances.length} ${instances.length === 1 ? 'server' : 'servers'} running`;
  const unknown = instances.filter((instance) => !isKnown(instance)).length;
  if (unknown === 0) {
    return `${servers}, ${instances.length === 1 ? '' : 'all '}current`;
  }
  const whose = unknown < instances.length ? `${unknown} ` : '';
  return `${servers}, no problems found (${whose}${unknown === 1 ? 'version' : 'versions'} unknown)`;
}

function tooltip(snapshot: Snapshot, facts: WindowFacts, summary: string): string {
  const rank = (instance: Instance): number =>
    (instance.findings.some(isHeadline) ? 0 : 2) + (isRestartableHere(instance, snapshot, facts) ? 0 : 1);
  const sorted = [...snapshot.instances].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, 'en') || a.pid - b.pid);
  const lines = sorted.slice(0, mostLines).map((instance) => serverLine(instance, snapshot, facts));
  const rest = sorted.length - lines.length;
  const blocks = [`**MCP servers** — ${asMarkdown(summary)}`];
  if (lines.length > 0) {
    blocks.push(['| | Server | State | |', '|:--|:--|:--|:--|', ...lines].join('\n'));
  }
  if (rest > 0) {
    blocks.push(`and ${rest} more in the [view](command:${commands.showServers})`);
  }
  return blocks.join('\n\n');
}

/** One row of the tooltip's table: state, name, versions and owner, link. */
function serverLine(instance: Instance, snapshot: Snapshot, facts: WindowFacts): string {
  const told = [findingsText(instance.findings), versionsText(instance)].filter(Boolean).join(': ');
  const owner = instance.client?.pid === facts.pid ? 'this window' : ownerText(instance, facts);
  const cells = [
    stateIcon(instance),
    `**${asMarkdown(instance.name, longestName)}**`,
    asMarkdown(`${told} · ${owner}, PID ${instance.pid}`, 160),
    link(instance, snapshot, facts),
  ];
  return `| ${cells.join(' | ')} |`;
}

function stateIcon(instance: Instance): string {
  if (worstFinding(instance.findings)) {
    return '$(warning)';
  }
  return isKnown(instance) ? '$(pass)' : '$(circle-outline)';
}

function isKnown({ package: own }: Instance): boolean {
  return own !== null && own.running !== null && own.installed !== null;
}

function link(instance: Instance, snapshot: Snapshot, facts: WindowFacts): string {
  const doing = facts.busy.get(instance.id);
  if (doing) {
    return `$(loading~spin) ${doing}`;
  }
  const route = localRoute(instance, snapshot, facts);
  if (route.kind === 'here' || route.askable) {
    return commandLink('$(debug-restart)\u00a0Restart', commands.restartInstance, instance.id);
  }
  if (instance.findings.some(isOrphan)) {
    return commandLink('Stop…', commands.stopInstance, instance.id);
  }
  // No-break spaces: the column is as narrow as its longest word.
  return commandLink('How\u00a0to\u00a0restart', commands.howToRestart, instance.id);
}

/** A Markdown link that runs a command with one argument. Parentheses are encoded too: they would end the address. */
export function commandLink(label: string, command: string, argument: string): string {
  const encoded = encodeURIComponent(JSON.stringify([argument]))
    .replaceAll('(', '%28')
    .replaceAll(')', '%29');
  return `[${label}](command:${command}?${encoded})`;
}
