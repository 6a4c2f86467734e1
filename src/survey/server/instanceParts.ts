import { basename } from 'node:path';
import { singleLine } from '../../base/singleLine.ts';
import { clientById, clientName, copyRule, isVscodeEditor, manualStep } from '../../clients/clientTable.ts';
import { restartOwner } from '../../clients/restartOwner.ts';
import { maxNameLength } from '../../config/formats/serverFile.ts';
import type { LivingCopy } from '../../diagnosis/copies.ts';
import type { ClientId, RawDefinition } from '../../model/definition.ts';
import type { FindingAction } from '../../model/finding.ts';
import { identityKey, type ProcessRow } from '../../model/process.ts';
import type { ClientInstance, Instance, Launcher } from '../../model/snapshot.ts';
import { commandName, isOtherInterpreter } from '../../process/commandline/commandName.ts';
import { memoByCommandLine } from '../../process/commandline/memoByCommandLine.ts';
import { observedLaunch } from '../../process/commandline/parseLaunch.ts';
import { isShellScript, launcherKind } from '../../process/tree/launcherChain.ts';
import type { ProcessTree } from '../../process/tree/processTree.ts';
import { adoptsOrphans } from '../../process/tree/processTree.ts';
import { createRedactor, type Redactor, secretsOf } from '../../redaction/redactor.ts';
import type { Attributed } from '../match/attributeServers.ts';

/** The client of a server: the recognised one, else the running program that started it; null when neither exists. */
export function clientOf(attributed: Attributed): ClientInstance | null {
  const found = runningClient(attributed);
  // An extension starts its servers inside the editor's process: its entry shows whose server this is.
  const owners = found === null ? [] : attributed.definitions.map((definition) => clientById(definition.client));
  const extension = found !== null && isVscodeEditor(found.id) && owners.every((row) => row?.inEditors) ? owners[0] : undefined;
  return found && extension ? { ...found, id: extension.id, name: extension.name } : found;
}

/** The clients of a server that several share; one with two sessions stands there twice. */
export function sharedFields({ sharers = [] }: Attributed): Pick<Instance, 'usedBy'> {
  const usedBy = sharers.map(({ id, row }) => ({ id, name: clientName(id), pid: row.pid, identity: identityKey(row.identity) }));
  return usedBy.length < 2 ? {} : { usedBy };
}

