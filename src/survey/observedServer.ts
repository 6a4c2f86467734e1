import type { ClientId } from '../types/definition.ts';
import type { ProcessDetail, ProcessRow } from '../types/process.ts';

/** One server as it was found, with what is known about how it came to be. */
export interface ObservedServer {
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
