import type { DefinitionScope, Transport } from '../../model/definition.ts';
import type { CommandEdits } from './commandEdits.ts';

/** One entry under the map of servers, as the file has it. */
export interface ServerEntry {
  readonly name: string;
  /** 1-based line of the entry's name. */
  readonly line: number;
  readonly value: unknown;
  /** Where the file itself tells (Claude Code's local scope), in place of the table's. */
  readonly scope?: DefinitionScope;
  readonly folder?: string;
}

/** Something wrong in the file; `line` and `column` are 1-based. */
export interface FileProblem {
  readonly message: string;
  readonly line: number;
  readonly column?: number;
}

/** Servers that a file switches off by name. */
export interface SwitchedOff {
  readonly names: readonly string[];
  /** Only there; everywhere when undefined. */
  readonly folder?: string;
  /** Only entries of a project's `.mcp.json`. */
  readonly dotMcpOnly: boolean;
}

/** What one configuration file says, in plain data. */
export interface ServerFile {
  readonly entries: readonly ServerEntry[];
  readonly problems: readonly FileProblem[];
  /** Project folders that the client has worked in, as named by the file. */
  readonly folders: readonly string[];
  /** Folders and whether the client trusts them (Codex). */
  readonly trust: ReadonlyMap<string, boolean>;
  readonly switchedOff: readonly SwitchedOff[];
  /** Secrets that belong to no single entry. */
  readonly secrets: readonly string[];
}

/** How a file is read. */
export interface Format {
  /** The entries' own syntax and place. Never throws. */
  read(text: string): ServerFile;
  /** What a bare `url` without a type means to this client. */
  readonly plainUrl?: Transport;
  /** How an entry's command is changed; absent for files without servers. */
  readonly edits?: CommandEdits;
}

export const emptyServerFile: ServerFile = { entries: [], problems: [], folders: [], trust: new Map(), switchedOff: [], secrets: [] };

/** The texts of a list; anything else in it is left out. */
export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
