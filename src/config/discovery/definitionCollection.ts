import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { errorName } from '../../base/errors.ts';
import { t } from '../../base/language/translate.ts';
import { clientTable } from '../../clients/clientTable.ts';
import type { ClientId, RawDefinition } from '../../model/definition.ts';
import type { Problem } from '../../model/problem.ts';
import { createRedactor, secretsOf } from '../../redaction/redactor.ts';
import { envFilePath, fileVariables, readEntry } from '../formats/serverEntry.ts';
import { maxArguments, type ServerEntry, type ServerFile, type SwitchedOff } from '../formats/serverFile.ts';
import type { FileSearch } from './fileSearch.ts';

type Found = { -readonly [Key in keyof RawDefinition]: RawDefinition[Key] };

type SwitchedOffFor = Omit<SwitchedOff, 'names'> & { readonly client: ClientId };

interface FilePlace {
  readonly path: string;
  /** With all links resolved. */
  readonly realPath: string;
  /** The folder of a project file, with all links resolved. */
  readonly realFolder: string | undefined;
}

/** Collects the entries of all files: one definition for each entry, also where several clients read its file, or read it by several paths. */
export class DefinitionCollection {
  readonly #found = new Map<string, Found>();
  /** The entries of each file, as it was parsed: a dozen clients may read one. */
  readonly #added = new Map<ServerFile, readonly Found[]>();
  /** Remembers the texts that many entries share (`-y`). */
  readonly #shapes = createRedactor([]);
  readonly #problems = new Map<string, Problem>();
  /** By the name of the server. */
  readonly #switchedOff = new Map<string, SwitchedOffFor[]>();
  /** By the key of the entry, as written. */
  readonly #envFiles = new Map<string, string>();
  /** The folders of project files with all links resolved, by definition id. */
  readonly #realFolders = new Map<string, string>();

