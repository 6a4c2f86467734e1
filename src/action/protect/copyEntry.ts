import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf } from '../../base/errors.ts';
import { t, translated } from '../../base/language/translate.ts';
import { listText } from '../../base/singleLine.ts';
import type { ClientRow, FormatId } from '../../clients/clientDescription.ts';
import { clientById, clientName, clientTable } from '../../clients/clientTable.ts';
import { addEntry } from '../../config/formats/addEntry.ts';
import { EditRefused } from '../../config/formats/commandEdits.ts';
import { type EntryForm, entryForm, type LocalEntry } from '../../config/formats/entryForms.ts';
import { editsOf } from '../../config/formats/formats.ts';
import type { ClientId, Definition, RawDefinition } from '../../model/definition.ts';
import { guardCommand } from '../../process/commandline/guardCommand.ts';
import { redacted } from '../../redaction/secretShapes.ts';
import { checkReplaceable, type EditableFile, readEditable } from './editableFile.ts';
import { entryPlaceOf } from './protectChange.ts';
import { type Machine, sharedThrough } from './protectFacts.ts';
import type { Refusal } from './protectRules.ts';

/** A prepared copy of an entry into another client's file: it can be shown first, then made (`makeChange`). */
export interface CopyChange {
  readonly kind: 'change';
  readonly file: EditableFile;
  readonly after: string;
  /** The words of the copied command. */
  readonly words: readonly string[];
  /** Names of the variables whose values are copied. */
  readonly variables: readonly string[];
  /** `after` without the values of the variables: what views show. */
  readonly shown: string;
  readonly warnings: readonly string[];
  /** The user's step by which the client starts the server. */
  readonly restartStep: string;
}

export type CopyPreparation = CopyChange | (Refusal & { readonly kind: 'refused' });

/** Fields that every form has in its own way, or that a copy needs no more. */
const known = /^(?:command|cmd|args|env|envs|environment|type|transport|enabled|disabled|name|description|source|tools)$/;
const mostNames = 20;

/**
 * Prepares the copy of an entry into the user's file of another client. Nothing is replaced or removed. Never throws: an error is a refusal.
 * @param definitions all entries that are known, in which one of the same name may be
 */
export async function prepareCopy(
  source: RawDefinition,
  target: ClientId,
  definitions: readonly Pick<Definition, 'client' | 'name' | 'file' | 'line' | 'folder'>[],
  machine: Machine,
): Promise<CopyPreparation> {
  const row = clientById(target);
  const to = clientName(target);
  const { name } = source;
  if (!row || target === source.client) {
    return refused(row ? t('{0} is an entry of {1} itself.', name, to) : t('There is no client “{0}”.', target));
  }
  if (source.transport !== 'stdio' || source.command === undefined) {
    return refused(
      t('{0} is a remote server: only entries that start a program are copied, because clients write addresses in different ways.', name),
    );
  }
  const taken = definitions.find((one) => one.client === target && one.name === name && one.folder === undefined);
  if (taken) {
    return refused(t('{0} already has a server “{1}” ({2}:{3}); nothing is replaced.', to, name, taken.file, taken.line));
  }
  const pids = row.rewritesFiles ? machine.running.get(target) : undefined;
  if (pids !== undefined) {
    return refused(
      t('{0} is running (PID {1}) and overwrites its file from its memory: the change would be lost.', to, pids.join(', ')),
      t('Quit {0} and try again.', to),
    );
  }
  const place = targetOf(row, machine);
  if ('missing' in place) {
    return refused(
      place.missing === undefined
        ? t('{0} has no file that an entry can be added to.', to)
        : t('{0} has no file {1} yet.', to, place.missing),
      ...(place.missing === undefined ? [] : [t('Add a first server in {0}, and try again.', to)]),
    );
  }
  try {
    return await prepared(source, row, place, machine);
  } catch (error) {
    return refused(error instanceof EditRefused ? error.message : t('{0} cannot be changed: {1}', place.path, reasonOf(error)));
  }
}

interface Target {
  readonly path: string;
  readonly format: FormatId;
  readonly form: EntryForm;
}

/** The other clients that have a file to which an entry can be added. */
export function copyTargets(
  source: ClientId,
  machine: Machine,
): readonly { readonly id: ClientId; readonly name: string; readonly path: string }[] {
  return clientTable.flatMap((row) => {
    const place = row.id === source ? undefined : targetOf(row, machine);
    return place && 'path' in place ? [{ id: row.id, name: row.name, path: place.path }] : [];
  });
}

