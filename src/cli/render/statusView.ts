import type { Definition } from '../../model/definition.ts';
import { type FindingKind, isHeadline } from '../../model/finding.ts';
import type { Problem } from '../../model/problem.ts';
import type { ClientInstance, Instance, Snapshot } from '../../model/snapshot.ts';
import { billOf, billText } from '../../presentation/bill.ts';
import { notStartedTexts } from '../../presentation/lazyStart.ts';
import { counted, duration, memory } from '../../presentation/quantities.ts';
import { hostTexts } from '../../presentation/relayHost.ts';
import { createPaint, type Paint } from './paint.ts';
import { capital, compareNames, definitionState, headline, instanceState, type State, troubledServers } from './stateWords.ts';
import { type Cell, type Column, fittingColumns, renderTable, type TableLine } from './table.ts';
import { clip, displayName, terminalText, wrap } from './text.ts';

export interface ViewOptions {
  /** Columns of the terminal; `Infinity` = no terminal: nothing is wrapped or left out. */
  readonly width: number;
  readonly color: boolean;
  /** Epoch milliseconds. */
  readonly now: number;
  /** IANA name; default: where this runs. */
  readonly timeZone?: string;
  /** A line above the table; for example that the state folder is not the usual one. */
  readonly remark?: string;
  /** Entries from which nothing runs have a row each, beside their client's servers; else their names share one line. */
  readonly all?: boolean;
}

const everyColumn: readonly Column[] = [
  { title: 'SERVER', min: 10, comfortable: 24, max: 44 },
  { title: 'STATE', min: 20, max: 76 },
  { title: 'PID', align: 'right' },
  { title: 'CURRENT', max: 20, dispensable: 1 },
  { title: 'INSTALLED', max: 20, dispensable: 2 },
  { title: 'LATEST', max: 20, dispensable: 3 },
  { title: 'MEMORY', align: 'right', dispensable: 5 },
  { title: 'AGE', align: 'right', dispensable: 4 },
  { title: 'PACKAGE', max: 44, dispensable: 6 },
];
/** With this column a row tells both versions, so that its state need not. */
const versionColumn = everyColumn.findIndex(({ title }) => title === 'INSTALLED');

/** Hostile texts may be megabytes long. */
const longestText = 400;
const longestName = 80;

/**
 * Everything known, as a table: the totals, what needs attention (worst first), the servers by client, the names of what does not run, the problems.
 * Ends in a line break.
 */
export function renderStatus(snapshot: Snapshot, options: ViewOptions): string {
  const paint = createPaint(options.color);
  const { text, alarms } = headline(snapshot);
  const lines = wrap(capital(text), options.width).map((line) => paint(alarms > 0 ? 'bad' : 'strong', line));
  if (options.remark) {
    lines.push(...wrap(safe(options.remark), options.width).map((line) => paint('dim', line)));
  }
  // A registry may know none of them, or may not have been asked.
  const columns = everyColumn.filter(({ title }) => title !== 'LATEST' || snapshot.instances.some(knowsLatest));
  const short = tableLines(snapshot, options, true);
  const table = fittingColumns(columns, short, options.width).has(versionColumn) ? short : tableLines(snapshot, options, false);
  if (table.length > 0) {
    lines.push('', ...renderTable(columns, table, { width: options.width, paint }));
  }
  const names = options.all ? [] : restingLine(snapshot, options.width);
  if (names.length > 0) {
    lines.push('', ...names.map((line) => paint('dim', line)));
  } else if (table.length === 0) {
    lines.push('', ...wrap('No MCP servers found. Run "mcp-shepherd doctor" to see where we looked.', options.width));
  }
  const ending = [
    ...copiesLines(snapshot.instances),
    ...notStartedTexts(snapshot),
    ...hostTexts(snapshot),
    ...(snapshot.instances.length === 0 ? [] : [`${billText(billOf(snapshot.instances))}.`]),
  ];
  lines.push(...ending.flatMap((line) => ['', ...wrap(safe(line), options.width)]));
  lines.push(...renderProblems(snapshot.problems, options.width, paint));
  const hints = fixHints(snapshot);
  if (hints.length > 0) {
    lines.push('', ...hints.flatMap((hint) => wrap(hint, options.width)).map((line) => paint('dim', line)));
  }
  return `${lines.join('\n')}\n`;
}

