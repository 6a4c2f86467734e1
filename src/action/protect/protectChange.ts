import { createHash } from 'node:crypto';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { reasonOf } from '../../base/errors.ts';
import { t } from '../../base/language/translate.ts';
import { type CommandEdits, EditRefused, type EntryPlace } from '../../config/formats/commandEdits.ts';
import { editsOf } from '../../config/formats/formats.ts';
import type { RawDefinition } from '../../model/definition.ts';
import type { StaleMode } from '../../model/staleMode.ts';
import { guardCommand } from '../../process/commandline/guardCommand.ts';
import { readOwn, writeWhole } from '../../storage/atomicFile.ts';
import { privateFolder, stateRefusal } from '../../storage/privateFolder.ts';
import { checkReplaceable, type EditableFile, readEditable, replaceText } from './editableFile.ts';
import { type GuardChoices, guardPrefix, staleModeIn } from './guardArguments.ts';
import { launcherPath } from './launcher.ts';
import { type Machine, protectFacts } from './protectFacts.ts';
import { protectRefusal, type Refusal, warningsFor } from './protectRules.ts';

/** Copies of one file. */
const maxCopies = 10;
/** Clients' files are smaller; larger ones are not read as configuration. */
const maxCopyBytes = 16 * 1_048_576;

/**
 * Keeps a copy of a file as it is before a change. The file may hold secrets, so only this user can read the copy. Only the ten newest copies stay.
 * @returns the copy's path
 * @throws when the copy cannot be written; the file must not be changed then
 */
export function backUp(runDir: string, realPath: string, bytes: Buffer, now: number): string {
  const folder = privateFolder(runDir, 'backups', folderName(realPath));
  const origin = join(folder, 'path.txt');
  if (!existsSync(origin)) {
    writeWhole(origin, `${realPath}\n`);
  }
  const time = new Date(now).toISOString().replaceAll(':', '-');
  let copy = join(folder, `${time}.bak`);
  for (let count = 2; existsSync(copy); count++) {
    copy = join(folder, `${time}-${count}.bak`);
  }
  writeFileSync(copy, bytes, { mode: 0o600, flag: 'wx' });
  for (const name of copiesIn(folder).slice(maxCopies)) {
    rmSync(join(folder, name), { force: true });
  }
  return copy;
}

/** The texts of a file's copies, newest first. Copies that cannot be read are left out. */
export function* backedUpTexts(runDir: string, realPath: string): Generator<string> {
  if (stateRefusal(runDir, 'backups', folderName(realPath)) !== undefined) {
    return;
  }
  const folder = join(runDir, 'shepherd', 'backups', folderName(realPath));
  for (const name of copiesIn(folder)) {
    const copy = readOwn(join(folder, name), maxCopyBytes);
    if ('text' in copy) {
      yield copy.text.replace(/^\ufeff/, '');
    }
  }
}

function copiesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.bak'))
      .sort()
      .reverse();
  } catch {
    return [];
  }
}

function folderName(realPath: string): string {
  return `${basename(realPath)}-${createHash('sha256').update(realPath).digest('hex').slice(0, 8)}`;
}

/** The request for one entry. */
export type ProtectRequest =
  | { readonly action: 'protect'; readonly portable: boolean; readonly choices: GuardChoices }
  | { readonly action: 'unprotect' };

/** A prepared change of one entry: it can be shown first, then made. */
export interface ProtectChange {
  readonly kind: 'change';
  readonly action: ProtectRequest['action'];
  readonly definition: RawDefinition;
  readonly file: EditableFile;
  /** The file's text after the change; `file.text` is the text before. */
  readonly after: string;
  /** The words of the entry's command before and after the change. */
  readonly words: readonly string[];
  readonly warnings: readonly string[];
  /** The guard's behaviour while the server is stale; undefined when the entry will have no guard. */
  readonly onStale?: StaleMode;
  /** The entry will name the launcher, which must be installed before. */
  readonly needsLauncher: boolean;
  /** The user's step by which the client restarts the server. */
  readonly restartStep: string;
}

export type Preparation =
  | ProtectChange
  | (Refusal & { readonly kind: 'refused' })
  /** The entry already is as requested. */
  | { readonly kind: 'unchanged'; readonly reason: string; readonly needsLauncher: boolean };

/**
 * Prepares a change without making it. Never throws: an error is a refusal.
 * @param runDir the run folder in use
 * @param prepared the entry's file with the changes of other entries that are prepared, but not made; without it the file is read
 */