/** The first file of the user that exists, or the path of the first one that could. */
function targetOf(row: ClientRow, machine: Machine): Target | { readonly missing: string | undefined } {
  const { files, userDirs } = row;
  const all = files
    .filter(({ scope, of }) => scope === 'user' && of === undefined)
    .flatMap(({ at, format }): Target[] => {
      const form = entryForm(row, format);
      const paths =
        at.kind === 'fixed'
          ? at.paths(machine)
          : at.kind === 'user-dir'
            ? (userDirs?.(machine) ?? []).flatMap((dir) => at.paths.map((path) => join(dir, path)))
            : [];
      return form ? paths.filter((path) => !path.includes('*')).map((path) => ({ path, format, form })) : [];
    });
  return all.find(({ path }) => existsSync(path)) ?? { missing: all[0]?.path };
}

async function prepared(source: RawDefinition, row: ClientRow, { path, format, form }: Target, machine: Machine): Promise<CopyPreparation> {
  const { name, cwd } = source;
  const written = [source.command ?? '', ...source.args];
  const words = written.slice(guardCommand(written)?.count ?? 0);
  const env = Object.fromEntries(Object.entries(source.env).flatMap(([key, value]) => (value === null ? [] : [[key, value]])));
  const entry: LocalEntry = { name, words, env, ...(cwd === undefined ? {} : { cwd }) };
  if ([...words, ...Object.values(env), cwd ?? ''].some((text) => text.includes('${input:'))) {
    return refused(
      t('{0} asks for inputs of VS Code (“${input:…}”), which are not part of the entry.', name),
      t('Write the entry by hand, with values of its own.'),
    );
  }
  const file = readEditable(path);
  const workTree = await sharedThrough(file.realPath, machine.env);
  if (workTree !== undefined) {
    return refused(
      t(
        '{0} is in the git work tree {1}, which does not ignore it: other users would get the entry and the values of its variables.',
        path,
        workTree,
      ),
    );
  }
  const after = await addEntry(format, form, file.text, entry);
  const variables = Object.keys(env);
  const hidden = Object.fromEntries(variables.map((key) => [key, redacted]));
  const shown = await addEntry(format, form, file.text, { ...entry, env: hidden });
  checkReplaceable(file);
  const inVariables = variables.filter((key) => hasVariable(env[key] ?? ''));
  const uses = [...(words.some(hasVariable) ? [t('its command')] : []), ...inVariables];
  const left = await notCopied(source, form);
  const warnings = [
    ...(variables.length === 0 ? [] : [t('The values of {0} are copied, and are not shown here.', listText(variables, mostNames))]),
    ...(variables.length > 0 && (statSync(file.realPath).mode & 0o044) !== 0 && machine.platform !== 'win32'
      ? [t('Other users of this machine may read {0}.', path)]
      : []),
    ...(uses.length === 0
      ? []
      : [t('Variables in {0} are copied as written; {1} may write them in another way.', listText(uses, mostNames), row.name)]),
    ...(left.length === 0 ? [] : [t('Not copied: {0}.', listText(left, mostNames))]),
    ...(words.length < written.length ? [t('The copy starts without the guard.')] : []),
    ...(source.enabled ? [] : [t('{0} is switched off in {1}; the copy is not.', name, clientName(source.client))]),
  ];
  return {
    kind: 'change',
    file,
    after,
    words,
    variables,
    shown,
    warnings,
    restartStep: row.restartsOnChange
      ? t('{0} starts {1} by itself.', row.name, name)
      : translated(row.restartStep).replaceAll('NAME', name),
  };
}

/** The names of the fields that the other client has no place for. */
async function notCopied(source: RawDefinition, { cwd }: EntryForm): Promise<readonly string[]> {
  const edits = await editsOf(source.format);
  const { entry } = edits?.words(readEditable(source.file).text, entryPlaceOf(source)) ?? { entry: {} };
  return Object.keys(entry).filter((key) => !known.test(key) && !(cwd && key === 'cwd'));
}

function hasVariable(text: string): boolean {
  return /\$\{|\$[A-Za-z_]|\{env:|%\w+%/.test(text);
}

function refused(reason: string, ...advice: readonly string[]): CopyPreparation {
  return { kind: 'refused', reason, advice };
}