/** The lines about all copies of one entry under one client, printed once, with the commands that show and stop them. */
function copiesLines(instances: readonly Instance[]): string[] {
  const findings = instances.flatMap((instance) => instance.findings.filter(({ kind }) => kind === 'copies'));
  const sentences = [...new Set(findings.map(({ message }) => `${message}.`))];
  const hint = findings.some(({ confidence }) => confidence !== 'unknown');
  return hint ? [...sentences, 'See the idle copies and stop them: mcp-shepherd prune --copies'] : sentences;
}

/** The commands that fix what was found, a line each. */
function fixHints({ instances }: Snapshot): string[] {
  const has = (...kinds: readonly FindingKind[]): boolean =>
    instances.some(({ findings }) => findings.some((finding) => kinds.includes(finding.kind) && isHeadline(finding)));
  return [
    ...(has('stale', 'files-gone') ? ['Fix a stale server: mcp-shepherd restart NAME'] : []),
    ...(has('orphan', 'duplicate') ? ['Stop orphans and duplicates: mcp-shepherd prune'] : []),
  ];
}

/** The problems, with file and line in the form that terminals and editors open. Empty when everything could be read. */
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

/** @param short the state does not repeat versions that have columns of their own */
function tableLines(snapshot: Snapshot, { now, all = false }: ViewOptions, short: boolean): TableLine[] {
  const definitions = new Map(snapshot.definitions.map((definition) => [definition.id, definition]));
  const latest = snapshot.instances.some(knowsLatest);
  return groupSnapshot(snapshot, all).flatMap((group, index) => [
    ...(index === 0 ? [] : [{ kind: 'space' } as const]),
    { kind: 'heading', text: safe(group.title) } as const,
    ...group.instances.flatMap((instance) => {
      const origin = originOf(instance, definitions);
      const state = instanceState(instance, origin);
      const whose = group.needsAttention ? ownerOf(instance, origin.length > 0) : [];
      return [
        row(instance.name, short ? { ...state, words: state.short } : state, [
          String(instance.pid),
          ...instanceCells(instance, now, latest),
        ]),
        ...notes(state, [...whose, ...reachedBy(instance), ...startedBy(instance, origin.length > 0)]),
      ];
    }),
    ...group.resting.flatMap((definition) => {
      const state = definitionState(definition);
      const whose = group.needsAttention ? [`${definition.file}:${definition.line}`] : [];
      return [row(definition.name, state, []), ...notes(state, whose)];
    }),
  ]);
}

/** The client of a row that does not stand below it. A finding of an orphan names it, and so does the command of a server without an entry. */
function ownerOf({ client, findings }: Instance, configured: boolean): string[] {
  if (client === null) {
    return findings.some(({ kind }) => kind === 'orphan') ? [] : ['runs without a client'];
  }
  return configured ? [`started by ${client.name} (PID ${client.pid})`] : [];
}

function originOf(instance: Instance, definitions: ReadonlyMap<string, Definition>): Definition[] {
  return instance.definitions.flatMap((id) => definitions.get(id) ?? []);
}

/** Whether "not running", "switched off" or "remote" says everything about an entry. */
function isPlain({ findings, port }: Definition): boolean {
  return findings.length === 0 && (port === undefined || port.holder === 'nobody');
}

