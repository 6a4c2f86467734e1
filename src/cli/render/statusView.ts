import type { Definition } from '../../model/definition.ts';
import type { Problem } from '../../model/problem.ts';
import type { ClientInstance, Instance, Snapshot } from '../../model/snapshot.ts';
import { counted, duration, memory } from '../../presentation/quantities.ts';
import { createPaint, type Paint } from './paint.ts';
import { capital, definitionState, headline, instanceState, type State } from './stateWords.ts';
import { type Cell, type Column, renderTable, type TableLine } from './table.ts';
import { clip, displayName, terminalText, wrap } from './text.ts';

export interface ViewOptions {
  /** Columns of the terminal; `Infinity` = no terminal: nothing is wrapped or left out. */
  readonly width: number;
  readonly color: boolean;
  /** Epoch milliseconds. */
  readonly now: number;
  /** A line above the table; for example that the state folder is not the usual one. */
  readonly remark?: string;
}

const columns: readonly Column[] = [
  { title: 'SERVER', min: 14, comfortable: 24, max: 44 },
  { title: 'STATE', min: 26, max: 76 },
  { title: 'PID', align: 'right' },
  { title: 'VERSION', max: 20, dispensable: 2 },
  { title: 'MEMORY', align: 'right', dispensable: 3 },
  { title: 'AGE', align: 'right', dispensable: 4 },
  { title: 'PACKAGE', max: 44, dispensable: 5 },
];

/** Hostile texts may be megabytes long. */
const longestText = 400;
const longestName = 80;

/** Everything known, as a table: the headline, the servers by client, the problems. Ends in a line break. */
export function renderStatus(snapshot: Snapshot, options: ViewOptions): string {
  const paint = createPaint(options.color);
  const { text, alarms } = headline(snapshot);
  const lines = wrap(capital(text), options.width).map((line) => paint(alarms > 0 ? 'bad' : 'strong', line));
  if (options.remark) {
    lines.push(...wrap(safe(options.remark), options.width).map((line) => paint('dim', line)));
  }
  const groups = tableLines(snapshot, options.now);
  if (groups.length > 0) {
    lines.push('', ...renderTable(columns, groups, { width: options.width, paint }));
  } else {
    const hint = 'No MCP servers found. Run "mcp-shepherd doctor" to see where we looked.';
    lines.push('', ...wrap(hint, options.width));
  }
  lines.push(...copiesLines(snapshot.instances).flatMap((line) => ['', ...wrap(safe(line), options.width)]));
  lines.push(...renderProblems(snapshot.problems, options.width, paint));
  if (
    snapshot.instances.some((instance) => instance.findings.some((finding) => finding.kind === 'stale' || finding.kind === 'files-gone'))
  ) {
    const hint = 'Fix a stale server: mcp-shepherd restart NAME';
    lines.push('', ...wrap(hint, options.width).map((line) => paint('dim', line)));
  }
  return `${lines.join('\n')}\n`;
}

/** What is said of all copies of one entry under one client, once, and how to see and stop them. */
function copiesLines(instances: readonly Instance[]): string[] {
  const findings = instances.flatMap((instance) => instance.findings.filter(({ kind }) => kind === 'copies'));
  const sentences = [...new Set(findings.map(({ message }) => `${message}.`))];
  return findings.some(({ confidence }) => confidence !== 'unknown')
    ? [...sentences, 'See the idle copies and stop them: mcp-shepherd prune --copies']
    : sentences;
}

/** What could not be read, with file and line in the form that terminals and editors open. Empty when everything could be read. */
export function renderProblems(problems: readonly Problem[], width: number, paint: Paint): string[] {
  if (problems.length === 0) {
    return [];
  }
  const lines = ['', paint('strong', capital(counted(problems.length, 'problem')))];
  for (const problem of problems) {
    const text = `${problemPlace(problem)}${problem.message}`;
    const [first = '', ...rest] = wrap(safe(text), width - 4);
    lines.push(`${paint('warning', '!')} ${first}`, ...rest.map((line) => `    ${line}`));
  }
  return lines;
}

/** "file:line:column: ", without the parts that are unknown. */
export function problemPlace(problem: Problem): string {
  if (problem.file === undefined) {
    return '';
  }
  const line = problem.line === undefined ? '' : `:${problem.line}${problem.column === undefined ? '' : `:${problem.column}`}`;
  return `${problem.file}${line}: `;
}

function tableLines(snapshot: Snapshot, now: number): TableLine[] {
  const definitions = new Map(snapshot.definitions.map((definition) => [definition.id, definition]));
  const lines: TableLine[] = [];
  for (const group of groupSnapshot(snapshot)) {
    if (lines.length > 0) {
      lines.push({ kind: 'space' });
    }
    lines.push({ kind: 'heading', text: safe(group.title) });
    for (const instance of group.instances) {
      const origin = instance.definitions.flatMap((id) => definitions.get(id) ?? []);
      const state = instanceState(instance, origin);
      lines.push(row(instance.name, state, [String(instance.pid), ...instanceCells(instance, now)]));
      lines.push(...notes(state, [...reachedBy(instance), ...startedBy(instance, origin.length > 0)]));
    }
    for (const definition of group.resting) {
      const state = definitionState(definition);
      lines.push(row(definition.name, state, []), ...notes(state, []));
    }
  }
  return lines;
}

