import type { ClientId } from '../../model/definition.ts';
import type { ProcessDetail, ProcessRow } from '../../model/process.ts';
import type { VariableValues } from './wordPattern.ts';

/** One server to be matched, with what is known of its start. */
export interface MatchInput {
  readonly server: ProcessRow;
  /** Undefined while only command lines were read: what is not known is then accepted. */
  readonly detail?: ProcessDetail;
  /** Topmost first. */
  readonly launchers: readonly ProcessRow[];
  /** The client that started it. `folder`: the client's own directory. */
  readonly client?: { readonly id: ClientId; readonly folder?: string };
  /** The specs in `_npx/HASH/package.json` (`_npx.packages`), where the caller has read it. */
  readonly npxPackages?: readonly string[];
}

/** The facts about the machine that matching needs. */
export interface MatchContext {
  readonly platform: NodeJS.Platform;
  /** The user's home folder, for `~` and its variables. Undefined: they match anything. */
  readonly home?: string;
}

/** How well a definition's command line explains a running server. */
export interface LaunchFit {
  /** `same`: words, or package and arguments, are equal. `likely`: only the name is, because the command line was replaced. */
  readonly strength: 'same' | 'likely';
  /** Words that matched because the definition has a variable there. */
  readonly wildcards: number;
  /** Concluded from where the command of the entry leads now, after a change: counts only below a client that reads the entry, or a connected one that is not known. */
  readonly concluded?: true;
  /** Where it is concluded: how many folders the place where the command leads has in common with the one that runs. Projects have places of their own. */
  readonly shared?: number;
  /** How it is known, for a person. No arguments. */
  readonly why: string;
}

/** The input of every step that compares one definition with one server. */
export interface FitScope {
  readonly values: VariableValues;
  readonly windows: boolean;
  /** Directories that a relative path of the definition may be based on. */
  readonly bases: readonly string[];
  /** The server's directory. */
  readonly cwd?: string;
}
