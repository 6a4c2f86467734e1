import type { ClientId } from './definition.ts';

/**
 * Something that could not be read or understood (a broken file, a missing permission). Reported once; everything else is still shown. What is wrong with a
 * server is a finding, not a problem.
 */
export interface Problem {
  /** The source: one stable word for each, for filtering. `verdict`: nothing could not be read, but verdicts contradict each other: a fault of MCP Shepherd. */
  readonly source: 'config' | 'process' | 'package' | 'facts' | 'watch' | 'lock' | 'verdict';
  /** What is wrong and what to do, in one sentence. Redacted. */
  readonly message: string;
  /** The process concerned. */
  readonly pid?: number;
  /** The client whose configuration it is. */
  readonly client?: ClientId;
  /** The file concerned, absolute. */
  readonly file?: string;
  /** 1-based line and column in `file`. */
  readonly line?: number;
  readonly column?: number;
}
