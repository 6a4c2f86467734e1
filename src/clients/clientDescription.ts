import type { ClientId, DefinitionScope, RawDefinition } from '../model/definition.ts';
import type { Places } from './clientPaths.ts';

/** The shapes of configuration files; `config/formats` has a reader for each. */
export type FormatId =
  | 'vscode-mcp'
  | 'vscode-settings'
  | 'vscode-workspace'
  | 'mcp-servers'
  | 'dot-mcp'
  | 'gemini-settings'
  | 'qwen-settings'
  | 'amp-settings'
  | 'opencode-config'
  | 'claude-state'
  | 'claude-settings'
  | 'copilot-settings'
  | 'codex-config';

/** Files of one kind that a client reads. In a path one segment may hold one `*`, for any name. */
export interface ConfigFiles {
  readonly scope: DefinitionScope;
  readonly format: FormatId;
  /** Whose file it is, when it is another client's. */
  readonly of?: ClientId;
  readonly vscodeCollection?: NonNullable<RawDefinition['vscodeCollection']>;
  readonly at: ConfigPlace;
}

export type ConfigPlace =
  /** Absolute paths. `first`: only the first that exists counts. */
  | { readonly kind: 'fixed'; readonly paths: (places: Places) => readonly string[]; readonly first?: true }
  /** Relative to each `User` directory of the row. */
  | { readonly kind: 'user-dir'; readonly paths: readonly string[] }
  /**
   * Relative to a project folder. `parents`: looked for in the directories above too, for clients that start below the project's root; up to the root
   * of the file system or to the home directory, which itself counts only for `with-home`. `trustedOnly`: counts where the client trusts the folder.
   */
  | {
      readonly kind: 'folder';
      readonly paths: readonly string[];
      readonly parents?: 'below-home' | 'with-home';
      readonly trustedOnly?: true;
    }
  /** The `.code-workspace` files that are known. */
  | { readonly kind: 'workspace-file' };

/** One client: everything about it that is data. */
export interface ClientRow {
  readonly id: ClientId;
  /** As people call it. */
  readonly name: string;
  /** Empty for clients that are only recognised as processes. */
  readonly files: readonly ConfigFiles[];
  /** `User` directories (VS Code and its builds). */
  readonly userDirs?: (places: Places) => readonly string[];
  /** `one` copy of a server under one client process; else why several are by design, for a person. */
  readonly copies: string;
  /** What a person does in this client to restart one server, exactly. `NAME` stands for the server's name. */
  readonly restartStep: string;
  /** While it runs it writes its files anew from what it has in memory, and what others wrote is lost. */
  readonly rewritesFiles?: true;
  /**
   * What becomes of its session with an HTTP server that was restarted: `lost` where it goes on with the old session id and every call fails until a
   * person connects it again (reported for the client, and measured with the SDKs of the day), `renewed` where it begins a new one. Absent = not known.
   */
  readonly sessionsAfterRestart?: 'lost' | 'renewed';
}