function row(name: string, state: State, more: readonly string[]): TableLine {
  const resting = more.length === 0;
  const cells: Cell[] = [
    { text: clip(safe(displayName(name)), longestName), tone: resting ? 'dim' : 'plain' },
    { text: safe(state.words), tone: state.tone },
    ...more.map((text): Cell => ({ text: safe(text), tone: 'plain' })),
  ];
  return { kind: 'row', ...(state.alarm ? { marker: '!' } : {}), cells };
}

function notes(state: State, more: readonly string[]): TableLine[] {
  return [...state.notes, ...more].map((text) => ({ kind: 'note', text: safe(text), tone: 'dim' }));
}

function instanceCells(instance: Instance, now: number): string[] {
  const version = instance.package?.running ?? '–';
  return [version, memory(instance.memoryBytes), duration(now - Date.parse(instance.startedAt)), instance.package?.name ?? ''];
}

/** The port of an HTTP server, the version that it reports, and the clients that are connected. */
function reachedBy({ listens, usedBy = [], package: found }: Instance): string[] {
  if (!listens) {
    return [];
  }
  const reported = listens.health?.version;
  const version = reported === undefined || !/^v?\d/.test(reported) || reported === found?.running ? '' : `, reports version ${reported}`;
  const users = usedBy.length === 0 ? '' : `; used by ${usedBy.map(({ name, pid }) => `${name} (PID ${pid})`).join(', ')}`;
  return [`port ${listens.port}${version}${users}`];
}

/** Client and command line of a server that no entry explains. */
function startedBy(instance: Instance, configured: boolean): string[] {
  if (configured) {
    return [];
  }
  const whose = instance.client === null ? '' : `started by ${instance.client.name} (PID ${instance.client.pid}): `;
  return [`${whose}${clip(terminalText(instance.command), 200)}`];
}

function safe(text: string): string {
  const shown = terminalText(text.length > longestText * 4 ? text.slice(0, longestText * 4) : text);
  return shown.length > longestText ? clip(shown, longestText) : shown;
}

/** The servers and entries under one heading of the table. */
interface Group {
  readonly title: string;
  readonly instances: readonly Instance[];
  /** Entries from which nothing runs. */
  readonly resting: readonly Definition[];
}

/**
 * The servers by the client process that started them, then those without a client, then those that no configuration names.
 * An entry from which nothing runs is listed with its client's servers; at the end where the client runs no servers, or runs in several processes.
 */
function groupSnapshot(snapshot: Snapshot): Group[] {
  const known = new Set(snapshot.definitions.map((definition) => definition.id));
  const running = new Set(snapshot.instances.flatMap((instance) => instance.definitions));
  const resting = snapshot.definitions.filter((definition) => !running.has(definition.id)).sort(byName);

  const clientless: Instance[] = [];
  const unconfigured: Instance[] = [];
  const sessions = new Map<string, { readonly client: ClientInstance; readonly instances: Instance[] }>();
  for (const instance of [...snapshot.instances].sort((a, b) => byName(a, b) || a.pid - b.pid)) {
    if (instance.client === null && (instance.findings.some((finding) => finding.kind === 'orphan') || configured(instance, known))) {
      clientless.push(instance);
    } else if (instance.client === null || !configured(instance, known)) {
      unconfigured.push(instance);
    } else {
      const { client } = instance;
      const session = sessions.get(client.identity) ?? { client, instances: [] };
      session.instances.push(instance);
      sessions.set(client.identity, session);
    }
  }

  const names = new Map(snapshot.clients.map((client) => [client.id, client.name]));
  for (const { client } of sessions.values()) {
    names.set(client.id, names.get(client.id) ?? client.name);
  }
  const nameOf = (id: string): string => names.get(id) ?? id;
  const bySession = [...sessions.values()].sort(
    (a, b) => compareNames(nameOf(a.client.id), nameOf(b.client.id)) || a.client.pid - b.client.pid,
  );
  const sessionsOf = (id: string): number => bySession.filter(({ client }) => client.id === id).length;
  const restingOf = (id: string): Definition[] => resting.filter((definition) => definition.client === id);

  const groups: Group[] = bySession.map(({ client, instances }) => ({
    title: `${client.name} (PID ${client.pid})`,
    instances,
    resting: sessionsOf(client.id) === 1 ? restingOf(client.id) : [],
  }));
  if (clientless.length > 0) {
    groups.push({ title: 'Without a client', instances: clientless, resting: [] });
  }
  if (unconfigured.length > 0) {
    groups.push({ title: 'Not in any configuration', instances: unconfigured, resting: [] });
  }
  const restingClients = [...new Set(resting.map((definition) => definition.client))].filter((id) => sessionsOf(id) !== 1);
  for (const id of restingClients.sort((a, b) => compareNames(nameOf(a), nameOf(b)))) {
    groups.push({ title: `${nameOf(id)}, no servers running`, instances: [], resting: restingOf(id) });
  }
  return groups;
}

function configured(instance: Instance, known: ReadonlySet<string>): boolean {
  return instance.definitions.some((id) => known.has(id));
}

/** By code unit: the same order in every language, as a table that is redrawn needs. */
function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return compareNames(a.name, b.name);
}
