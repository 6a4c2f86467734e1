import type { Finding } from './finding.ts';

/** The id of a client in code, stored facts and JSON output. `unknown`: a program that started a server and is not in the client table. */
export type ClientId = string;

/** Where in its client's configuration an entry is. */
export type DefinitionScope = 'user' | 'profile' | 'workspace' | 'project' | 'local' | 'managed';

export type Transport = 'stdio' | 'http' | 'sse' | 'ws';

/**
 * One server entry in one client's configuration file, as the file has it. It holds secrets (arguments, environment values) and must never be printed, logged or
 * stored; `Definition` is the redacted form.
 */
export interface RawDefinition {
  /** Stable over runs: first 16 hex digits of SHA-256 over client, file, scope path and name. */
  readonly id: string;
  /** The client whose file it is. */
  readonly client: ClientId;
  /** Every client known to read this file, `client` first (a root `.mcp.json` has several). */
  readonly readBy: readonly ClientId[];
  readonly scope: DefinitionScope;
  /** Absolute path of the file. */
  readonly file: string;
  /** Format of the file, as named in the client table; without it the file is never written. */
  readonly format?: string;
  /** 1-based position of the entry's name in the file. 1 when the format does not tell. */
  readonly line: number;
  readonly name: string;
  readonly transport: Transport;
  /** As written; undefined for remote servers. */
  readonly command?: string;
  readonly args: readonly string[];
  /** Literal values as written; `null` removes the variable (VS Code). In memory only. */
  readonly env: Readonly<Record<string, string | null>>;
  readonly cwd?: string;
  readonly url?: string;
  /** Headers as written. In memory only. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Header values and other secrets, redacted wherever they appear. In memory only. */
  readonly secrets: readonly string[];
  /** False when the file itself says that the entry is switched off. */
  readonly enabled: boolean;
  /** The folder the entry belongs to (workspace folder, project root), absolute. Undefined for user scope. */
  readonly folder?: string;
  /** The folder of the plugin that brings it. */
  readonly plugin?: string;
  /**
   * What its client uses instead: the entries of the same name in narrower scopes; `folder`: only in this project. `alone`: the file of an administrator, whose entries
   * the client uses and no others.
   */
  readonly replacedBy?: readonly { readonly file: string; readonly line: number; readonly folder?: string; readonly alone?: true }[];
  /** VS Code only: which collection it belongs to; with the folder's index it makes VS Code's own server id. */
  readonly vscodeCollection?: 'user' | 'folder' | 'folder-dot-mcp' | 'workspace-file';
}

/**
 * The port that an entry's URL names. `hidden`: a process that cannot be seen (of another user, in another PID namespace), or a part of another program;
 * `forwarder`: a program that passes connections on (docker-proxy, ssh); `stranger`: another program.
 */
export interface DefinitionPort {
  readonly number: number;
  readonly holder: 'nobody' | 'hidden' | 'server' | 'stranger' | 'forwarder';
  readonly pid?: number;
  /** `stranger` only: why it is not the entry's server, for a person. */
  readonly holderReason?: string;
  /** `stranger` only: its command line, redacted, at most 120 characters. */
  readonly holderCommand?: string;
}

/** The redacted form of a definition: what views, JSON output and logs may hold. */
export interface Definition {
  readonly id: string;
  readonly client: ClientId;
  readonly readBy: readonly ClientId[];
  readonly scope: DefinitionScope;
  readonly file: string;
  readonly line: number;
  readonly name: string;
  readonly transport: Transport;
  readonly command?: string;
  readonly args: readonly string[];
  readonly envNames: readonly string[];
  readonly cwd?: string;
  readonly url?: string;
  readonly enabled: boolean;
  readonly folder?: string;
  readonly replacedBy?: NonNullable<RawDefinition['replacedBy']>;
  readonly vscodeCollection?: NonNullable<RawDefinition['vscodeCollection']>;
  /** It starts its server through our guard. */
  readonly guarded?: true;
  /** Servers at an address of this machine; absent where the port could not be read. */
  readonly port?: DefinitionPort;
  readonly findings: readonly Finding[];
}
