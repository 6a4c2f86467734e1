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
  | 'copilot-ide'
  | 'codex-config'
  | 'vibe-config'
  | 'kiro-mcp'
  | 'settings-mcp-servers'
  | 'openclaw-config'
  | 'mcp-map'
  | 'context-servers'
  | 'augment-settings'
  | 'plugin-mcp'
  | 'plugin-manifest'
  | 'plugin-list'
  | 'marketplace'
  | 'extension-states'
  | 'mcpb-manifest'
  | YamlFormatId;

/** Shapes of YAML files, whose parser is loaded when the first one is read. */
export type YamlFormatId = 'goose-config' | 'continue-config' | 'hermes-config' | 'librechat-config';

/** Files of one kind that a client reads. Segments of a path may hold one `*` each, which stands for any name. */
export interface ConfigFiles {
  readonly scope: DefinitionScope;
  readonly format: FormatId;
  /** The client that owns the file, where that is another one. */
  readonly of?: ClientId;
  readonly vscodeCollection?: NonNullable<RawDefinition['vscodeCollection']>;
  readonly at: ConfigPlace;
}

type ConfigPlace =
  /**
   * Absolute paths. `first`: only the first file that exists counts. `busy`: the client writes to the directory with the `*` all the time, so that new names there are
   * not watched for.
   */
  | { readonly kind: 'fixed'; readonly paths: (places: Places) => readonly string[]; readonly first?: true; readonly busy?: true }
  /** Relative to each `User` directory of the row. */
  | { readonly kind: 'user-dir'; readonly paths: readonly string[] }
  /**
   * Relative to a project folder. `parents`: the directories above are searched too, for clients that start below the project's root: up to the root
   * of the file system or to the home directory, which itself counts only for `with-home`. `trustedOnly`: counts where the client trusts the folder.
   */
  | {
      readonly kind: 'folder';
      readonly paths: readonly string[];
      readonly parents?: 'below-home' | 'with-home';
      readonly trustedOnly?: true;
    }
  /** Relative to the folder of each plugin of this client. */
  | { readonly kind: 'plugin'; readonly paths: readonly string[] }
  /** The known `.code-workspace` files. */
  | { readonly kind: 'workspace-file' };

/** One way in which a client shows in the process table. Every pattern that is present must match. */
export interface ProcessPattern {
  /** Name of the program, or of the script that node or bun runs, without suffix. */
  readonly program?: RegExp;
  /** Matches anywhere in the path of the program or script (with forward slashes). */
  readonly path?: RegExp;
  /** With these arguments the program is a server and no client. */
  readonly unless?: RegExp;
  /** Tried after all patterns of this client, which has a program of the same name. Default: in the order of the table. */
  readonly after?: ClientId;
}

/** One client: everything about it that is data. */
export interface ClientRow {
  readonly id: ClientId;
  /** The name that users know. */
  readonly name: string;

  /** The systems that it exists for; without it, all. */
  readonly systems?: readonly NodeJS.Platform[];
  /** Empty for clients that are only recognised as processes. */
  readonly files: readonly ConfigFiles[];
  /** Where its plugins are, beside those that one of its files lists. */
  readonly plugins?: {
    /** Folders of one plugin each; their segments may hold one `*` each. */
    readonly folders?: (places: Places) => readonly string[];
    /** Such a folder is called by its version, and the one above it by the plugin. */
    readonly versioned?: true;
    /** Where the list of plugins lies in a marketplace; the first existing file counts. */
    readonly lists?: readonly string[];
  };
  /** `User` directories (VS Code and its builds). */
  readonly userDirs?: (places: Places) => readonly string[];
  /** Paths of which one exists where the client was used. Default: the folders of its own user files. */
  readonly traces?: (places: Places) => readonly string[];
  /** A running client overwrites its files with what it has in memory; changes that others made are lost. */
  readonly rewritesFiles?: true;
  /** Files of this client that something other than the user rewrites: what to know before an entry in one is changed, as a sentence. */
  readonly fileWarning?: { readonly file: RegExp; readonly text: string };
  /** Settings files whose rules allow or deny servers by their command. */
  readonly commandRules?: (places: Places) => readonly string[];
  /** Where users put an entry of their own, as the end of a sentence. Default: "in CLIENT's user configuration". `NAME` stands for the server's name. */
  readonly ownEntryPlace?: string;

