import { t } from '../../base/language/translate.ts';
import type { DefinitionScope, Transport } from '../../model/definition.ts';
import type { CommandEdits } from './commandEdits.ts';
import type { EntryForm, LocalEntry } from './entryForms.ts';

/** Entries of a file that are read; the others cost time in every scan and in every view. */
const maxEntries = 1_000;
/** Characters of a name that is read: each running copy of a server, and each text about one, repeats it. */
export const maxNameLength = 200;
/** Arguments of an entry that are read. */
export const maxArguments = 1_000;

/** One entry in a map of servers, as in the file. */
export interface ServerEntry {
  readonly name: string;
  /** 1-based line of the entry's name. */
  readonly line: number;
  readonly value: unknown;
  /** Where the file decides it (Claude Code's local scope), instead of the client table. */
  readonly scope?: DefinitionScope;
  readonly folder?: string;
}

/** A mistake in the file; `line` and `column` are 1-based. */
export interface FileProblem {
  readonly message: string;
  readonly line: number;
  readonly column?: number;
}

/** Servers that a file switches off by name. */
export interface SwitchedOff {
  readonly names: readonly string[];
  /** The folder where this holds; everywhere when undefined. */
  readonly folder?: string;
  /** Only entries of a project's `.mcp.json`. */
  readonly dotMcpOnly: boolean;
}

/** The content of one configuration file, as plain data. */
export interface ServerFile {
  readonly entries: readonly ServerEntry[];
  readonly problems: readonly FileProblem[];
  /** Project folders that the client has worked in, as named by the file. */
  readonly folders: readonly string[];
  /** Folders and whether the client trusts them (Codex). */
  readonly trust: ReadonlyMap<string, boolean>;
  readonly switchedOff: readonly SwitchedOff[];
  /** Secrets outside of the entries. */
  readonly secrets: readonly string[];
  /** The transport of a `url` without a type in this client. */
  readonly plainUrl?: Transport;
  /** Plugins that the file names. */
  readonly plugins?: readonly InstalledPlugin[];
  /** Whether plugins are switched on, by their id. */
  readonly pluginStates?: ReadonlyMap<string, boolean>;
  /** Folders with plugins, each with a list of them. */
  readonly marketplaces?: readonly string[];
  /** Files with servers that a plugin's manifest names, relative to the plugin. */
  readonly serverFiles?: readonly string[];
}

/** A plugin of a client. */
export interface InstalledPlugin {
  readonly id: string;
  readonly folder: string;
  /** It runs only where settings switch it on. */
  readonly switchedOn?: true;
}

/** A file format. */
export interface Format {
  /** Reads the entries with their lines. Never throws. @param path of the file, for formats in which it is a part of the meaning */
  read(text: string, path?: string): ServerFile;
  /** Edits of an entry's command; absent for files without servers. */
  readonly edits?: CommandEdits;
  /** Adds an entry; absent where that is done as in JSON or TOML (`addEntry`). @throws EditRefused */
  readonly add?: (form: EntryForm, text: string, entry: LocalEntry) => string;
}

export const emptyServerFile: ServerFile = { entries: [], problems: [], folders: [], trust: new Map(), switchedOff: [], secrets: [] };

/** The file with its first entries and problems, and problems that say how many entries it has, and which have names that are too long. */
export function withinLimits(file: ServerFile): ServerFile {
  const { entries, problems } = file;
  const first = entries[maxEntries];
  const read = entries.slice(0, maxEntries);
  const long = read.filter(({ name }) => name.length > maxNameLength);
  return {
    ...file,
    entries: read.filter(({ name }) => name.length <= maxNameLength),
    problems: [
      ...problems.slice(0, maxEntries),
      ...long.map(({ name, line }) => ({
        message: t(
          'The name of the server “{0}…” has {1} characters; at most {2} are read; this entry is ignored.',
          name.slice(0, 40),
          name.length,
          maxNameLength,
        ),
        line,
      })),
      ...(first
        ? [{ message: t('The file has {0} servers; only the first {1} are read.', entries.length, maxEntries), line: first.line }]
        : []),
    ],
  };
}

/** The strings of a list; other items are left out. */
export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
