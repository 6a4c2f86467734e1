import { basename } from 'node:path';
import { clientTable } from '../../clients/clientTable.ts';
import type { RawDefinition } from '../../model/definition.ts';
import type { FindingAction } from '../../model/finding.ts';
import { identityKey, type ProcessRow } from '../../model/process.ts';
import type { ClientInstance, Launcher } from '../../model/snapshot.ts';
import { isShellScript, launcherKind } from '../../process/tree/launcherChain.ts';
import type { ProcessTree } from '../../process/tree/processTree.ts';
import type { Redactor } from '../../redaction/redactor.ts';
import type { Attributed } from '../match/attributeServers.ts';
import { adoptsOrphans } from './serverOwner.ts';

/** Clients whose servers a window's extension can restart by VS Code's own commands. */
const windowClients: ReadonlySet<string> = new Set(['vscode', 'vscode-insiders', 'vscodium', 'code-server']);

/** The client of a server: the recognised one, else whatever living program stands above it; null when nobody does. */
export function clientOf(attributed: Attributed): ClientInstance | null {
  const known = attributed.client;
  if (known) {
    return { id: known.id, name: clientName(known.id), pid: known.row.pid, identity: identityKey(known.row.identity) };
  }
  const parent = attributed.parent;
  if (!parent || adoptsOrphans(parent)) {
    return null;
  }
  const marked = attributed.markedClient;
  const named = marked === undefined ? { id: 'unknown', name: programName(parent) } : { id: marked, name: clientName(marked) };
  return { ...named, pid: parent.pid, identity: identityKey(parent.identity) };
}

/**
 * What a person calls a program that no row of the client table names: the script that an interpreter runs, else the program's own file.
 * The kernel's short name says less: Node names its main thread "MainThread".
 */
export function programName(row: ProcessRow): string {
  const program = basename(row.argv[0] ?? row.name).replace(/^-/, '');
  const script = /^(node|bun|deno|python[\d.]*|ruby|perl)$/.test(program)
    ? row.argv.find((word, at) => at > 0 && !word.startsWith('-'))
    : undefined;
  return script === undefined ? program || row.name : `${program} ${basename(script)}`;
}

/** What a person calls a client. */
export function clientName(id: string): string {
  return clientTable.find((row) => row.id === id)?.name ?? id;
}

/** Why several copies under one process of this client are no duplicates; undefined when they are. */
export function copiesByDesign(id: string): string | undefined {
  const copies = clientTable.find((row) => row.id === id)?.copies;
  return copies === undefined || copies === 'one' ? undefined : copies;
}

/**
 * What cures a server that runs old code, by who owns it (DESIGN: "Who restarts what").
 * @param asked its guard, or the server itself, can be asked to restart it
 */
export function cureFor(
  client: ClientInstance | null,
  name: string,
  definition: RawDefinition | undefined,
  asked = false,
): FindingAction[] {
  const actions: FindingAction[] = [];
  if (asked) {
    actions.push({ kind: 'restart' });
  } else if (client === null) {
    actions.push({ kind: 'end' });
  } else if (windowClients.has(client.id)) {
    actions.push({ kind: 'restart' });
  } else {
    actions.push({ kind: 'manual', step: manualStep(client, name) });
  }
  if (definition) {
    actions.push({ kind: 'reveal', file: definition.file, line: definition.line });
  }
  return actions;
}

/** What cures a server that runs on its own behind a port: to end it is no cure where clients go on using it. */
export function ownWayCure(definition: RawDefinition | undefined): FindingAction[] {
  return [
    { kind: 'manual', step: 'Restart it the way it was started (its service, its terminal, its container).' },
    ...(definition ? [{ kind: 'reveal', file: definition.file, line: definition.line } as const] : []),
  ];
}

/** The exact step in a client that no program can take for the user. */
export function manualStep(client: ClientInstance, name: string): string {
  const step = clientTable.find((row) => row.id === client.id)?.restartStep;
  return step ? step.replaceAll('NAME', name) : `End and restart the program that started it: ${client.name} (PID ${client.pid}).`;
}

/** What a person calls a server: its entry's name, else its package, else its program. */
export function serverName(attributed: Attributed, packageName: string | undefined): string {
  const { argv, name } = attributed.server;
  const script = argv.find((word, index) => index > 0 && !word.startsWith('-'));
  return attributed.definitions[0]?.name ?? packageName ?? basename(script ?? argv[0] ?? name);
}

export function launchersOf(attributed: Attributed, redactor: Redactor): Launcher[] {
  return attributed.launchers.map((row) => ({
    pid: row.pid,
    kind: launcherKind(row) ?? row.name,
    command: commandText(row, redactor),
  }));
}

/** A command line for the eyes: redacted, one line, bounded. */
export function commandText(row: ProcessRow, redactor: Redactor): string {
  const text = row.argvExact ? redactor.args(row.argv).join(' ') : redactor.text(row.commandLine);
  return text.replace(/[\s\p{Cc}]+/gu, ' ').slice(0, 2_000);
}

/**
 * All processes of one server: itself first, its launchers, and whatever runs below it or was started by a launcher for it; with their memory in bytes. What a
 * shell's script has started beside the server is nobody's but the script's.
 */
export function serverTree({ server, launchers }: Attributed, tree: ProcessTree): { pids: number[]; memoryBytes: number } {
  const found = new Set<ProcessRow>([server, ...launchers]);
  const open = [server, ...launchers.filter((row) => !isShellScript(row))];
  for (let row = open.pop(); row; row = open.pop()) {
    found.add(row);
    open.push(...tree.childrenOf(row).filter((child) => !found.has(child)));
  }
  return { pids: [...found].map((row) => row.pid), memoryBytes: [...found].reduce((sum, row) => sum + row.rssBytes, 0) };
}
