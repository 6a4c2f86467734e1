import { type CommandEdits, EditRefused, type EntryPlace } from '../../config/formats/commandEdits.ts';
import { formatNamed } from '../../config/formats/formats.ts';
import type { RawDefinition } from '../../model/definition.ts';
import type { StaleMode } from '../../model/staleMode.ts';
import { guardCommand } from '../../process/commandline/guardCommand.ts';
import { backedUpTexts, backUp } from './backups.ts';
import { checkReplaceable, type EditableFile, readEditable, replaceText } from './editableFile.ts';
import { type GuardChoices, guardPrefix, staleModeIn } from './guardArguments.ts';
import { launcherPath } from './launcher.ts';
import { type Machine, protectFacts } from './protectFacts.ts';
import { protectRefusal, type Refusal, warningsFor } from './protectRules.ts';

/** What is wanted of one entry. */
export type ProtectWish =
  | { readonly action: 'protect'; readonly portable: boolean; readonly choices: GuardChoices }
  | { readonly action: 'unprotect' };

/** A change of one entry that can be shown and then made. */
export interface ProtectChange {
  readonly kind: 'change';
  readonly action: ProtectWish['action'];
  readonly definition: RawDefinition;
  readonly file: EditableFile;
  /** The file's text as it would be; `file.text` is the one it has. */
  readonly after: string;
  readonly warnings: readonly string[];
  /** What the guard will do when the server is stale; undefined = there will be no guard. */
  readonly onStale?: StaleMode;
  /** The launcher has to be in place before the file names it. */
  readonly needsLauncher: boolean;
  /** What a person does so that the client starts the server anew. */
  readonly restartStep: string;
}

export type Preparation =
  | ProtectChange
  | (Refusal & { readonly kind: 'refused' })
  /** It is as it is wanted. */
  | { readonly kind: 'unchanged'; readonly reason: string; readonly needsLauncher: boolean };

/** Works out a change without making it. Never throws: what stands in its way is a refusal. @param runDir the run folder in use */
export async function prepareProtect(definition: RawDefinition, wish: ProtectWish, runDir: string, machine: Machine): Promise<Preparation> {
  const { name } = definition;
  const edits = formatNamed(definition.format ?? '')?.edits;
  if (definition.transport !== 'stdio' || definition.command === undefined) {
    return refused(`${name} is a remote server: its client starts no program that could be put behind the guard.`);
  }
  if (!edits) {
    return refused(`${definition.file} is a file that MCP Shepherd reads and never changes.`);
  }
  try {
    const file = readEditable(definition.file);
    const place = placeOf(definition);
    const entry = edits.words(file.text, place);
    const facts = await protectFacts(definition, file.realPath, entry, machine);
    const portable = wish.action === 'protect' && wish.portable;
    const refusal = protectRefusal(facts, wish.action, portable);
    if (refusal) {
      return { kind: 'refused', ...refusal };
    }
    const after =
      wish.action === 'protect' ? protectedText(file, edits, place, wish, runDir, machine) : unprotectedText(file, edits, place, runDir);
    if (after === undefined || after === file.text) {
      return { kind: 'unchanged', reason: unchangedReason(name, wish), needsLauncher: wish.action === 'protect' && !portable };
    }
    checkReplaceable(file);
    return {
      kind: 'change',
      action: wish.action,
      definition,
      file,
      after,
      warnings: warningsFor(facts, wish.action, portable),
      ...(wish.action === 'protect' ? { onStale: staleModeIn(edits.words(after, place).words) } : {}),
      needsLauncher: wish.action === 'protect' && !portable,
      restartStep: facts.restartStep,
    };
  } catch (error) {
    return refused(error instanceof EditRefused ? error.message : `${definition.file} cannot be changed: ${String(error)}`);
  }
}

/**
 * Makes a change: keeps a copy of the file, then replaces it.
 * @returns the copy's path
 * @throws EditRefused when the file has changed since the change was worked out; what the system throws when something cannot be written
 */
export function makeChange({ file, after }: ProtectChange, runDir: string, now: number): string {
  const copy = backUp(runDir, file.realPath, file.bytes, now);
  replaceText(file, after);
  return copy;
}

function protectedText(
  file: EditableFile,
  edits: CommandEdits,
  place: EntryPlace,
  { portable, choices }: Extract<ProtectWish, { action: 'protect' }>,
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

/** Whether the entry had a list of arguments, be it empty, before it was protected, as the copies of the file tell. */
function hadArgs(file: EditableFile, edits: CommandEdits, place: EntryPlace, runDir: string): boolean {
  for (const text of backedUpTexts(runDir, file.realPath)) {
    try {
      const { words, hasArgs } = edits.words(text, place);
      if (!guardCommand(words)) {
        return hasArgs;
      }
    } catch {
      // From before the entry was there.
    }
  }
  return false;
}

function placeOf(definition: RawDefinition): EntryPlace {
  const { name, scope, folder } = definition;
  return { name, ...(scope === 'local' && folder !== undefined ? { folder } : {}) };
}

function refused(reason: string): Preparation {
  return { kind: 'refused', reason, advice: [] };
}

function unchangedReason(name: string, wish: ProtectWish): string {
  return wish.action === 'protect'
    ? `${name} starts through the guard already, in the same way.`
    : `${name} does not start through the guard.`;
}
