import { t } from '../../base/language/translate.ts';
import type { RawDefinition } from '../../model/definition.ts';
import type { EditableFile } from './editableFile.ts';
import { type ProtectChange, type ProtectRequest, prepareProtect } from './protectChange.ts';
import type { Machine } from './protectFacts.ts';
import type { Refusal } from './protectRules.ts';

/** Each change is checked by parsing the whole file: of a large one only so many entries are changed at once. */
const maxChanges = 100;

/** The prepared changes of one file, which are made at once. */
export interface FileChange {
  /** As it was read. */
  readonly file: EditableFile;
  /** Its text after all changes. */
  readonly after: string;
  /** One for each entry. */
  readonly changes: readonly ProtectChange[];
}

/** The changes of several entries, by file, and why the others are not changed. */
export interface AllPreparation {
  readonly files: readonly FileChange[];
  readonly refused: readonly { readonly definition: RawDefinition; readonly refusal: Refusal }[];
}

/** Prepares the changes of several entries without making them. An entry or a file that must not be changed does not stop the others. Never throws. */
export async function prepareAll(
  definitions: readonly RawDefinition[],
  request: ProtectRequest,
  runDir: string,
  machine: Machine,
): Promise<AllPreparation> {
  const files = new Map<string, FileChange>();
  const refused: AllPreparation['refused'][number][] = [];
  // Git is a program to start: asked once for each file, not for each entry.
  const together: Machine = { ...machine, workTrees: new Map() };
  for (const definition of definitions) {
    const before = files.get(definition.file);
    if ((before?.changes.length ?? 0) >= maxChanges) {
      const reason = t('At most {0} entries of one file are changed at once: {1} has more.', maxChanges, definition.file);
      refused.push({ definition, refusal: { reason, advice: [t('Do this again for the others.')] } });
      continue;
    }
    const preparation = await prepareProtect(definition, request, runDir, together, before && { ...before.file, text: before.after });
    if (preparation.kind === 'change') {
      const file = before?.file ?? preparation.file;
      files.set(definition.file, { file, after: preparation.after, changes: [...(before?.changes ?? []), preparation] });
    } else if (preparation.kind === 'refused') {
      refused.push({ definition, refusal: preparation });
    }
  }
  return { files: [...files.values()], refused };
}
