export type FindingKind =
  | 'stale'
  | 'files-gone'
  | 'duplicate'
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
  orphan: true,
  unresponsive: true,
  'lock-conflict': true,
  'respawn-differs': false,
  'update-available': false,
  'config-changed': false,
  'port-taken': false,
};

/** `proven`: by stored facts or the kernel. `likely`: by evidence that one other story could explain. `unknown`: cannot be told, and said so. */
export type Confidence = 'proven' | 'likely' | 'unknown';

/** What of a server is stale. `interpreter`: the program that runs its code; `binary`: the program that it is. */
export type StaleSubKind = 'package' | 'dependency' | 'content' | 'source' | 'interpreter' | 'binary';

/** What cures a finding. The shells map each to what they can really do. */
export type FindingAction =
  | { readonly kind: 'restart' }
  /** The client has to do it: the exact step, in words. */
  | { readonly kind: 'manual'; readonly step: string }
  | { readonly kind: 'end' }
  /** Brings the new version on disk, as arguments without a shell; a restart follows. Run only after a person has seen it. */
  | { readonly kind: 'upgrade'; readonly argv: readonly string[]; readonly cwd?: string }
  | { readonly kind: 'reveal'; readonly file: string; readonly line: number };

export interface Finding {
  readonly kind: FindingKind;
  readonly subKind?: StaleSubKind;
  readonly confidence: Confidence;
  /** One sentence for a person. Redacted. */
  readonly message: string;
  /** What is known and from where, a line each, for a person. Redacted. */
  readonly evidence: readonly string[];
  /** ISO 8601: since when it is true as far as we know. */
  readonly since: string;
  /** In the order in which they should be offered. */
  readonly actions: readonly FindingAction[];
}

/** Whether a finding counts for the badge and for `--check`. */
export function isHeadline({ kind, confidence }: Pick<Finding, 'kind' | 'confidence'>): boolean {
  return isHeadlineKind[kind] && confidence !== 'unknown';
}