function runningClient(attributed: Attributed): ClientInstance | null {
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
 * A name for a program that is not in the client table: the script that an interpreter runs, else the program's file. The kernel's short name is less useful:
 * Node calls its main thread "MainThread".
 */
export function programName(row: ProcessRow): string {
  const program = basename(row.argv[0] ?? row.name).replace(/^-/, '');
  const at = /^(node|bun|deno|python[\d.]*|ruby|perl)$/.test(program)
    ? row.argv.findIndex((word, index) => index > 0 && !word.startsWith('-'))
    : -1;
  // After these options stands code, which is no name.
  const script = /^(?:-[cep]|-pe|--eval|--print)$/.test(row.argv[at - 1] ?? '') ? undefined : row.argv[at];
  return shortName(script === undefined ? program || row.name : `${program} ${basename(script)}`, row);
}

/** A process gives itself any title, and each text about it repeats its name. One that is too long is not cut, because a part of a secret is not recognised. */
function shortName(name: string, row: ProcessRow): string {
  return name.length > maxNameLength ? row.name : name;
}

/**
 * The way to restart a server that runs old code, by its owner.
 * @param owner `asked`: its guard, or the server itself, takes requests to restart it; `listens`: others reach it by a port, so that ending it helps none of its users
 */
export function restartActions(
  owner: { readonly client: ClientInstance | null; readonly asked: boolean; readonly listens: boolean },
  name: string,
  definition: RawDefinition | undefined,
): FindingAction[] {
  const { kind } = restartOwner(owner.client, owner.asked || undefined);
  const byUser = kind === 'user' || (kind === 'none' && owner.listens);
  return [
    byUser ? { kind: 'manual', step: manualStep(owner.client, name) } : { kind: kind === 'none' ? 'end' : 'restart' },
    ...(definition ? [{ kind: 'reveal', file: definition.file, line: definition.line } as const] : []),
  ];
}

/** A server's name for display: its entry's name, else its package, else its program: the script, module or image that its command line starts. */
export function serverName(attributed: Attributed, packageName: string | undefined): string {
  const { server, definitions } = attributed;
  const program = observedLaunch(server).target ?? server.argv[0] ?? server.name;
  const script = isOtherInterpreter(commandName(program))
    ? server.argv.find((word, index) => index > 0 && !word.startsWith('-'))
    : undefined;
  return definitions[0]?.name ?? shortName(packageName ?? basename(script ?? program), server);
}

/** The launchers of a server for the snapshot, with redacted command lines. */
export function launchersOf(attributed: Attributed, redactor: Redactor): Launcher[] {
  return attributed.launchers.map((row) => ({
    pid: row.pid,
    kind: launcherKind(row) ?? row.name,
    command: commandText(row, redactor),
  }));
}

/** By the redactor's rules for arguments, which are the same in each scan while the entries are. */
const shownCommands = new WeakMap<Redactor['args'], (row: ProcessRow) => string>();

/** A command line for display: redacted, one line, at most 2,000 characters. */
export function commandText(row: ProcessRow, redactor: Redactor): string {
  const { args } = redactor;
  if (!row.argvExact) {
    return singleLine(redactor.text(row.commandLine), 2_000);
  }
  const shown = shownCommands.get(args) ?? memoByCommandLine(({ argv }) => singleLine(args(argv).join(' '), 2_000));
  shownCommands.set(args, shown);
  return shown(row);
}

/**
 * All processes of one server: itself first, its launchers, and all processes below it or started by a launcher for it; with the memory of each in bytes. Other
 * processes that a shell script started are not part of the server.
 */
export function serverTree({ server, launchers }: Attributed, tree: ProcessTree): { pids: number[]; memory: number[] } {
  const found = new Set<ProcessRow>([server, ...launchers]);
  const open = [server, ...launchers.filter((row) => !isShellScript(row))];
  for (let row = open.pop(); row; row = open.pop()) {
    found.add(row);
    open.push(...tree.childrenOf(row).filter((child) => !found.has(child)));
  }
  return { pids: [...found].map((row) => row.pid), memory: [...found].map((row) => row.rssBytes) };
}

/**
 * The secrets of a command line, in every form in which a name may hold them: whole, without the scheme of a header, and the ends of a secret with a slash or a
 * backslash in it, because names of programs and scripts are cut at the last one.
 */
const hiddenWords = memoByCommandLine(({ argv: [command = '', ...args] }) =>
  secretsOf({ command, args, env: {}, headers: [] }).flatMap((secret) => [
    secret,
    secret.replace(/^(?:Bearer|Basic|Token)\s+/i, ''),
    secret.slice(secret.lastIndexOf('/') + 1),
    secret.slice(secret.search(/[^\\/]*$/)),
  ]),
);

/**
 * A redactor that also knows what the command lines of these processes hide. Whether a word is a secret often shows only in its place (`--token S`), and a sentence
 * about the word does not have it.
 */
export function withHiddenWords(redactor: Redactor, rows: readonly ProcessRow[]): Redactor {
  const hidden = rows.flatMap(hiddenWords);
  if (hidden.length === 0) {
    return redactor;
  }
  const own = createRedactor(hidden);
  return { ...redactor, text: (value) => redactor.text(own.text(value)) };
}

/** The instance with every text redacted that may repeat a word of a command line, a path or a name. */
export function redactInstance(instance: Instance, { text }: Redactor): Instance {
  const { name, client, cwd, unknown, findings, evidence } = instance;
  const source = evidence?.source;
  return {
    ...instance,
    name: text(name),
    client: client && { ...client, name: text(client.name) },
    cwd: cwd === null ? null : text(cwd),
    ...(unknown === undefined ? {} : { unknown: text(unknown) }),
    findings: findings.map((finding) => ({
      ...finding,
      message: text(finding.message),
      evidence: finding.evidence.map(text),
      actions: finding.actions.map((action) => (action.kind === 'manual' ? { ...action, step: text(action.step) } : action)),
    })),
    ...(evidence
      ? {
          evidence: {
            ...evidence,
            program: evidence.program === null ? null : text(evidence.program),
            match: { ...evidence.match, why: evidence.match.why.map(text) },
            source: source
              ? { ...source, entry: text(source.entry), metadata: source.metadata === null ? null : text(source.metadata) }
              : null,
            compared: evidence.compared.map((one) => ({ ...one, what: text(one.what) })),
          },
        }
      : {}),
  };
}

/** Copies of one entry under one client process have one set, by the rule of the client; none where the rule cannot be checked. */
export function placeAmongCopies(
  client: ClientId,
  entry: string,
  cwd: string | undefined,
  redactor: Redactor,
): Pick<LivingCopy, 'copySet' | 'directory'> {
  const rule = copyRule(client);
  if (rule === 'window' || (rule === 'project' && cwd === undefined)) {
    return {};
  }
  const copySet = JSON.stringify(rule === 'project' ? [entry, cwd] : [entry]);
  return rule === 'directory' && cwd !== undefined ? { copySet, directory: redactor.text(cwd) } : { copySet };
}
