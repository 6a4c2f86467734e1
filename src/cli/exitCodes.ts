/** Exit codes, the same for every command; `docs/cli.md` and `--help` say the same. */
export const exitCodes = {
  /** Done; with `--check`: nothing makes the headline. */
  ok: 0,
  /** `--check` only: at least one finding makes the headline. */
  findings: 1,
  /** Wrong usage, or the machine could not be looked at, or what was asked for cannot be done. */
  error: 2,
  /** Nothing was done: the printed step has to be taken by a person. */
  youMustAct: 3,
  /** `status --check` only: nothing makes the headline, and something could not be read, so that this is no clean bill. */
  notAllSeen: 3,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A mistake in the command line, or a wish that cannot be met: told in words, without a stack, and the program ends with `exitCodes.error`. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  /** Says where to read on; empty = none. */
  readonly hint: string;

  constructor(message: string, hint = '') {
    super(message);
    this.hint = hint;
  }
}
