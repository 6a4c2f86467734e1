export type FindingKind =
  | 'stale'
  | 'files-gone'
  | 'duplicate'
  | 'copies'
  | 'respawn-storm'
  | 'runaway'
  | 'orphan'
  | 'unresponsive'
  | 'lock-conflict'
  | 'respawn-differs'
  | 'update-available'
  | 'config-changed'
  | 'port-taken';

/** Whether a proven or likely finding of this kind counts for the badge and for `--check`; the others are information. */
const isHeadlineKind: Readonly<Record<FindingKind, boolean>> = {
  stale: true,
  'files-gone': true,
  duplicate: true,
  copies: true,
  'respawn-storm': true,
  runaway: true,
  orphan: true,
  unresponsive: true,
  'lock-conflict': true,
  'respawn-differs': false,
  'update-available': false,
  'config-changed': false,
  'port-taken': false,
};

/** `proven`: by stored facts or the kernel. `likely`: one other explanation of the evidence is possible. `unknown`: it cannot be told. */
export type Confidence = 'proven' | 'likely' | 'unknown';

/**
 * Which part of a server is stale. `interpreter`: the program that runs its code; `binary`: the program that it is; `replaced-beside`: its command leads to another
 * version, which was installed beside the one that runs.
 */
export type StaleSubKind = 'package' | 'dependency' | 'content' | 'source' | 'interpreter' | 'binary' | 'replaced-beside';

/** How a server is restarted that neither a client nor a guard starts. */
export const asItWasStarted = 'the way it was started (its service, its terminal, its container)';

/** The fix of a finding. Command line and editor offer the part that they can do. */
export type FindingAction =
  | { readonly kind: 'restart' }
  /** The user has to do it: the exact step. `held`: until then the client itself starts the old version again, so that a restart by another way changes nothing. */
  | { readonly kind: 'manual'; readonly step: string; readonly held?: true }
  | { readonly kind: 'end' }
  /** Installs the new version, as arguments without a shell; a restart follows. Run only after the user has seen it. */
  | { readonly kind: 'upgrade'; readonly argv: readonly string[]; readonly cwd?: string }
  | { readonly kind: 'reveal'; readonly file: string; readonly line: number };

export interface Finding {
  readonly kind: FindingKind;
  readonly subKind?: StaleSubKind;
  readonly confidence: Confidence;
  /** One sentence for a person. Redacted. */
  readonly message: string;
  /** The facts and how they are known, a line each, for a person. Redacted. */
  readonly evidence: readonly string[];
  /** Since when it is known to be true; ISO 8601. */
  readonly since: string;
  /** Nothing shows when it became true: `since` is the first scan that saw it. */
  readonly sinceAtMost?: true;
  /** Below the limit from which a finding of this kind counts for the badge and for `--check`. */
  readonly minor?: true;
  /** In the order in which they should be offered. */
  readonly actions: readonly FindingAction[];
}

/** Whether a finding counts for the badge and for `--check`. */
export function isHeadline({ kind, confidence, minor }: Pick<Finding, 'kind' | 'confidence' | 'minor'>): boolean {
  return isHeadlineKind[kind] && confidence !== 'unknown' && !minor;
}
