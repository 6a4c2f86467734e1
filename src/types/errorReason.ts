/** Why something failed, in one line: Node adds to a missing module who asked for it, line by line. */
export function reasonOf(error: unknown): string {
  const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return reason;
}
