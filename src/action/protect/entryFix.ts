import { reasonOf } from '../../base/errors.ts';
import { t } from '../../base/language/translate.ts';
import { EditRefused } from '../../config/formats/commandEdits.ts';
import { editsOf } from '../../config/formats/formats.ts';
import type { RawDefinition } from '../../model/definition.ts';
import type { EntryFix } from '../../model/entryHealth.ts';
import { ruleFor } from './allowLists.ts';
import { checkReplaceable, type EditableFile, readEditable } from './editableFile.ts';
import { entryPlaceOf } from './protectChange.ts';
import { type Machine, type ProtectFacts, protectFacts } from './protectFacts.ts';
import { protectRefusal, warningsFor } from './protectRules.ts';

/** A correction of one entry's command: it can be shown first, then made with `makeChange`. */
export type FixPreparation =
  | {
      readonly kind: 'change';
      readonly file: EditableFile;
      /** The file's text after the change. */
      readonly after: string;
      /** The words of the entry's command before and after the change. */
      readonly words: readonly string[];
      readonly warnings: readonly string[];
      /** The user's step by which the client restarts the server. */
      readonly restartStep: string;
    }
  | { readonly kind: 'refused'; readonly reason: string };

/** Prepares the correction of an entry without making it. Never throws: an error is a refusal. */
export async function prepareFix(definition: RawDefinition, fix: EntryFix, machine: Machine): Promise<FixPreparation> {
  const edits = await editsOf(definition.format);
  if (!edits) {
    return { kind: 'refused', reason: t('{0} is a file that MCP Shepherd only reads.', definition.file) };
  }
  try {
    const file = readEditable(definition.file);
    const place = entryPlaceOf(definition);
    const entry = edits.words(file.text, place);
    const facts = await protectFacts(definition, file.realPath, entry, machine);
    const reason = fixRefusal(facts, entry.words);
    if (reason !== undefined) {
      return { kind: 'refused', reason };
    }
    const after = fix.kind === 'program' ? edits.replace(file.text, place, fix.path) : edits.prepend(file.text, place, ['cmd', '/c']);
    checkReplaceable(file);
    const { words } = edits.words(after, place);
    const warnings = warningsFor(facts, 'unprotect', false);
    return { kind: 'change', file, after, words: [...entry.words, ...words], warnings, restartStep: facts.restartStep };
  } catch (error) {
    const reason = error instanceof EditRefused ? error.message : t('{0} cannot be changed: {1}', definition.file, reasonOf(error));
    return { kind: 'refused', reason };
  }
}

/** Why the command of an entry must not be corrected; pure. @param words the entry's command and arguments in the file */
function fixRefusal(facts: ProtectFacts, words: readonly string[]): string | undefined {
  const { definition, workTree, rules, own } = facts;
  const { name, file } = definition;
  const refusal = protectRefusal(facts, 'unprotect', false);
  if (refusal) {
    return [refusal.reason, ...refusal.advice].join(' ');
  }
  if (workTree !== undefined) {
    return t(
      '{0} is in the git work tree {1}, which does not ignore it: other users would get a command for this machine. Correct {2} by hand.',
      file,
      workTree,
      name,
    );
  }
  if (ruleFor(rules, 'allowed', own) ?? ruleFor(rules, 'denied', own)) {
    return t('A rule of the client names exactly the command of {0}. Correct the entry and the rule by hand.', name);
  }
  return words[0] === definition.command
    ? undefined
    : t('{0} has changed in {1} since it was read. Nothing was changed. Try again.', name, file);
}
