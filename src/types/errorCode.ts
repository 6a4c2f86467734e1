/** The code that the system or Node gave an error (`ENOENT`, `ERR_…`); undefined for an error without one, and for what is no error. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
