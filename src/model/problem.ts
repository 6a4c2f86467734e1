/**
 * Something that could not be read or understood, told to the person once and never in the way of the rest.
 * A problem is about our own sight (a broken file, a missing permission); what is wrong with a server is a finding.
 */
export interface Problem {
  /** What was looked at: one stable word per source, for filtering. */
  readonly source: 'config' | 'process' | 'package' | 'facts' | 'watch' | 'lock';
  /** What happened and what to do, in one sentence. Redacted. */
  readonly message: string;
  /** The process concerned. */
  readonly pid?: number;
  /** The file concerned, absolute. */
  readonly file?: string;
  /** 1-based line and column in `file`. */
  readonly line?: number;
  readonly column?: number;
}