/** The names of the entries that have no row: "Not running: postgres, old-notes (off). Remote: github. --all lists them." In a terminal two lines at most. */
function restingLine(snapshot: Snapshot, width: number): string[] {
  const resting = restingOf(snapshot).filter(isPlain);
  const isRemote = ({ transport, port }: Definition): boolean => transport !== 'stdio' && port === undefined;
  const namesOf = (of: readonly Definition[]): string[] => [
    ...new Set(of.map(({ name, enabled }) => `${clip(safe(displayName(name)), 32)}${enabled ? '' : ' (off)'}`)),
  ];
  const lists = [
    { title: 'Not running', names: namesOf(resting.filter((one) => !isRemote(one))) },
    { title: 'Remote', names: namesOf(resting.filter(isRemote)) },
  ].filter(({ names }) => names.length > 0);
  const wrapped = (most: number): string[] => {
    const texts = lists.map(({ title, names }) => {
      const more = names.length > most ? [`${names.length - most} more`] : [];
      return `${title}: ${[...names.slice(0, most), ...more].join(', ')}`;
    });
    return wrap([...texts, '--all lists them.'].join('. '), width);
  };
  let most = Math.max(0, ...lists.map(({ names }) => names.length));
  most = width === Number.POSITIVE_INFINITY ? most : Math.min(most, width);
  while (most > 1 && wrapped(most).length > 2) {
    most -= 1;
  }
  return lists.length === 0 ? [] : wrapped(most);
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

function instanceCells(instance: Instance, now: number, withLatest: boolean): string[] {
  const { running, installed, latest, name = '' } = instance.package ?? {};
  const versions = [running ?? '–', installed ?? '–', ...(withLatest ? [latest ?? '–'] : [])];
  return [...versions, memory(instance.memoryBytes), duration(now - Date.parse(instance.startedAt)), name];
}

function knowsLatest({ package: found }: Instance): boolean {
  return found?.latest !== undefined;
}

/** The port of an HTTP server, the version that it reports, and the clients that are connected; of another server the clients that share it. */
function reachedBy({ listens, usedBy = [], package: found }: Instance): string[] {
  const clients = [...new Set(usedBy.map(({ name, pid }) => `${name} (PID ${pid})`))].join(', ');
  if (!listens) {
    return usedBy.length === 0 ? [] : [`shared by ${usedBy.length} sessions: ${clients}`];
  }
  const reported = listens.health?.version;
  const version = reported === undefined || !/^v?\d/.test(reported) || reported === found?.running ? '' : `, reports version ${reported}`;
  const users = usedBy.length === 0 ? '' : `; used by ${clients}`;
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
  readonly needsAttention?: true;
}

/**
 * The servers that need attention, worst first; then the other servers by the client process that started them, then those without a client, then those that no configuration names.
 * An entry from which nothing runs is listed with its client's servers; at the end where the client runs no servers, or runs in several processes.
 * @param all also entries of which the line of names says everything
 */
function groupSnapshot(snapshot: Snapshot, all: boolean): Group[] {
  const definitions = new Map(snapshot.definitions.map((definition) => [definition.id, definition]));
  const troubled = troubledServers(snapshot);
  const isRestless = ({ findings }: Definition): boolean => findings.some(isHeadline);
  const notRunning = restingOf(snapshot);
  const restless = notRunning.filter(isRestless);
  const resting = notRunning.filter((definition) => !isRestless(definition) && (all || !isPlain(definition)));

  const clientless: Instance[] = [];
  const unconfigured: Instance[] = [];
  const sessions = new Map<string, { readonly client: ClientInstance; readonly instances: Instance[] }>();
  for (const instance of snapshot.instances.filter((one) => !troubled.includes(one)).sort((a, b) => byName(a, b) || a.pid - b.pid)) {
    if (instance.client === null && configured(instance, definitions)) {
      clientless.push(instance);
    } else if (instance.client === null || !configured(instance, definitions)) {
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
  const ofClient = (id: string): Definition[] => resting.filter((definition) => definition.client === id);

  const groups: Group[] = [
    ...(troubled.length + restless.length === 0
      ? []
      : [{ title: 'Needs attention', instances: troubled, resting: restless, needsAttention: true } as const]),
    ...bySession.map(({ client, instances }) => ({
      title: `${client.name} (PID ${client.pid})`,
      instances,
      resting: sessionsOf(client.id) === 1 ? ofClient(client.id) : [],
    })),
  ];
  groups.push(
    ...(clientless.length > 0 ? [{ title: 'Without a client', instances: clientless, resting: [] }] : []),
    ...(unconfigured.length > 0 ? [{ title: 'Not in any configuration', instances: unconfigured, resting: [] }] : []),
  );
  const restingClients = [...new Set(resting.map((definition) => definition.client))].filter((id) => sessionsOf(id) !== 1);
  for (const id of restingClients.sort((a, b) => compareNames(nameOf(a), nameOf(b)))) {
    groups.push({ title: `${nameOf(id)}, no servers running`, instances: [], resting: ofClient(id) });
  }
  return groups;
}

/** Entries from which no known server runs, by name. */
function restingOf(snapshot: Snapshot): Definition[] {
  const running = new Set([...snapshot.instances, ...(snapshot.notStarted ?? [])].flatMap(({ definitions }) => definitions));
  return snapshot.definitions.filter(({ id }) => !running.has(id)).sort(byName);
}

function configured(instance: Instance, known: ReadonlyMap<string, unknown>): boolean {
  return instance.definitions.some((id) => known.has(id));
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return compareNames(a.name, b.name);
}
