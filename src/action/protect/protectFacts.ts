import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { msg, t, translated } from '../../base/language/translate.ts';
import { programOnPath, runProgram } from '../../base/runProgram.ts';
import { singleLine } from '../../base/singleLine.ts';
import { clientById, clientName, clientTable } from '../../clients/clientTable.ts';
import { readConfigFile } from '../../config/discovery/readConfigFile.ts';
import type { EntryWords } from '../../config/formats/commandEdits.ts';
import { parseJsonc, plainValue } from '../../config/formats/jsonc.ts';
import type { ClientId, RawDefinition } from '../../model/definition.ts';
import { guardCommand } from '../../process/commandline/guardCommand.ts';
import { type CommandRule, commandRules } from './allowLists.ts';

/**
 * Whether other users get a file too: it is in a git work tree that does not ignore it. Asks git, and keeps it from running what the repository's
 * configuration names. Where git cannot tell, a work tree counts as shared.
 * @param realPath with all links resolved
 * @returns the work tree's folder; undefined when the file is this user's only
 */
export async function sharedThrough(realPath: string, env: Readonly<Record<string, string | undefined>>): Promise<string | undefined> {
  const root = workTreeOf(realPath);
  if (root === undefined) {
    return undefined;
  }
  return (await isIgnored(realPath, env)) ? undefined : root;
}

function workTreeOf(path: string): string | undefined {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    // A file, not a folder, in linked work trees and submodules.
    if (existsSync(join(folder, '.git'))) {
      return folder;
    }
    if (folder === dirname(folder)) {
      return undefined;
    }
  }
}

/** A repository on a network drive may hang. */
const gitLimitMs = 5_000;

function isIgnored(path: string, env: Readonly<Record<string, string | undefined>>): Promise<boolean> {
  // GIT_DIR and similar variables would make git answer for another repository.
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !/^GIT_/i.test(name)));
  const args = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', 'check-ignore', '--quiet', '--', path];
  const git = programOnPath('git', env, process.platform);
  if (git === undefined) {
    return Promise.resolve(false);
  }
  return runProgram(git, args, { limitMs: gitLimitMs, cwd: dirname(path), env: { ...own, GIT_OPTIONAL_LOCKS: '0' } }).then(
    () => true,
    // 1: not ignored. Anything else: no git, no trust in the folder's owner, a broken repository.
    () => false,
  );
}

/** The facts about the machine that the change of an entry needs. */
export interface Machine {
  readonly home: string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Running clients, with the PIDs of their processes. */
  readonly running: ReadonlyMap<ClientId, readonly number[]>;
  /** Answers of `sharedThrough`, by file, while many entries are prepared together. */
  readonly workTrees?: Map<string, Promise<string | undefined>>;
  /** Files with rules about commands; replaced in tests only. */
  readonly policyFiles?: readonly string[];
}

/** Everything that decides whether an entry may be changed, apart from the request. */
export interface ProtectFacts {
  readonly definition: RawDefinition;
  readonly clientName: string;
  /** Names of the other clients that read the file. */
  readonly otherReaders: readonly string[];
  /** The user's step by which this client restarts the server. */
  readonly restartStep: string;
  /** PIDs of the client's processes, when it overwrites its files while it runs. */
  readonly rewrittenBy?: readonly number[];
  /** The git work tree by which other users get the file. */
  readonly workTree?: string;
  readonly rules: readonly CommandRule[];
  /** The entry's command and arguments without the guard. */
  readonly own: readonly string[];
  readonly entry: EntryWords['entry'];
}

/** Reads everything that decides. Never throws. */
export async function protectFacts(
  definition: RawDefinition,
  realPath: string,
  entry: EntryWords,
  machine: Machine,
): Promise<ProtectFacts> {
  const row = clientById(definition.client);
  const before = guardCommand(entry.words);
  const asked = machine.workTrees?.get(realPath) ?? sharedThrough(realPath, machine.env);
  machine.workTrees?.set(realPath, asked);
  const workTree = await asked;
  const pids = row?.rewritesFiles ? machine.running.get(definition.client) : undefined;
  return {
    definition,
    clientName: clientName(definition.client),
    otherReaders: definition.readBy.filter((id) => id !== definition.client && !areOneProduct(id, definition.client)).map(clientName),
    restartStep: row?.restartsOnChange
      ? t('{0} restarts {1} by itself when this file changes.', row.name, definition.name)
      : translated(row?.restartStep ?? msg('End the program that started NAME and start it again.')).replaceAll('NAME', () =>
          singleLine(definition.name, 200),
        ),
    ...(pids === undefined ? {} : { rewrittenBy: pids }),
    ...(workTree === undefined ? {} : { workTree }),
    rules: allRules(definition, machine),
    own: before ? entry.words.slice(before.count) : entry.words,
    entry: entry.entry,
  };
}

/** Parts and builds of one product share their files by design. */
function areOneProduct(one: ClientId, other: ClientId): boolean {
  const product = clientById(one)?.product;
  return product !== undefined && product === clientById(other)?.product;
}

function allRules(definition: RawDefinition, machine: Machine): CommandRule[] {
  const files = machine.policyFiles ?? [
    ...clientTable.flatMap(({ commandRules: filesOf }) => filesOf?.(machine) ?? []),
    // VS Code's settings lie beside its `mcp.json`.
    ...(definition.vscodeCollection === 'user' ? [join(dirname(definition.file), 'settings.json')] : []),
  ];
  return files.flatMap((file) => {
    const read = readConfigFile(file);
    try {
      return read.status === 'text' ? commandRules(plainValue(parseJsonc(read.text).root), file) : [];
    } catch {
      return [];
    }
  });
}
