import type { OptionProblem } from '../base/optionTable.ts';

/** Exit codes, the same for every command; `docs/cli.md` and `--help` list them. */
export const exitCodes = {
  /** Done; with `--check`: nothing needs attention. */
  ok: 0,
  /** `status --check` only: something needs attention. */
  findings: 1,
  /** Usage error, or the machine could not be scanned, or the command cannot be carried out. */
  error: 2,
  /** Nothing was changed: a person has to follow the printed step, or answered no. */
  youMustAct: 3,
  /** `status --check` only: nothing needs attention, but some inputs could not be read. */
  incomplete: 3,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The fault of a command line; `cannot`: it is understood and cannot be carried out. */
type UsageErrorKind = OptionProblem['kind'] | 'unknown-command' | 'missing-argument' | 'extra-argument' | 'cannot';

/** A command line that cannot be carried out. It is reported without a stack trace, and the program ends with `exitCodes.error`. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  /** The next step; empty: nothing to add. */
  readonly hint: string;
  readonly kind: UsageErrorKind;

  constructor(message: string, hint = '', kind: UsageErrorKind = 'cannot') {
    super(message);
    this.hint = hint;
    this.kind = kind;
  }
}
