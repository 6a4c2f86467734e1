import type { ClientId } from '../../model/definition.ts';
import type { ProcessDetail, ProcessRow } from '../../model/process.ts';
import type { VariableValues } from './wordPattern.ts';

/** One server as it was found, with what is known about how it came to be. */
export interface MatchInput {
  readonly server: ProcessRow;
  /** Undefined while only arguments have been looked at: what is not known then passes. */
  readonly detail?: ProcessDetail;
  /** Topmost first. */
  readonly launchers: readonly ProcessRow[];
  /** Who started it. `folder` is the client's own directory, where it says something. */
  readonly client?: { readonly id: ClientId; readonly folder?: string };
  /** The specs in `_npx/HASH/package.json` (`_npx.packages`), where the caller has read it. */
  readonly npxPackages?: readonly string[];
}

/** What matching needs to know about the machine. */
export interface MatchContext {
  readonly platform: NodeJS.Platform;
  /** The user's home, for `~` and its variables. Undefined: they match anything. */
  readonly home?: string;
}

/** How well a definition's command line explains a running server. */
export interface LaunchFit {
  /** `same`: words or package and arguments are equal. `likely`: by name, where words are lost. */
  readonly strength: 'same' | 'likely';
  /** Words that matched because the definition has a variable there. */
  readonly wildcards: number;
  /** For a person; holds no arguments. */
  readonly why: string;
}

/** What the comparison of one definition with one server needs everywhere. */
export interface FitScope {
  readonly values: VariableValues;
  readonly windows: boolean;
  /** Directories that a relative path of the definition may be meant from. */
  readonly bases: readonly string[];
  /** The server's directory. */
  readonly cwd?: string;
}
