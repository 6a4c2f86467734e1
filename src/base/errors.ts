/** The code of a system or Node error (`ENOENT`, `ERR_…`). Undefined for errors without a code and for other values. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The first line of an error's message. For a missing module, Node appends the list of modules that required it. */
export function reasonOf(error: unknown): string {
  const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return reason;
}

/** The class of an error (`TypeError`), for messages that must not repeat what an error says, such as paths and arguments. */
export function errorName(error: unknown): string {
  return error instanceof Error ? error.name : 'error';
}
