import { t, translated } from '../base/language/translate.ts';
import { singleLine } from '../base/singleLine.ts';
import type { ClientId, DefinitionScope } from '../model/definition.ts';
import { asItWasStarted } from '../model/finding.ts';
import { claudeClients } from './claudeClients.ts';
import type { ClientRow } from './clientDescription.ts';
import { cursorClients, editorClients } from './editorClients.ts';
import { extensionClients } from './extensionClients.ts';
import { geminiClients } from './geminiClients.ts';
import { opencodeClients } from './opencodeClients.ts';
import { otherClients } from './otherClients.ts';
import { codexClients, terminalClients } from './terminalClients.ts';
import { defaultEditor, vscodeClients } from './vscodeClients.ts';

const otherClientRows: readonly ClientRow[] = [
  ...claudeClients,
  ...cursorClients,
  ...codexClients,
  ...geminiClients,
  ...opencodeClients,
  ...terminalClients,
  ...editorClients,
  ...extensionClients,
  ...otherClients,
];

/**
 * The clients that MCP Shepherd knows: a new one is a row in `otherClients.ts`, or in the file of a client that it is a relative of, and a fixture in `test/fixtures/config`.
 * Files are read and processes recognised in this order.
 */
export const clientTable: readonly ClientRow[] = [...vscodeClients, ...otherClientRows];

/** The order for environment marks and editors' paths: forks of VS Code, and what runs in its terminals, also carry VS Code's own. */
export const clientsVscodeLast: readonly ClientRow[] = [...otherClientRows, ...vscodeClients];

const rows: ReadonlyMap<ClientId, ClientRow> = new Map(clientTable.map((row) => [row.id, row]));

/** @returns undefined for `unknown` and for ids that another version wrote */
export function clientById(id: ClientId): ClientRow | undefined {
  return rows.get(id);
}

/** The name of a client for users; the id itself where the table has no such client. */
export function clientName(id: ClientId): string {
  return clientById(id)?.name ?? id;
}

const usualPrecedence: readonly DefinitionScope[] = ['managed', 'local', 'project', 'workspace', 'profile', 'user'];

/** The place of a scope where entries of one client have one name: the smallest wins. Undefined for clients that keep all of them apart. */
export function scopeRank(client: ClientId, scope: DefinitionScope): number | undefined {
  const precedence = clientById(client)?.precedence ?? usualPrecedence;
  return precedence === 'apart' ? undefined : precedence.indexOf(scope);
}

/** What the client does when one of its servers has ended, as a sentence; undefined where that is not known. */
export function afterStop(id: ClientId): string | undefined {
  const { name = id, afterStop: known } = clientById(id) ?? {};
  switch (known) {
    case undefined:
      return undefined;
    case 'stays-down':
      return t('{0} does not start it again by itself.', name);
    case 'at-once':
      return t('{0} starts it again at once.', name);
    case 'call':
      return t('{0} starts it again at the next call.', name);
    default:
      return translated(known.seen);
  }
}

/** Why several copies under one process of this client are no duplicates; undefined when they are. */
export function copiesByDesign(id: ClientId): string | undefined {
  const copies = clientById(id)?.copies;
  return copies === undefined || copies === 'one' ? undefined : translated(copies);
}

/** The unit for which this client starts a copy of a server under one of its processes. `process`: the client starts one copy, or this is not known. */
export function copyRule(id: ClientId): NonNullable<ClientRow['copiesFor']> | 'process' {
  return clientById(id)?.copiesFor ?? 'process';
}

/**
 * The exact step by which the user restarts one server.
 * @param client null for a server without a client @param server the server's name
 */
export function manualStep(client: { readonly id: ClientId; readonly name: string; readonly pid: number } | null, server: string): string {
  if (client === null) {
    return t('Restart it {0}.', translated(asItWasStarted));
  }
  const step = clientById(client.id)?.restartStep;
  return step
    ? translated(step).replaceAll('NAME', () => singleLine(server, 200))
    : t('End and restart the program that started it: {0} (PID {1}).', client.name, client.pid);
}

/** Editors that are recognised by the path of their program, in the order in which they are tried. */
export const editorPaths: readonly { readonly id: ClientId; readonly path: RegExp }[] = clientsVscodeLast.flatMap(({ id, editor }) =>
  editor?.path ? [{ id, path: editor.path }] : [],
);

/** Whether a client is VS Code in one of its builds (not a fork like Cursor): they read the same project files and restart servers by the same commands. */
export function isVscode(id: ClientId): boolean {
  const row = clientById(id);
  return row?.editor !== undefined && row.product === 'vscode';
}

/** Whether a client is VS Code or an editor made from it; of the known clients, only these run as a VS Code utility process. */
export function isVscodeEditor(id: ClientId): boolean {
  return clientById(id)?.editor !== undefined;
}

/** The editor whose program, data or server lies at this path; the default editor when the path names no other. */
export function familyAt(path: string): ClientId {
  const text = path.replaceAll('\\', '/').toLowerCase();
  return editorPaths.find((editor) => editor.path.test(text))?.id ?? defaultEditor;
}