  /** @param trust whether the client trusts a folder; a project file that needs trust counts when the nearest folder in this map is trusted */
  add(search: FileSearch, path: string, realPath: string, file: ServerFile, trust: ReadonlyMap<string, boolean>): void {
    const { at } = search.files;
    const realFolder = search.folder === undefined ? undefined : realFolderOf(search.folder, path, realPath);
    if (at.kind === 'folder' && at.trustedOnly && !isTrusted([search.folder ?? path, realFolder ?? path], trust)) {
      return;
    }
    for (const { message, line, column } of file.problems) {
      this.#report(realPath, {
        source: 'config',
        client: search.owner,
        message,
        file: path,
        line,
        ...(column === undefined ? {} : { column }),
      });
    }
    for (const { names, dotMcpOnly, folder = search.folder } of file.switchedOff) {
      const item = { dotMcpOnly, client: search.owner, ...(folder === undefined ? {} : { folder: resolve(folder) }) };
      for (const name of names) {
        const known = this.#switchedOff.get(name);
        if (known) {
          known.push(item);
        } else {
          this.#switchedOff.set(name, [item]);
        }
      }
    }
    const added = this.#added.get(file);
    if (added) {
      for (const found of added) {
        alsoReadBy(found, search);
      }
      return;
    }
    this.#added.set(
      file,
      file.entries.flatMap((entry) => {
        try {
          return this.#addEntry(search, { path, realPath, realFolder }, entry, file) ?? [];
        } catch (error) {
          const message = t('The server “{0}” cannot be read ({1}); this entry is ignored.', entry.name, errorName(error));
          this.#report(realPath, { source: 'config', client: search.owner, message, file: path, line: entry.line });
          return [];
        }
      }),
    );
  }

  /** The files with variables that entries name, by path, each with the keys of its entries. @param home for `~` and `${userHome}` */
  envFiles(home: string): ReadonlyMap<string, readonly string[]> {
    const files = new Map<string, string[]>();
    for (const [key, written] of this.#envFiles) {
      const path = envFilePath(written, home, this.#found.get(key)?.folder);
      if (path !== undefined) {
        files.set(path, [...(files.get(path) ?? []), key]);
      }
    }
    return files;
  }

  /** Adds what such a file holds to what must not be shown of an entry. @param text the file's */
  addVariables(keys: readonly string[], text: string): void {
    const secrets = secretsOf({ args: [], env: fileVariables(text), headers: [] }, this.#shapes);
    for (const found of keys.flatMap((key) => this.#found.get(key) ?? [])) {
      found.secrets = [...found.secrets, ...secrets];
    }
  }

  definitions(): RawDefinition[] {
    const order = clientTable.map((row) => row.id);
    return [...this.#found.values()].map((found) => ({
      ...found,
      readBy: [
        found.client,
        ...(found.readBy.some((id) => id !== found.client) ? order.filter((id) => id !== found.client && found.readBy.includes(id)) : []),
      ],
      enabled: found.enabled && !this.#switchedOff.get(found.name)?.some((item) => this.#concerns(item, found)),
    }));
  }

  problems(): Problem[] {
    return [...this.#problems.values()];
  }

  /** @returns undefined where the entry cannot be used */
  #addEntry(
    search: FileSearch,
    { path, realPath, realFolder }: FilePlace,
    entry: ServerEntry,
    { secrets, plainUrl }: ServerFile,
  ): Found | undefined {
    const { vscodeCollection } = search.files;
    const key = [realPath, entry.line, entry.folder ?? '', entry.name].join('\0');
    // The same file by another path.
    const known = this.#found.get(key);
    if (known) {
      alsoReadBy(known, search);
      return known;
    }
    const { fields, problem } = readEntry(entry, plainUrl);
    if (problem !== undefined) {
      this.#report(realPath, { source: 'config', client: search.owner, message: problem, file: path, line: entry.line });
    }
    if (!fields) {
      return undefined;
    }
    const { headers, envFile, unread, ...rest } = fields;
    if (fields.args.length > maxArguments) {
      const message = t('The server “{0}” has {1} arguments; only the first {2} are read.', entry.name, fields.args.length, maxArguments);
      this.#report(realPath, { source: 'config', client: search.owner, message, file: path, line: entry.line });
    }
    const folder = entry.folder === undefined ? search.folder : resolve(entry.folder);
    const id = createHash('sha256')
      .update([search.owner, realPath, entry.folder ?? '', entry.name].join('\0'))
      .digest('hex')
      .slice(0, 16);
    const found: Found = {
      id,
      client: search.owner,
      readBy: [search.owner, search.reader],
      scope: entry.scope ?? search.files.scope,
      file: path,
      format: search.files.format,
      line: entry.line,
      name: entry.name,
      ...rest,
      enabled: fields.enabled && search.off !== true,
      args: fields.args.slice(0, maxArguments),
      secrets: [
        ...secretsOf({ ...fields, env: { ...unread, ...fields.env }, headers: headers.map(([, value]) => value) }, this.#shapes),
        ...secrets,
      ],
      ...(headers.length === 0 ? {} : { headers }),
      ...(folder === undefined ? {} : { folder }),
      ...(search.plugin === undefined ? {} : { plugin: search.plugin }),
      ...(vscodeCollection === undefined ? {} : { vscodeCollection }),
    };
    this.#found.set(key, found);
    if (realFolder !== undefined) {
      this.#realFolders.set(id, realFolder);
    }
    if (envFile !== undefined) {
      this.#envFiles.set(key, envFile);
    }
    return found;
  }

  #concerns(item: SwitchedOffFor, found: Found): boolean {
    const there = item.folder === undefined || item.folder === found.folder || item.folder === this.#realFolders.get(found.id);
    return item.client === found.client && there && (!item.dotMcpOnly || found.scope === 'project');
  }

  #report(realPath: string, problem: Problem): void {
    const key = [realPath, problem.line, problem.message].join('\0');
    this.#problems.set(key, this.#problems.get(key) ?? problem);
  }
}

function alsoReadBy(found: Found, { reader, files }: FileSearch): void {
  if (!found.readBy.includes(reader)) {
    found.readBy = [...found.readBy, reader];
  }
  if (files.vscodeCollection !== undefined) {
    found.vscodeCollection ??= files.vscodeCollection;
  }
}

/** The folder of a project file with links resolved, derived from the file's real path. */
function realFolderOf(folder: string, path: string, realPath: string): string {
  const inside = path.slice(folder.length);
  return realPath.endsWith(inside) ? realPath.slice(0, realPath.length - inside.length) || '/' : folder;
}

function isTrusted(folders: readonly string[], trust: ReadonlyMap<string, boolean>): boolean {
  return folders.some((folder) => {
    for (let at = resolve(folder); ; at = dirname(at)) {
      const trusted = trust.get(at);
      if (trusted !== undefined || dirname(at) === at) {
        return trusted === true;
      }
    }
  });
}