export async function prepareProtect(
  definition: RawDefinition,
  request: ProtectRequest,
  runDir: string,
  machine: Machine,
  prepared?: EditableFile,
): Promise<Preparation> {
  const { name } = definition;
  const edits = await editsOf(definition.format);
  if (definition.transport !== 'stdio' || definition.command === undefined) {
    return refused(t('{0} is a remote server: its client starts no program that could run behind the guard.', name));
  }
  if (!edits) {
    return refused(t('{0} is a file that MCP Shepherd only reads.', definition.file));
  }
  try {
    const state = request.action === 'protect' ? stateRefusal(runDir, 'bin') : undefined;
    if (state !== undefined) {
      return refused(t('Another user could replace what the guard starts: {0}, or name another run folder with --run-dir.', state));
    }
    const file = prepared ?? readEditable(definition.file);
    const place = entryPlaceOf(definition);
    const entry = edits.words(file.text, place);
    const facts = await protectFacts(definition, file.realPath, entry, machine);
    const portable = request.action === 'protect' && request.portable;
    const refusal = protectRefusal(facts, request.action, portable);
    if (refusal) {
      return { kind: 'refused', ...refusal };
    }
    const after =
      request.action === 'protect'
        ? protectedText(file, edits, place, request, runDir, machine)
        : unprotectedText(file, edits, place, runDir);
    if (after === undefined || after === file.text) {
      return { kind: 'unchanged', reason: unchangedReason(name, request), needsLauncher: request.action === 'protect' && !portable };
    }
    checkReplaceable(file);
    const { words } = edits.words(after, place);
    return {
      kind: 'change',
      action: request.action,
      definition,
      file,
      after,
      words: [...entry.words, ...words],
      warnings: warningsFor(facts, request.action, portable),
      ...(request.action === 'protect' ? { onStale: staleModeIn(words) } : {}),
      needsLauncher: request.action === 'protect' && !portable,
      restartStep: facts.restartStep,
    };
  } catch (error) {
    return refused(error instanceof EditRefused ? error.message : t('{0} cannot be changed: {1}', definition.file, reasonOf(error)));
  }
}

/**
 * Makes a change: keeps a copy of the file, then replaces it.
 * @returns the copy's path
 * @throws EditRefused when the file has changed since the preparation; the system's error when something cannot be written
 */
export function makeChange({ file, after }: Pick<ProtectChange, 'file' | 'after'>, runDir: string, now: number): string {
  const copy = backUp(runDir, file.realPath, file.bytes, now);
  replaceText(file, after);
  return copy;
}

function protectedText(
  file: EditableFile,
  edits: CommandEdits,
  place: EntryPlace,
  { portable, choices }: Extract<ProtectRequest, { action: 'protect' }>,
  runDir: string,
  machine: Machine,
): string {
  const { words } = edits.words(file.text, place);
  const route = portable ? ({ kind: 'portable' } as const) : ({ kind: 'launcher', path: launcherPath(runDir, machine.platform) } as const);
  const prefix = guardPrefix(words, route, choices);
  const before = guardCommand(words);
  if (before && [...prefix, ...words.slice(before.count)].join('\0') === words.join('\0')) {
    return file.text;
  }
  return edits.prepend(before ? edits.strip(file.text, place, before.count, true) : file.text, place, prefix);
}

function unprotectedText(file: EditableFile, edits: CommandEdits, place: EntryPlace, runDir: string): string | undefined {
  const before = guardCommand(edits.words(file.text, place).words);
  return before && edits.strip(file.text, place, before.count, hadArgs(file, edits, place, runDir));
}

/** Whether the entry had a list of arguments, even an empty one, before it was protected; by the copies of the file. */
function hadArgs(file: EditableFile, edits: CommandEdits, place: EntryPlace, runDir: string): boolean {
  for (const text of backedUpTexts(runDir, file.realPath)) {
    try {
      const { words, hasArgs } = edits.words(text, place);
      if (!guardCommand(words)) {
        return hasArgs;
      }
    } catch {
      // This copy is older than the entry.
    }
  }
  return false;
}

/** Where an entry is in its file. */
export function entryPlaceOf(definition: RawDefinition): EntryPlace {
  const { name, scope, folder } = definition;
  return { name, ...(scope === 'local' && folder !== undefined ? { folder } : {}) };
}

function refused(reason: string): Preparation {
  return { kind: 'refused', reason, advice: [] };
}

function unchangedReason(name: string, request: ProtectRequest): string {
  return request.action === 'protect'
    ? t('{0} already starts through the guard in this way.', name)
    : t('{0} does not start through the guard.', name);
}
