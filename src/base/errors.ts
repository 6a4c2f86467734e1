/** The code that the system or Node gave an error (`ENOENT`, `ERR_…`); undefined for an error without one, and for what is no error. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Why something failed, in one line: Node adds to a missing module who asked for it, line by line. */
export function reasonOf(error: unknown): string {
  const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return reason;
}

/** The class of an error (`TypeError`), for messages that must not repeat what an error says, such as paths and arguments. */
export function errorName(error: unknown): string {
  return error instanceof Error ? error.name : 'error';
}