  /** Programs of its own, the most specific pattern first. */
  readonly processes?: readonly ProcessPattern[];
  /** Variables that it sets for what it starts. */
  readonly environmentMarks?: readonly string[];
  /** Variables that it sets anew for each session: a server's answers are kept for all of them. */
  readonly sessionVariables?: readonly string[];
  /** Set for VS Code and the editors made from it. Only these are ever a VS Code utility process. */
  readonly editor?: {
    /** Where the program lies; matched against the path in lower case with forward slashes. VS Code itself has none: it is the default. */
    readonly path?: RegExp;
  };
  /** An extension: it starts its servers inside the window of an editor of VS Code's family. */
  readonly inEditors?: true;
  /** Part of the product VS Code: its parts share their files by design. */
  readonly product?: 'vscode';

  /**
   * Of entries with one name, the client uses that of the scope that comes first. Default: managed, local, project, workspace, profile, user. `apart`: it keeps all of
   * them, each a server of its own.
   */
  readonly precedence?: readonly DefinitionScope[] | 'apart';
  /** Where an administrator's file has servers, the client uses no others. */
  readonly managedAlone?: true;

  /** `one` copy of a server under one client process; else why the client starts several by design, as a sentence. */
  readonly copies: string;
  /**
   * The unit that each copy serves, where `copies` is not `one`. How many windows a client has cannot be seen, so that their copies are not counted. `project`: each
   * window shows one, so that only copies in the same directory are counted. `directory`: the client keeps a copy for every directory that it was asked about.
   */
  readonly copiesFor?: 'conversation' | 'directory' | 'project' | 'window';
  /** The user's exact step in this client to restart one server. `NAME` stands for the server's name. */
  readonly restartStep: string;
  /** The user's step to a new session, where the session keeps what it read at its start, as the beginning of a sentence. */
  readonly newSessionStep?: string;
  /** The user's step to stop one server, where that spares the client an error. `NAME` stands for the server's name. */
  readonly stopStep?: string;
  /**
   * What the client does when one of its servers has ended: the server stays down until the user acts, is started again at once, or at the next call; or as a sentence what
   * was seen, and the comment in the row says with which version. Absent = not known.
   */
  readonly afterStop?: 'stays-down' | 'at-once' | 'call' | { readonly seen: string };
  /**
   * Where its PATH comes from. `terminal`: it has that of the shell that started it. `adds`: a program of the desktop, which has not the shell's, but searches folders of
   * its own that the expression matches. Absent: it asks the shell itself, or it is not known.
   */
  readonly path?: 'terminal' | { readonly adds: RegExp };
  /** How its files name a variable of its environment, where a missing one has no value. Absent: not at all, with values of other files, or not known. */
  readonly variable?: '${NAME}' | '${env:NAME}' | '{env:NAME}';
  /** How a secret is kept out of its file, as a sentence. `NAME` stands for the variable. */
  readonly secretStep?: string;
  /** It writes a new entry in another form than other clients with a file of that format. `copilot`: with `tools`; `opencode`: as opencode does. */
  readonly entryForm?: 'copilot' | 'opencode';
  /** Its documentation asks for `cmd /c` before `npx` on Windows. */
  readonly asksForCmd?: true;
  /** The restart step uses “MCP: List Servers” of the same editor, so that an extension can open that list. */
  readonly listsServersInEditor?: true;
  /** A server whose entry changed is restarted by the client itself, as soon as the file is saved. Absent: only the restart step does that, or it is not known. */
  readonly restartsOnChange?: true;
  /** Interface by which other programs can ask the client to restart or stop a server (`action/execute`). */
  readonly controlledBy?: 'opencode-http';
  /**
   * The client's session with an HTTP server after that server restarts. `lost`: the client keeps the old session id and every call fails until the
   * user reconnects (reported for the client, and measured with the SDKs of the day). `renewed`: the client starts a new session. Absent = not known.
   */
  readonly sessionsAfterRestart?: 'lost' | 'renewed';
}
